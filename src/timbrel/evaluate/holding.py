"""What becomes of a note while it is held, and once it is let go: measures of duration.

A sampler that loops a recording moves again and again in the same way, and one that freezes a frame
does not move at all; `periodicity` tells both from a note that lives on.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.descriptors import rms_envelope
from timbrel.dsp.mel import MelScale, mel_db, mel_power
from timbrel.units import amplitude_to_db

FALLEN_DB = 20.0
"""A note is over once it is so far under its level at key up."""

MOVEMENT_RATE = 125.0
"""Frames per second of a movement."""

_STEP_S, _BEFORE_S, _LEVEL_S = 0.005, 0.05, 0.1
_SHORTEST_LAG_S, _LONGEST_LAG, _SLOW_S = 0.2, 0.5, 1.0
_FROZEN_DB = 0.3


def release_s(audio: Float[Tensor, " time"], sample_rate: int, held_s: float) -> float:
    """Seconds from key up until the level is 20 dB under what it was, or until the audio ends.

    Args:
        audio: a note and its release.
        sample_rate: in Hz.
        held_s: when the key came up.

    >>> seconds = torch.arange(32000) / 16000
    >>> round(release_s(10 ** (-(seconds - 1).clamp_min(0) * 100 / 20), 16000, 1.0), 2)
    0.2
    """
    level_db = _level_db(audio, sample_rate, 2 * _STEP_S)
    key_up = round(held_s / _STEP_S)
    first = max(key_up - round(_BEFORE_S / _STEP_S), 0)
    if key_up >= len(level_db):
        return 0.0
    least_db = level_db[first : key_up + 1].max() - FALLEN_DB
    sounding = (level_db[key_up:] > least_db).nonzero()
    return _STEP_S * (float(sounding[-1]) + 1) if len(sounding) else 0.0


def level_drift_db_per_s(
    audio: Float[Tensor, " time"], sample_rate: int, begin_s: float, end_s: float
) -> float:
    """Slope of the straight line through the level between two moments; negative falls.

    >>> seconds = torch.arange(80000) / 16000
    >>> round(level_drift_db_per_s(10 ** (-seconds * 3 / 20), 16000, 3.0, 5.0), 2)
    -3.0
    """
    level_db = _level_db(audio, sample_rate, _LEVEL_S)
    inside = level_db[round(begin_s / _STEP_S) : round(end_s / _STEP_S)].double()
    away_s = _STEP_S * (torch.arange(len(inside)) - (len(inside) - 1) / 2).double()
    return float((inside * away_s).sum() / away_s.square().sum().clamp_min(1e-12))


def movement(
    audio: Float[Tensor, " time"], sample_rate: int, begin_s: float, end_s: float
) -> Float[Tensor, "frames mels"]:
    """How the log-mel of a held note moves, in dB, 125 frames a second.

    What is slower than a second is taken off: a fading level is no movement.
    """
    scale = MelScale(sample_rate, hop_length=round(sample_rate / MOVEMENT_RATE))
    levels_db = mel_db(mel_power(audio, scale))
    reach = math.ceil(scale.n_fft / 2 / scale.hop_length)  # further on a frame hears the release
    end = min(round(end_s * MOVEMENT_RATE), levels_db.shape[1]) - reach
    return _without_slow(levels_db[:, round(begin_s * MOVEMENT_RATE) : end]).T


def _without_slow(curves: Float[Tensor, "any frames"]) -> Float[Tensor, "any frames"]:
    """Curves less their straight lines, less the mean over a second around each frame."""
    n_frames = curves.shape[1]
    away = torch.arange(n_frames) - (n_frames - 1) / 2
    slope = (curves * away).sum(1, keepdim=True) / away.square().sum().clamp_min(1e-9)
    curves = curves - curves.mean(1, keepdim=True) - slope * away
    reach = min(round(_SLOW_S / 2 * MOVEMENT_RATE), (n_frames - 1) // 2)
    padded = torch.nn.functional.pad(curves[None], (reach, reach), mode="replicate")
    return curves - torch.nn.functional.avg_pool1d(padded, 2 * reach + 1, 1)[0]


def movement_db(moved: Float[Tensor, "frames mels"]) -> float:
    """Root mean square of a movement."""
    return float(moved.square().mean().sqrt())


def periodicity(moved: Float[Tensor, "frames mels"]) -> float:
    """How much a movement repeats itself: 1 for a loop or a frozen frame, near 0 for noise.

    The largest autocorrelation at lags from 0.2 s to half of what there is.

    Args:
        moved: what `movement` says.

    >>> noise = torch.randn(400, 80, generator=torch.manual_seed(0))
    >>> round(periodicity(noise), 1), round(periodicity(noise[:100].repeat(4, 1)), 3)
    (0.0, 1.0)
    """
    if movement_db(moved) < _FROZEN_DB:
        return 1.0
    first, last = math.ceil(_SHORTEST_LAG_S * MOVEMENT_RATE), int(_LONGEST_LAG * len(moved))
    energy = torch.cat([torch.zeros(1), moved.square().sum(1).cumsum(0)]).double()
    size = 2 * len(moved)
    spectra = torch.fft.rfft(moved.double(), size, dim=0).abs().square()
    alike = torch.fft.irfft(spectra.sum(1), size)[first : last + 1]
    lags = torch.arange(first, last + 1)
    head, tail = energy[len(moved) - lags], energy[-1] - energy[lags]
    return float((alike / (head * tail).sqrt().clamp_min(1e-12)).max().clamp(0, 1))


def _level_db(audio: Float[Tensor, " time"], sample_rate: int, window_s: float) -> Tensor:
    envelope = rms_envelope(audio, sample_rate, window_s=window_s, step_s=_STEP_S)
    return amplitude_to_db(envelope.clamp_min(1e-7))
