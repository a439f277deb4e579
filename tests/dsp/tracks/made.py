"""Sounds whose every partial is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Curve = Callable[[Tensor], Tensor]


def harmonic_tone(
    f0_hz: float,
    amplitudes: Sequence[float],
    *,
    sample_rate: int = 16000,
    seconds: float = 1.0,
    wander: Curve | None = None,
    ratios: Sequence[float] | None = None,
    level: Curve | None = None,
) -> Tensor:
    """Partials of these amplitudes, partial k beginning at a phase of 0.7 k as of a cosine.

    Args:
        f0_hz: fundamental.
        amplitudes: of partial 1, 2, ...
        sample_rate: in Hz.
        seconds: duration.
        wander: f0 over `f0_hz`, of time.
        ratios: frequency of each partial over f0; whole numbers by default.
        level: factor on all amplitudes, of time.
    """
    time_s = torch.arange(round(seconds * sample_rate), dtype=torch.float64) / sample_rate
    speed = torch.ones_like(time_s) if wander is None else wander(time_s)
    cycles = f0_hz * (speed.cumsum(0) - speed[0]) / sample_rate
    sound = torch.zeros_like(time_s)
    for k, amplitude in enumerate(amplitudes):
        ratio = k + 1 if ratios is None else ratios[k]
        sound += amplitude * (2 * math.pi * ratio * cycles + 0.7 * k).cos()
    return (sound if level is None else sound * level(time_s)).float()


def white_noise(rms: float, *, sample_rate: int = 16000, seconds: float = 1.0, seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    return rms * torch.randn(round(seconds * sample_rate), generator=generator)


def vibrato(rate_hz: float, depth_cents: float) -> Curve:
    return lambda time_s: (
        (2 * math.pi * rate_hz * time_s).sin() * (depth_cents / 1200 * math.log(2))
    ).exp()


def cents(ratio: Tensor) -> Tensor:
    return 1200 * ratio.log2()
