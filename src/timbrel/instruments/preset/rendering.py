"""Notes of patches as they are heard: four seconds of each, at the rate that is listened to."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.audio import resample
from timbrel.errors import TimbrelError
from timbrel.instruments.preset.hearing.heard import LENGTH_S, N_SAMPLES, SAMPLE_RATE, fitted
from timbrel.sound import Notes
from timbrel.synths import Synth

RENDERING = 2
"""Raised when the same patches come out, or are heard, otherwise: what was kept of them is old."""


def rendered(
    synth: Synth, vectors: Float[Tensor, "*notes params"], notes: Notes
) -> Float[Tensor, "notes samples"]:
    """The sound of each note.

    Raises:
        SynthFailed: a plug-in failed at one of them.
    """
    made = synth.render(vectors, notes, longest_s=LENGTH_S)
    return fitted(resample(made.audio, made.sample_rate, SAMPLE_RATE))


def attempted(
    synth: Synth, vectors: Float[Tensor, "notes params"], notes: Notes
) -> Float[Tensor, "notes samples"]:
    """The sound of each note, NaN where a plug-in failed."""
    nothing = torch.full((N_SAMPLES,), torch.nan)
    sounds = [
        nothing
        if isinstance(sound, TimbrelError)
        else fitted(resample(sound, synth.sample_rate, SAMPLE_RATE))
        for sound in synth.render_each(vectors, notes, longest_s=LENGTH_S)
    ]
    return torch.stack(sounds)
