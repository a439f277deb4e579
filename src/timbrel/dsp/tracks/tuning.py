"""How a note's pitch wanders around the pitch it is said to have, and how to play it straight.

Vibrato of half a semitone moves the twentieth harmonic by more than half of f0, out of any window
that hears it alone. So the sound is first read at a varying speed that undoes the wandering; the
straight sound is analysed, and the wandering kept as a curve of its own.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d, map_coordinates
from torch import Tensor

from timbrel.dsp.tracks.demodulation import demodulate
from timbrel.dsp.tracks.tracks import FRAME_RATE

_HARMONICS = 8
_WINDOW_PERIODS, _SHORTEST_WINDOW_S = 6, 0.03
_SMOOTHED_S = 0.008
_FARTHEST = 0.045
_PRECISE, _MISTUNED = 3e-5, 0.03
_AUDIBLE = 1e-3
_QUIETEST = 1e-5


class Tuning(NamedTuple):
    """Where a note's pitch lies.

    Attributes:
        f0_hz: the middle of it, over the whole note.
        wander: f0 over that middle less 1, in each frame.
    """

    f0_hz: float
    wander: Float[Tensor, " frames"]

    @property
    def is_steady(self) -> bool:
        """Whether the wandering is too small (2 cents) to be worth undoing."""
        return float(self.wander.abs().quantile(0.9)) < _AUDIBLE


def tuning_of(audio: Float[Tensor, " time"], sample_rate: int, f0_hz: float) -> Tuning:
    """The exact pitch of a note that is known to within half a semitone, and its course.

    Each of the lowest harmonics turns at its own frequency; their turning, weighted by power,
    tells f0. What a partial is off by all the time (stiff strings) is its own affair and left out.

    >>> time = torch.arange(32000) / 16000
    >>> tone = sum((2 * torch.pi * 443 * k * time).sin() / k for k in (1, 2, 3))
    >>> round(tuning_of(tone, 16000, 440.0).f0_hz, 1)
    443.0
    """
    tune, wander = _turning(audio, sample_rate, f0_hz)
    # further off than that, it is another note than the one asked for: keep to what was said
    if not _PRECISE < abs(tune) < _MISTUNED:
        return Tuning(f0_hz, wander)
    # the first and last frames hear silence too, and so a detuned partial turn too slowly: again
    exact_hz = f0_hz * (1 + tune)
    rest, wander = _turning(audio, sample_rate, exact_hz)
    return Tuning(exact_hz * (1 + rest), wander)


def _turning(
    audio: Float[Tensor, " time"], sample_rate: int, f0_hz: float
) -> tuple[float, Float[Tensor, " frames"]]:
    """How far off f0 the pitch is all the time, and in each frame besides; as shares of f0."""
    order = torch.arange(1, _HARMONICS + 1)
    nominal_hz = order[order * f0_hz < 0.45 * sample_rate] * f0_hz
    window_s = max(_WINDOW_PERIODS / f0_hz, _SHORTEST_WINDOW_S)
    heard = demodulate(audio, sample_rate, nominal_hz, window_s, FRAME_RATE).numpy()
    if len(heard) < 2 or not np.abs(heard).max() > 0:
        return 0.0, torch.zeros(len(heard))
    moved = heard[1:] * heard[:-1].conj()
    straight = np.exp(-2j * math.pi * nominal_hz.numpy() / FRAME_RATE)
    off = np.angle(moved * straight) * FRAME_RATE / (2 * math.pi * nominal_hz.numpy())
    power = np.abs(moved) + 1e-20
    own = (off * power).sum(0) / power.sum(0)
    tune = float((own * power.sum(0)).sum() / power.sum())
    # a turn belongs to the middle between two frames; a frame has half of either neighbour's
    level = _both_sides(power.sum(1))
    wander = (_both_sides(((off - own) * power).sum(1)) / level).clip(-_FARTHEST, _FARTHEST)
    wander = _smoothed(wander, level * (level > _QUIETEST * level.max()))
    return tune, torch.from_numpy(wander).float()


def straightened(
    audio: Float[Tensor, " time"], sample_rate: int, wander: Float[Tensor, " frames"]
) -> Float[Tensor, " rest"]:
    """The sound read faster where its pitch lags and slower where it leads.

    Interpolated by splines of the fifth order. Its time is the phase of the original over the
    middle f0: close to the original's, for what wanders around 0 comes back.
    """
    time_s = np.arange(len(audio)) / sample_rate
    speed = np.interp(time_s * FRAME_RATE, np.arange(len(wander)), 1 + wander.double().numpy())
    passed = np.concatenate([[0.0], np.cumsum(speed)[:-1]])
    places = np.interp(np.arange(int(passed[-1]) + 1), passed, np.arange(len(audio)))
    sound = map_coordinates(audio.double().numpy(), [places], order=5, mode="constant")
    return torch.from_numpy(sound.astype(np.float32))


def _both_sides(between: np.ndarray) -> np.ndarray:
    """What lies before each frame and what lies behind it, summed."""
    return np.pad(between, (1, 0)) + np.pad(between, (0, 1))


def _smoothed(curve: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The curve over 8 ms, what is louder counting for more; 0 where nothing sounds."""
    width = _SMOOTHED_S * FRAME_RATE
    total = gaussian_filter1d(weight, width)
    found = gaussian_filter1d(curve * weight, width) / np.maximum(total, 1e-30)
    return np.where(total > 1e-12 * max(weight.max(), 1e-30), found, 0.0)
