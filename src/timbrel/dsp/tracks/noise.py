"""A bank of noise: every band's own, ready to be played at any level and from any place.

Noise that is shaped in an STFT smears attacks over its window, and changes with the block size.
Here white noise is cut into `Bands` once, and a note only weighs the bands:

    noise(n) = sum over b of g_b(n) bank_b(n + start)

with gains that may move from sample to sample. The cut is made in the FFT domain without phase,
so each band is a loop without a seam. The loops differ in length, so the sum never repeats.
A note's burst reads half a loop away from its steady noise: there the two are independent, and
their powers add.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float32, Int64
from numpy.fft import irfft, rfft
from scipy.fft import next_fast_len

from timbrel.dsp.tracks.bands import Bands

AHEAD_S = 0.1
"""Longest stretch that may be read without looking for a loop's end."""

_LONGEST_S, _SHORTEST_S = 2.7, 2.2
_LEVELLED_S = 0.1
_SEED = 20250


@dataclass(frozen=True, eq=False)
class NoiseBank:
    """Looped noise of RMS 1 in every band; at 48 kHz 29 MB.

    Attributes:
        samples: one band a row; behind its loop a row goes on with the loop's beginning, so that
            whoever reads less than `AHEAD_S` need not look for the end.
        lengths: samples of each band's loop.
    """

    samples: Float32[np.ndarray, "bands time"]
    lengths: Int64[np.ndarray, " bands"]


@lru_cache(maxsize=3)
def noise_bank(sample_rate: int) -> NoiseBank:
    """The noise of a sample rate, always the same (shared: do not write into it).

    >>> noise_bank(16000).samples.shape
    (40, 44720)
    """
    n_bands = Bands(sample_rate).n_bands
    lengths = [_loop_length(band, sample_rate) for band in range(n_bands)]
    samples = np.zeros((n_bands, max(lengths) + round(AHEAD_S * sample_rate)), np.float32)
    for band, length in enumerate(lengths):
        samples[band] = np.resize(_loop(band, length, sample_rate), samples.shape[1])
    return NoiseBank(samples, np.array(lengths))


def _loop_length(band: int, sample_rate: int) -> int:
    """Spread by the golden section, so that no two bands keep step."""
    share = band * 0.618034 % 1.0
    seconds = _SHORTEST_S + (_LONGEST_S - _SHORTEST_S) * share
    return next_fast_len(round(seconds * sample_rate))  # pyright: ignore[reportReturnType]


def _loop(band: int, length: int, sample_rate: int) -> Float32[np.ndarray, " time"]:
    """One band's noise: the band's share at random phases, its slow swells levelled."""
    frequency_hz = torch.fft.rfftfreq(length, 1 / sample_rate, dtype=torch.float64)
    share = Bands(sample_rate).share(band, frequency_hz).numpy()
    share[0] = 0.0
    random = np.random.default_rng((_SEED, band))
    turn = np.exp(2j * np.pi * random.random(len(share)))
    noise = irfft(np.sqrt(share) * turn, length)
    # A low band is some 50 Hz wide and swells by itself; levels are to mean what they say.
    blur = np.exp(-0.5 * (2 * np.pi * _LEVELLED_S * frequency_hz.numpy()) ** 2)
    noise /= np.sqrt(irfft(rfft(noise**2) * blur, length))
    return (noise / np.sqrt(np.mean(noise**2))).astype(np.float32)
