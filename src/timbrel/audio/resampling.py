"""Change of sample rate, by the SoX resampler."""

from __future__ import annotations

from numbers import Real

import numpy as np
import soxr
import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.errors import BadAudio

LOWEST_RATE = 1000
HIGHEST_RATE = 768000


def resample(
    audio: Float[Tensor, "*batch time"], from_rate: int, to_rate: int
) -> Float[Tensor, "*batch resampled"]:
    """Audio at another sample rate, `round(time * to_rate / from_rate)` samples long.

    Band-limited and with linear phase (soxr's HQ: flat to 0.91 of the lower Nyquist frequency,
    aliases below -100 dB). Gradients do not pass.

    >>> resample(torch.zeros(2, 44100), 44100, 16000).shape
    torch.Size([2, 16000])
    """
    check_rate(from_rate)
    check_rate(to_rate)
    if from_rate == to_rate:
        return audio
    length = round(audio.shape[-1] * to_rate / from_rate)
    rows = audio.detach().cpu().float().reshape(audio.shape[:-1].numel(), audio.shape[-1]).numpy()
    result = np.zeros((len(rows), length), dtype=np.float32)
    for row, out in zip(rows, result, strict=True):
        changed = soxr.resample(row, from_rate, to_rate, quality="HQ")[:length]
        out[: len(changed)] = changed
    return torch.from_numpy(result).reshape(*audio.shape[:-1], length).to(audio)


def check_rate(sample_rate: int) -> None:
    """Refuses sample rates that no audio has.

    Raises:
        BadAudio: it is no number, or outside 1 to 768 kHz.
    """
    if not isinstance(sample_rate, Real) or not LOWEST_RATE <= sample_rate <= HIGHEST_RATE:
        raise BadAudio(
            f"a sample rate of {sample_rate!r:.40} Hz is outside {LOWEST_RATE} to {HIGHEST_RATE}"
        )
