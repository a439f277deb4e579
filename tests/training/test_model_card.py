"""Model cards: one writer for all families, and every shipped card is as it would write it now."""

from __future__ import annotations

import json
import re
import tomllib
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from timbrel.config import make_settings, read_toml
from timbrel.instruments import load, models
from timbrel.instruments.model_folder import CARD
from timbrel.timbre import Bank
from timbrel.training.ddsp import objective as ddsp
from timbrel.training.harmonic import objective as harmonic
from timbrel.training.mel_vae import objective as mel_vae
from timbrel.training.model_card import CardPart, model_card
from timbrel.training.preset import objective as preset
from timbrel.training.running.folder import ORIGIN

SETS = re.compile(r"- Data: ((?:(?:; )?\d+ notes of \d+ instruments \(`[^`]+`\))+)")
PATCHES = re.compile(r"- Data: (\d+ patches .+)\.\n- .+ validation: `(.+)`\.\n")
PHRASES = re.compile(r"- Data: (\d+) minutes of (.+)\.\n- .+ validation: `(.+)`\.\n")


def of_notes(card_part: Any, settings: Any, card: str) -> CardPart:
    told = SETS.search(card)
    assert told is not None
    return card_part(settings, told[1])


def of_phrases(settings: Any, card: str) -> CardPart:
    told = PHRASES.search(card)
    assert told is not None
    return ddsp.card_part(settings, told[2], float(told[1]), told[3])


def of_patches(settings: Any, card: str) -> CardPart:
    told = PATCHES.search(card)
    assert told is not None
    return preset.card_part(settings, told[1], told[2])


FAMILIES = {
    "ddsp": (ddsp.DdspTraining, of_phrases),
    "harmonic": (harmonic.HarmonicTraining, partial(of_notes, harmonic.card_part)),
    "mel_vae": (mel_vae.MelVAETraining, partial(of_notes, mel_vae.card_part)),
    "preset": (preset.PresetTraining, of_patches),
}
SHIPPED = {
    name: folder for name, folder in models().items()
    if folder is not None and folder.parent.name == "shipped"
}  # fmt: skip


NEEDS = {"preset-amsynth": [pytest.mark.needs("amsynth")]}


@pytest.mark.parametrize(
    "folder", [pytest.param(SHIPPED[n], id=n, marks=NEEDS.get(n, [])) for n in SHIPPED]
)
def test_a_shipped_card_is_what_would_be_written_now(folder: Path) -> None:
    """All but the size of the sets, which do not ship."""
    instrument = load(folder)
    settings_class, card_part = FAMILIES[instrument.family]
    settings = make_settings(settings_class, read_toml(folder / ORIGIN))
    record = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    card = (folder / CARD).read_text(encoding="utf-8")
    bank = Bank(instrument.fingerprint) if instrument.bank is None else instrument.bank
    written = model_card(card_part(settings, card), settings, bank, record)
    said, listed = card.split("## Settings")
    assert said == written.split("## Settings")[0]
    # settings that came later stand in no card that was there before
    tables = tomllib.loads(listed.strip().removeprefix("```toml").removesuffix("```"))
    assert make_settings(settings_class, tables) == settings
