"""How much each knob of a patch is heard: its sound with the knob, and with the knob untouched."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.data.preset_render import render_notes
from timbrel.dsp.distances import mss_db
from timbrel.instruments.preset.hearing import HOLD_S, SAMPLE_RATE, is_audible
from timbrel.instruments.preset.target import TYPICAL_VELOCITY
from timbrel.progress import Progress
from timbrel.sound import Notes
from timbrel.synths import Synth

ACTIVE_DB = 0.5
"""A knob whose reset changes a patch's sound by more (MSS) is active in it."""

_PITCH = 60.0


def heard_db(
    synth: Synth, vectors: Sequence[Float[Tensor, " params"]], progress: Progress | None = None
) -> dict[str, float]:
    """By how many dB (MSS) the reset of each knob changes a patch, on average over patches."""
    total = torch.zeros(len(synth.parameters))
    for count, vector in enumerate(vectors):
        total += activity_db(synth, vector)
        if progress:
            progress("measuring", count + 1, len(vectors))
    mean = total / max(len(vectors), 1)
    return {
        name: round(x, 4) for name, x in zip(synth.parameters.names, mean.tolist(), strict=True)
    }


def activity_db(synth: Synth, vector: Float[Tensor, " params"]) -> Float[Tensor, " params"]:
    """By how many dB (MSS) the reset of each of a patch's knobs to its default changes its sound.

    0 where the knob is untouched already, and where the patch is silent.
    """
    defaults = synth.parameters.defaults
    moved = (vector - defaults).abs() > 1e-6
    changed = torch.zeros(len(vector))
    rows = moved.nonzero()[:, 0]
    reset = vector.repeat(len(rows) + 1, 1)
    reset[torch.arange(len(rows)), rows] = defaults[rows]
    notes = Notes.of([_PITCH] * len(reset), TYPICAL_VELOCITY, HOLD_S)
    audio = render_notes(synth, reset, notes)
    if bool(is_audible(audio[-1:]).all()):
        for i, row in enumerate(rows.tolist()):
            changed[row] = mss_db(audio[i].nan_to_num(), audio[-1], SAMPLE_RATE)
    return changed
