"""What is done to matches when the search is over, and how near they come in the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.distances import mss_db
from timbrel.instruments.preset.hearing.heard import SAMPLE_RATE, fitted, is_audible
from timbrel.instruments.preset.matching.candidates import Match
from timbrel.instruments.preset.matching.judging import n_compared
from timbrel.instruments.preset.rendering import attempted
from timbrel.sound import Notes
from timbrel.synths import Synth

_VOLUMES = 129
"""Places of the volume knob, of which a few are tried: it never makes softer."""

_SAME_DB = 0.05
"""Distances that differ by less are one."""


def finished(synth: Synth, matches: Sequence[Match], target: Float[Tensor, " time"]) -> list[Match]:
    """Matches as they are handed out, the nearest first.

    Each is as loud as the target; and what says how notes follow each other, of which one note
    knows nothing, stands at its default, unless it sounds further so.

    Args:
        synth: that plays them.
        matches: what was found.
        target: the sound, at 44.1 kHz.
    """
    vectors, notes = _vectors_and_notes(matches)
    loud = levelled(synth, vectors, notes, target)
    best = measured(synth, _moved(matches, loud), target)
    if synth.phrasing:
        plain = measured(synth, _moved(matches, _unphrased(synth, loud)), target)
        pairs = zip(best, plain, strict=True)
        best = [b if b.distance_db <= a.distance_db + _SAME_DB else a for a, b in pairs]
    return sorted(best, key=lambda one: one.counted_db)


def measured(synth: Synth, matches: Sequence[Match], target: Float[Tensor, " time"]) -> list[Match]:
    """Matches with their `mss_db` from a target, over what the search compares (`n_compared`).

    It is infinite where a plug-in failed, and where nothing can be heard.
    """
    sounds = attempted(synth, *_vectors_and_notes(matches))
    length = n_compared(target)
    ours, wanted = fitted(sounds)[..., :length], fitted(target)[:length]
    distances = mss_db(ours, wanted.expand_as(ours), SAMPLE_RATE)
    distances = distances.masked_fill(~is_audible(sounds), torch.inf)
    return [
        replace(one, distance_db=distance)
        for one, distance in zip(matches, distances.tolist(), strict=True)
    ]


def levelled(
    synth: Synth,
    vectors: Float[Tensor, "notes params"],
    notes: Notes,
    target: Float[Tensor, " time"],
) -> Float[Tensor, "notes params"]:
    """Patches with their volume knob where they are as loud as the target, if there is one."""
    if not synth.volume:
        return vectors
    knob = synth.parameters.names.index(synth.volume)
    places = torch.linspace(0.0, 1.0, _VOLUMES)
    power = fitted(target).square().mean()

    def turned(numbers: Tensor) -> Tensor:
        return vectors.index_copy(1, torch.tensor([knob]), places[numbers, None])

    low, high = (torch.full((len(vectors),), end) for end in (0, _VOLUMES - 1))
    while bool((low < high).any()):
        middle = (low + high) // 2
        is_loud = attempted(synth, turned(middle), notes).square().mean(-1) >= power
        low = torch.where(is_loud | (low == high), low, middle + 1)
        high = torch.where(is_loud, middle, high)
    return turned(low)


def is_volume_spent(synth: Synth, vector: Float[Tensor, " params"]) -> bool:
    """Whether there is no volume knob, or it stands at an end of its way."""
    if not synth.volume:
        return True
    return float(vector[synth.parameters.names.index(synth.volume)]) in (0.0, 1.0)


def _unphrased(
    synth: Synth, vectors: Float[Tensor, "notes params"]
) -> Float[Tensor, "notes params"]:
    knobs = torch.tensor([name in synth.phrasing for name in synth.parameters.names])
    return torch.where(knobs, synth.parameters.defaults, vectors)


def _moved(matches: Sequence[Match], vectors: Tensor) -> list[Match]:
    return [replace(one, vector=vector) for one, vector in zip(matches, vectors, strict=True)]


def _vectors_and_notes(matches: Sequence[Match]) -> tuple[Tensor, Notes]:
    notes = [one.note for one in matches]
    pitch, velocity, held_s = (
        torch.cat([getattr(note, name) for note in notes])
        for name in ("pitch", "velocity", "duration_s")
    )
    return torch.stack([one.vector for one in matches]), Notes(pitch, velocity, held_s)
