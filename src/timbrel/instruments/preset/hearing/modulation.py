"""How fast a sound moves: vibrato, tremolo, sweeps of a filter, beats of oscillators.

    mel, pitch, loudness -> less their means over a second -> spectra along time -> 40 rates:
      how high the highest line about a rate stands above what is about it

An LFO is such a line, wherever in its turn it was when the note began, and the bands in which the
line stands tell what it moves (after the modulation filterbanks of Dau et al. 1997).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from timbrel.instruments.preset.hearing.heard import SAMPLE_RATE, SCALE, Heard

N_RATES = 40
_SLOWEST_HZ, _FASTEST_HZ = 0.4, 40.0
_BANDS_EACH = 8
N_ROWS = SCALE.n_mels // _BANDS_EACH + 2
"""Of bands, pitch and loudness."""

_FRAMES_HZ = SAMPLE_RATE / SCALE.hop_length
_SMOOTHED, _FADED = 87, 43
"""Frames of one second, and of half a second."""

_N_FFT = 384
_SOFTEST, _CLEAR = -0.25, 0.5
"""Frames that are softer, or of pitch less clear, say nothing."""

_SEMITONES = 24.0
"""Those of pitch's unit."""

_LEAST = 1e-6
"""Power below which a line is none: a wave of a twelfth of a dB."""


def modulation(heard: Heard) -> Float[Tensor, "batch rows rates"]:
    """The heights of lines, in units of 10 dB.

    >>> sound = Heard(torch.zeros(1, 128, 345), torch.zeros(1, 3, 345))
    >>> tuple(modulation(sound).shape), float(modulation(sound).abs().max())
    ((1, 18, 40), 0.0)
    """
    pitch, clearness, loudness = heard.curves.unbind(1)
    loud = (loudness >= _SOFTEST).float()[:, None]
    clear = loud * (clearness >= _CLEAR)[:, None]
    bands = _power(heard.mel, loud).unflatten(1, (-1, _BANDS_EACH)).mean(2)
    melody = _power(_SEMITONES * pitch[:, None], clear)
    return _heights(torch.cat([bands, melody, _power(loudness[:, None], loud)], dim=1))


def rates_hz() -> Float[Tensor, " rates"]:
    """The rates, as far from each other on a logarithmic scale."""
    ratio = (_FASTEST_HZ / _SLOWEST_HZ) ** (1 / (N_RATES - 1))
    return _SLOWEST_HZ * ratio ** torch.arange(N_RATES)


def _power(
    rows: Float[Tensor, "batch rows frames"], there: Float[Tensor, "batch 1 frames"]
) -> Float[Tensor, "batch rows bins"]:
    """Of the movement of rows about what they are on average, where a sound is there."""
    middle = _mean(rows * there, _SMOOTHED) / _mean(there, _SMOOTHED).clamp_min(1e-3)
    # a beginning and an end are steps, in which every rate is
    weight = there * (2 * _mean(there, _FADED) - 1).clamp_min(0.0)
    spectra = torch.fft.rfft((rows - middle) * weight, _N_FFT)
    power = spectra.real.square() + spectra.imag.square()
    return power / weight.sum(-1, keepdim=True).clamp_min(_FADED).square()


def _mean(rows: Float[Tensor, "batch rows frames"], size: int) -> Tensor:
    """Over so many frames about each, by sums from the beginning."""
    half = size // 2
    sums = torch.nn.functional.pad(rows, (half + 1, half)).cumsum(-1)
    return (sums[..., size:] - sums[..., :-size]) / size


def _heights(power: Float[Tensor, "batch rows bins"]) -> Float[Tensor, "batch rows rates"]:
    level, rates = (power + _LEAST).log10(), _rates()
    padded = torch.nn.functional.pad(level, (0, 1), value=-torch.inf)
    highest = torch.stack([padded[..., bins].amax(-1) for bins in rates.near.to(level.device)], -1)
    return highest - level @ rates.about.to(level)


class _Rates(NamedTuple):
    """Which bins are about a rate.

    Attributes:
        near: those as near as the next rate; the last bin's successor where there are no more.
        about: the mean over those within an octave.
    """

    near: Int[Tensor, "rates some"]
    about: Float[Tensor, "bins rates"]


@lru_cache(maxsize=1)
def _rates() -> _Rates:
    place_hz = torch.arange(_N_FFT // 2 + 1) * _FRAMES_HZ / _N_FFT
    middle_hz = rates_hz()
    ratio = middle_hz[1] / middle_hz[0]
    width_hz = (middle_hz * (ratio - 1)).clamp_min(_FRAMES_HZ / _N_FFT)
    is_near = (place_hz - middle_hz[:, None]).abs() < width_hz[:, None]
    near = torch.full((N_RATES, int(is_near.sum(1).max())), len(place_hz))
    for row, bins in zip(near, is_near, strict=True):
        found = bins.nonzero()[:, 0]
        row[: len(found)] = found
    about = ((place_hz[:, None] / middle_hz).log2().abs() < 1.0).float()
    return _Rates(near, about / about.sum(0))
