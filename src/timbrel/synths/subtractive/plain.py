"""Notes as plain tensors: what `subtractive` is, and the oracle of its compiled code.

Gradients reach all that is no pitch and no switch: levels, widths of envelopes, cutoff, resonance,
drive, reverb. It takes a step of Python for each sample, for all notes together.
"""

from __future__ import annotations

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from timbrel.sound import Notes
from timbrel.synths.subtractive.curves import (
    Curves,
    curves_of,
    off_ticks,
    stretched,
    stretched_whole,
)
from timbrel.synths.subtractive.noise import first_number, noise_at
from timbrel.synths.subtractive.reverb import room
from timbrel.synths.subtractive.shaping import bounded, driven, filtered, without_dc
from timbrel.synths.subtractive.voicing import COLUMN, WAVES
from timbrel.synths.subtractive.waves import (
    STARTS,
    Resets,
    Wave,
    brightened,
    cycles,
    oscillate,
    wraps,
)

_Sound = Float64[Tensor, "notes time"]


def play(
    voicing: Float64[Tensor, "notes columns"], notes: Notes, n_ticks: int, sample_rate: int
) -> _Sound:
    """The first `n_ticks` ticks of notes, silent after their ends."""
    c = {name: voicing[:, column, None] for name, column in COLUMN.items()}
    off = off_ticks(notes, sample_rate)
    curves = curves_of(voicing, notes, off, n_ticks + 1, sample_rate)
    sound = _drive(c, "pre", _sources(c, curves, first_number(notes.pitch)))
    weights = (c["out_low"], c["out_band"], c["out_high"], c["out_low_24"])
    cutoff, damping = stretched(curves.cutoff), c["damping"].expand_as(sound)
    sound = _drive(c, "post", filtered(sound, cutoff, damping, weights))
    sound = without_dc(sound, sample_rate) * stretched(curves.amp)
    feedback = torch.cat([c[f"feedback{line}"] for line in range(4)], 1)
    back = room(sound, feedback, c["absorb"], sample_rate)
    return bounded(c["dry"] * sound + stretched(curves.wet) * back)


def _drive(c: dict[str, Tensor], place: str, sound: _Sound) -> _Sound:
    return driven(sound, *(c[f"{place}_{what}"] for what in ("gain", "mix", "make_up")))


def _sources(c: dict[str, Tensor], curves: Curves, first: Int64[Tensor, " notes"]) -> _Sound:
    """Oscillators, ring, sub and noise together."""
    steps, widths = stretched_whole(curves.steps), stretched_whole(curves.widths)
    number = torch.arange(steps.shape[-1])
    noise = noise_at(first[:, None] + number)
    waves = [Wave(*(c[f"{wave}{o}"] for wave in WAVES[:-1])) for o in (1, 2)]
    one, phase = oscillate(waves[0], steps[0], widths[0], STARTS[0])
    two, _ = oscillate(waves[1], steps[1], widths[1], STARTS[1], _synced(c, phase, steps[0]))
    copies = [oscillate(waves[0], steps[i], widths[0], STARTS[i])[0] for i in (2, 3)]
    one, two = one + c["noise1"] * noise, two + c["noise2"] * noise
    mixed = c["level1"] * one + c["level2"] * two + c["ring"] * one * two
    mixed = mixed + c["level_unison"] * (copies[0] + copies[1] + 2 * c["noise1"] * noise)
    low = (2 * torch.pi * cycles((steps[0] // 2).cumsum(1))).sin()
    return brightened(mixed) + c["sub"] * low + c["noise"] * noise


def _synced(c: dict[str, Tensor], phase: Int64[Tensor, "notes time"], step: Tensor) -> Resets:
    resets = wraps(phase, step)
    is_synced = c["sync"] > 0.5
    return Resets(resets.happen & is_synced, torch.where(is_synced, resets.ago, 0.0))
