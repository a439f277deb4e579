"""Pitch from spectra that are there anyway: what a sound's likeness to itself says of its period.

A power spectrum's inverse Fourier transform is the autocorrelation of the windowed frame. Divided
by the window's own it is that of the sound (Boersma 1993, "Accurate short-term analysis of the
fundamental frequency", eq. 9), 1 at lag 0 and nearly 1 at the period of a clear tone. Some 2 ms for
four seconds whose spectra somebody else needs too; `dsp.pitch` is surer and takes far longer.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

_OCTAVE_COST = 0.02
"""What a lag loses for each octave that it is longer: of equal maxima the first is the period."""

_QUIET = 1e-10


def autocorrelation_pitch(
    power: Float[Tensor, "*batch bins frames"],
    sample_rate: int,
    *,
    minimum_hz: float = 55.0,
    maximum_hz: float = 2000.0,
) -> tuple[Float[Tensor, "*batch frames"], Float[Tensor, "*batch frames"]]:
    """The fundamental in Hz in each frame, 0 in silence, and how clear it is, 0..1.

    Args:
        power: spectra of frames under a Hann window as long as the transform.
        sample_rate: in Hz.
        minimum_hz: lowest fundamental to look for; two of its periods must fit into a frame.
        maximum_hz: highest.

    >>> from timbrel.dsp.stft import stft
    >>> tone = torch.sin(torch.arange(16000) * (2 * torch.pi * 220 / 16000))
    >>> f0_hz, clearness = autocorrelation_pitch(stft(tone, 1024, 256).abs().square(), 16000)
    >>> f0_hz[30].round(), clearness[30].round(decimals=1)
    (tensor(220.), tensor(1.))
    """
    n_fft = 2 * (power.shape[-2] - 1)
    shortest = max(2, math.floor(sample_rate / maximum_hz))
    longest = min(math.ceil(sample_rate / minimum_hz), n_fft // 2 - 2)
    likeness = torch.fft.irfft(power.transpose(-1, -2), n_fft)[..., : longest + 2]
    energy = likeness[..., :1]
    likeness = likeness / energy.clamp_min(_QUIET) / _of_window(n_fft)[: longest + 2].to(power)
    best = _best_lag(likeness, shortest, longest)
    left, here, right = (likeness.gather(-1, best + i)[..., 0] for i in (-1, 0, 1))
    bend = (left - 2 * here + right).clamp_max(-1e-9)
    period = best[..., 0] + ((left - right) / (2 * bend)).clamp(-0.5, 0.5)
    sounds = energy[..., 0] > _QUIET
    f0_hz = torch.where(sounds, sample_rate / period, 0.0)
    return f0_hz, torch.where(sounds, here.clamp(0.0, 1.0), 0.0)


def _best_lag(likeness: Tensor, shortest: int, longest: int) -> Tensor:
    """Of the maxima the likeliest, with a last axis of 1."""
    here = likeness[..., shortest : longest + 1]
    left, right = likeness[..., shortest - 1 : longest], likeness[..., shortest + 1 : longest + 2]
    lag = torch.arange(shortest, longest + 1).to(here)
    worth = here - _OCTAVE_COST * (lag / shortest).log2()
    worth = torch.where((here >= left) & (here > right), worth, -2.0)
    return worth.argmax(-1, keepdim=True) + shortest


@lru_cache(maxsize=8)
def _of_window(n_fft: int) -> Float[Tensor, " lags"]:
    """Of the window: circular, as what it divides."""
    window = torch.hann_window(n_fft, dtype=torch.float64)
    likeness = torch.fft.irfft(torch.fft.rfft(window).abs().square(), n_fft)
    return (likeness / likeness[0]).clamp_min(1e-3).float()
