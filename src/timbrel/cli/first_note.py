"""The first note of a recording that may hold a phrase: instruments hear one note at a time.

A second note is a second steady pitch. A glide has none, a bell's wandering pitch comes without a
new attack, and octaves are a tracker's errors as often as notes: none of these ends a note.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.loudness import a_weighted_db
from timbrel.dsp.onset import from_onset
from timbrel.dsp.pitch import track_pitch
from timbrel.units import hz_to_midi

HEARD_S = 10.0
"""What comes later in a recording is not looked at."""

_SURE = 0.7
_STEADY_SEMITONES = 0.5
_DRIFT_SEMITONES = 0.35
_SHORTEST_S = 0.1
_OTHER_SEMITONES = 0.8
_RISE_DB = 3.0
_AS_LOUD_DB = 3.0
_BEFORE_S = 0.03


class _Steady(NamedTuple):
    """Frames of one pitch."""

    start: int
    end: int
    pitch: float


def first_note(audio: Float[Tensor, " time"], sample_rate: int) -> Float[Tensor, " rest"]:
    """A recording from its onset to where a second note begins, or to its end."""
    heard = from_onset(audio, sample_rate)[: round(HEARD_S * sample_rate)]
    if len(heard) < 2 * _SHORTEST_S * sample_rate:
        return audio
    track = track_pitch(heard, sample_rate)
    pitch = hz_to_midi(track.f0_hz.clamp_min(1.0)).numpy()
    runs = _steady(pitch, track.confidence.numpy() >= _SURE, _SHORTEST_S * track.frame_rate)
    hop_length = round(sample_rate / track.frame_rate)
    level_db = a_weighted_db(heard, sample_rate, hop_length=hop_length, win_length=2 * hop_length)
    for run in runs[1:]:
        if _is_other(runs[0].pitch, run.pitch) and _is_struck(level_db, run, track.frame_rate):
            end_s = run.start / track.frame_rate - _BEFORE_S
            return heard[: round(end_s * sample_rate)]
    return audio


def _steady(pitch: np.ndarray, is_sure: np.ndarray, shortest: float) -> list[_Steady]:
    """Stretches of sure frames within half a semitone of their median, that end as they began."""
    runs: list[_Steady] = []
    start = 0
    for frame in range(1, len(pitch) + 1):
        middle = float(np.median(pitch[start:frame]))
        goes_on = (
            frame < len(pitch)
            and is_sure[frame]
            and is_sure[start]
            and abs(pitch[frame] - middle) <= _STEADY_SEMITONES
        )
        if goes_on:
            continue
        if is_sure[start] and frame - start >= shortest and _ends_as_it_began(pitch[start:frame]):
            runs.append(_Steady(start, frame, middle))
        start = frame
    return runs


def _ends_as_it_began(pitch: np.ndarray) -> bool:
    return abs(float(np.median(pitch[-3:]) - np.median(pitch[:3]))) <= _DRIFT_SEMITONES


def _is_other(first: float, second: float) -> bool:
    away = abs(second - first) % 12
    return min(away, 12 - away) > _OTHER_SEMITONES


def _is_struck(level_db: Tensor, run: _Steady, frame_rate: float) -> bool:
    """Whether it begins with a rise, or is as loud as all before."""
    near = round(_SHORTEST_S * frame_rate)
    before = level_db[max(run.start - near, 0) : run.start + 1]
    now = float(level_db[run.start : run.start + near].max())
    loudest = float(torch.max(level_db[: run.start]))
    return now >= float(before.min()) + _RISE_DB or now >= loudest - _AS_LOUD_DB
