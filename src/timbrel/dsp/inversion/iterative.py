"""Phases by alternating projections: fast Griffin-Lim as librosa runs it."""

from __future__ import annotations

import math

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from timbrel.dsp.stft import istft, stft


def griffin_lim(
    magnitude: Float[Tensor, "*batch bins frames"],
    hop_length: int,
    *,
    length: int | None = None,
    n_iterations: int = 32,
    momentum: float = 0.99,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "*batch time"]:
    """Audio whose STFT magnitudes come near to `magnitude` (Perraudin et al. 2013).

    Args:
        magnitude: of STFT bins.
        hop_length: samples between frames.
        length: samples to return; by default hop_length * (frames - 1).
        n_iterations: rounds of audio and back.
        momentum: how far each round overshoots; 0 is Griffin & Lim's own algorithm of 1984.
        generator: of the random phases that it starts with; by default the same every time and
            for every sound of a batch.

    >>> griffin_lim(torch.rand(513, 9), 256, n_iterations=2).shape
    torch.Size([2048])
    """
    if length is None:
        length = hop_length * (magnitude.shape[-1] - 1)
    shape = magnitude.shape if generator else magnitude.shape[-2:]
    turn = torch.rand(shape, generator=generator or torch.Generator().manual_seed(0))
    spectra = torch.polar(magnitude, (turn.to(magnitude) * (2 * math.pi)).expand_as(magnitude))
    # one by one: transforms of batches round otherwise on some processors, and rounds amplify that
    sounds = [
        _projected(one, begun, hop_length, length, n_iterations, momentum)
        for one, begun in zip(_each(magnitude), _each(spectra), strict=True)
    ]
    return torch.stack(sounds).reshape(*magnitude.shape[:-2], length)


def _projected(
    magnitude: Float[Tensor, "bins frames"],
    spectra: Complex[Tensor, "bins frames"],
    hop_length: int,
    length: int,
    n_iterations: int,
    momentum: float,
) -> Float[Tensor, " time"]:
    """One sound's rounds, begun with some phases."""
    n_fft = 2 * (len(magnitude) - 1)
    previous = torch.zeros_like(spectra)
    for _ in range(n_iterations):
        rebuilt = stft(istft(spectra, hop_length, length), n_fft, hop_length)
        ahead = rebuilt - (momentum / (1 + momentum)) * previous
        spectra = magnitude * ahead / ahead.abs().clamp_min(1e-16)
        previous = rebuilt
    return istft(spectra, hop_length, length)


def _each(batch: Tensor) -> Tensor:
    return batch.reshape(-1, *batch.shape[-2:])
