"""A recording at another pitch: what samplers do, and what models are held against."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.librosas import load_librosa


def shift_pitch(
    audio: Float[Tensor, " time"], sample_rate: int, semitones: float
) -> Float[Tensor, " time"]:
    """The audio at another pitch and the same length, by librosa's phase vocoder.

    Formants move along, attacks smear. Shifted by nothing it is the audio itself.

    >>> shift_pitch(torch.randn(16000), 16000, 7.0).shape
    torch.Size([16000])
    """
    if semitones == 0:
        return audio
    pitch_shift = load_librosa().effects.pitch_shift
    shifted = pitch_shift(audio.numpy(), sr=sample_rate, n_steps=semitones)
    return torch.from_numpy(shifted).float()
