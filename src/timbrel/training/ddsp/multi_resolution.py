"""The multi-resolution STFT loss: spectra compared under long windows and short ones.

    loss = sum over n_fft of  mean |S - S'|  +  mean |log(S + e) - log(S' + e)|

S, S' are magnitudes, windows of n_fft a quarter apart (Wang et al. 2019; Engel et al. 2020, section
3.3). The linear term judges what is loud, the logarithmic one everything. Linear magnitudes are
divided by the target's own root mean square, so that soft passages teach as much as loud ones.

All of six resolutions cost more than the rest of a step. So each step may judge by a few of them,
drawn anew: on average that is the same loss.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.stft import stft

WINDOWS_S = (0.128, 0.064, 0.032, 0.016, 0.008, 0.004)
"""The paper's 2048 to 64 samples at 16 kHz."""

_SOFTEST_DB = -60.0
"""Of a frame of the target: what lies farther below it is not judged."""


def multi_resolution_loss(
    audio: Float[Tensor, "batch time"],
    target: Float[Tensor, "batch time"],
    sample_rate: int,
    windows_s: tuple[float, ...] = WINDOWS_S,
) -> Float[Tensor, ""]:
    """Mean over the windows of the linear and the logarithmic difference.

    >>> sound = torch.randn(2, 8000)
    >>> multi_resolution_loss(sound, sound, 16000).item()
    0.0
    """
    losses = [_loss(audio, target, _n_fft(window_s, sample_rate)) for window_s in windows_s]
    return torch.stack(losses).mean()


def some_windows(count: int, generator: torch.Generator) -> tuple[float, ...]:
    """So many of the windows, drawn without putting back.

    >>> some_windows(6, torch.Generator().manual_seed(0)) == WINDOWS_S
    True
    """
    chosen = torch.randperm(len(WINDOWS_S), generator=generator)[:count].sort().values
    return tuple(WINDOWS_S[i] for i in chosen.tolist())


def _n_fft(window_s: float, sample_rate: int) -> int:
    return max(16, 2 * round(window_s * sample_rate / 2))


def _loss(audio: Tensor, target: Tensor, n_fft: int) -> Tensor:
    hop_length = n_fft // 4
    got, wanted = (stft(sound, n_fft, hop_length).abs() for sound in (audio, target))
    level = wanted.square().mean((1, 2), keepdim=True).sqrt().clamp_min(1e-5)
    got, wanted = got / level, wanted / level
    floor = 10 ** (_SOFTEST_DB / 20)
    linear = (got - wanted).abs().mean()
    return linear + ((got + floor).log() - (wanted + floor).log()).abs().mean()
