"""The bank that a model of a synthesizer ships: its factory patches, and where they lie."""

from __future__ import annotations

import re

import torch

from timbrel.instruments.preset import Preset
from timbrel.instruments.preset.index import PatchIndex
from timbrel.synths import CATEGORIES
from timbrel.timbre import Bank

_REDISTRIBUTED = "subtractive"
"""Whose factory patches are ours to give away."""


def preset_bank(instrument: Preset) -> tuple[Bank, PatchIndex | None]:
    """Factory patches by name, the typical patch of each category, and an index of them.

    Patches of others are not given away: their models ship an empty bank.
    """
    bank, synth = Bank(instrument.fingerprint), instrument.synth
    if synth.name != _REDISTRIBUTED:
        return bank, None
    patches = [patch for _, some in synth.factory_banks() for patch in some]
    if not patches:
        return bank, None
    vectors = torch.stack([synth.parameters.vector(patch.values) for patch in patches])
    names = [bank_name(patch.name) for patch in patches]
    for name, vector, patch in zip(names, vectors, patches, strict=True):
        bank.add(name, vector, "sound", f"{patch.category}, by {patch.author or 'unknown'}")
    for category in CATEGORIES:
        own = torch.tensor([patch.category == category for patch in patches])
        if bool(own.any()) and category not in bank:
            bank.add(
                category,
                synth.parameters.typical(vectors[own]),
                "mean",
                f"of {int(own.sum())} patches",
            )
    return bank, PatchIndex.of(synth, instrument.network, names, vectors)


def bank_name(name: str) -> str:
    """A patch's name as expressions can say it.

    >>> bank_name("Acid Bass #2")
    'acid_bass_2'
    """
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return plain if plain[:1].isalpha() else f"p_{plain}"
