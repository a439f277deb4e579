"""Notes of patches as they are heard: four seconds of each, at the rate that is listened to."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.audio import resample
from timbrel.errors import SynthFailed
from timbrel.instruments.preset.hearing.heard import LENGTH_S, N_SAMPLES, SAMPLE_RATE, fitted
from timbrel.sound import Notes
from timbrel.synths import Synth


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
    try:
        return rendered(synth, vectors, notes)
    except SynthFailed:
        if len(vectors) == 1:
            return torch.full((1, N_SAMPLES), torch.nan)
        halves = torch.arange(len(vectors)).chunk(2)
        return torch.cat([attempted(synth, vectors[half], notes[half]) for half in halves])
