r"""What a steady sine looks like to a mel spectrogram: the bridge between mels and harmonics.

A sine of amplitude a at frequency f has, under a Hann window of N samples, the STFT magnitude

    |X(b)| = a N / 4 * |lobe(b - f / bin_hz)|,   lobe(d) = sinc(d) / (1 - d^2)

at bin b, so its power in mel band m is a^2 times

    line(f)[m] = sum_b filterbank[m, b] * (N / 4 * lobe(b - f / bin_hz))^2.

For a note of known pitch the harmonics' lines add up (their lobes hardly overlap), which makes a
mel spectrogram linear in the harmonics' powers.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.mel import MelScale

_POINTS_PER_BIN = 8
_LOBE_BINS = 4


@lru_cache(maxsize=16)
def _line_table(scale: MelScale) -> Float[Tensor, "points mels"]:
    """`line(f)` at every eighth of a bin from 0 Hz to Nyquist."""
    n_points = (scale.n_fft // 2) * _POINTS_PER_BIN + 1
    place = torch.arange(n_points, dtype=torch.float64) / _POINTS_PER_BIN
    near = place.round().long()[:, None] + torch.arange(-_LOBE_BINS, _LOBE_BINS + 1)
    distance = near - place[:, None]
    # sinc(d) / (1 - d^2) is 1/2 at d = +-1, where the quotient reads 0 / 0.
    at_one = (distance.abs() - 1).abs() < 1e-9
    lobe = torch.sinc(distance) / torch.where(at_one, 1.0, 1 - distance.square())
    power = (scale.n_fft / 4 * torch.where(at_one, 0.5, lobe)).square()
    inside = (near >= 0) & (near <= scale.n_fft // 2)
    bank = scale.filterbank().double().T[near.clamp(0, scale.n_fft // 2)]
    return (bank * (power * inside)[..., None]).sum(1).float()


def mel_lines(
    frequency_hz: Float[Tensor, "*batch"], scale: MelScale
) -> Float[Tensor, "*batch mels"]:
    """Mel power of a sine of amplitude 1 at each frequency; 0 from Nyquist up.

    >>> mel_lines(torch.tensor([440.0, 9000.0]), MelScale()).argmax(-1).tolist()
    [10, 0]
    """
    table = _line_table(scale).to(frequency_hz)
    place = frequency_hz / scale.bin_hz * _POINTS_PER_BIN
    left = place.floor().clamp(0, len(table) - 2).long()
    lines = torch.lerp(table[left], table[left + 1], (place - left).clamp(0, 1)[..., None])
    return lines * (frequency_hz < scale.sample_rate / 2)[..., None]


def harmonic_comb(
    f0_hz: Float[Tensor, "*batch"], scale: MelScale, n_harmonics: int = 1000
) -> Float[Tensor, "*batch mels"]:
    """Mel power of all harmonics of a fundamental, each at amplitude 1.

    >>> harmonic_comb(torch.tensor([110.0, 220.0]), MelScale()).shape
    torch.Size([2, 80])
    """
    # No more harmonics than the lowest fundamental has below Nyquist, so the memory stays small.
    fit = int(scale.sample_rate / 2 / float(f0_hz.min().clamp_min(1.0))) + 1
    order = torch.arange(1, min(fit, n_harmonics) + 1, device=f0_hz.device)
    return mel_lines(f0_hz[..., None] * order, scale).sum(-2)
