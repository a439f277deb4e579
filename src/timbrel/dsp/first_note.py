"""The first note of a recording that may hold a phrase: instruments hear one note at a time.

A second note is a second steady pitch, or the same one after silence. A glide has none, a bell's
wandering pitch comes without a new attack, octaves are a tracker's errors as often as notes, and
two strings that beat are silent for a moment only: none of these ends a note. What is far softer
than what follows (a click, a breath) is no note.
"""

from __future__ import annotations

import logging
import math
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.loudness import a_weighted_db
from timbrel.dsp.onset import from_onset
from timbrel.dsp.pitch import HOP_LENGTH, SAMPLE_RATE, track_pitch
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

_SILENT_DB, _SILENT_FRAMES = 20.0, 3
"""Below a note's loudest, and for so long: then it is over, whatever comes."""

_RISES_DB, _SOFTER_DB = 15.0, 25.0
"""What rises so far is something new; what is so much softer than the others is no note."""

_RISEN_DB, _SOFT_DB = 10.0, 30.0
"""A note begins where it was last so soft before it first is as loud: a breath lies before it."""

_FRAME_RATE = SAMPLE_RATE / HOP_LENGTH
_LOG = logging.getLogger(__name__)


class _Steady(NamedTuple):
    """Frames of one pitch."""

    start: int
    end: int
    pitch: float


def one_note(audio: Float[Tensor, " time"], sample_rate: int) -> Float[Tensor, " rest"]:
    """The first note; that others come after it is logged."""
    note = first_note(audio, sample_rate)
    if others_follow(note, audio):
        seconds = len(note) / sample_rate
        _LOG.warning("the sound holds several notes: the first is heard, %.2f s", seconds)
    return note


def others_follow(note: Float[Tensor, " rest"], audio: Float[Tensor, " time"]) -> bool:
    """Whether `first_note` left out what comes after the note, and not only what comes before.

    >>> others_follow(torch.tensor([2.0, 3.0]), torch.tensor([1.0, 2.0, 3.0]))
    False
    """
    return not torch.equal(note, audio[len(audio) - len(note) :])


def first_note(audio: Float[Tensor, " time"], sample_rate: int) -> Float[Tensor, " rest"]:
    """A recording from its onset to where a second note begins, or to its end.

    >>> tone = torch.sin(torch.arange(8000) * (2 * torch.pi * 440 / 16000))
    >>> phrase = torch.cat([tone, torch.zeros(4000), tone])
    >>> 0.5 <= len(first_note(phrase, 16000)) / 16000 <= 0.75
    True
    """
    whole, looked_at = from_onset(audio, sample_rate), round(HEARD_S * sample_rate)
    heard = whole[:looked_at]
    if len(heard) < 2 * _SHORTEST_S * sample_rate:
        return audio
    begin, end = _first_between_silences(_levels(heard, sample_rate).numpy())
    if begin or end:
        first, last = (round((f / _FRAME_RATE - _BEFORE_S) * sample_rate) for f in (begin, end))
        audio = whole[max(first, 0) : last if end else len(whole)]
        heard = audio[:looked_at]
    level_db, track = _levels(heard, sample_rate), track_pitch(heard, sample_rate)
    pitch = hz_to_midi(track.f0_hz.clamp_min(1.0)).numpy()
    runs = _steady(pitch, track.confidence.numpy() >= _SURE, _SHORTEST_S * track.frame_rate)
    for run in runs[1:]:
        if _is_other(runs[0].pitch, run.pitch) and _is_struck(level_db, run, track.frame_rate):
            end_s = run.start / track.frame_rate - _BEFORE_S
            return heard[: round(end_s * sample_rate)]
    return audio


def _levels(audio: Float[Tensor, " time"], sample_rate: int) -> Float[Tensor, " frames"]:
    """Loudness in the tracker's frames."""
    hop_length = round(sample_rate / _FRAME_RATE)
    return a_weighted_db(audio, sample_rate, hop_length=hop_length, win_length=2 * hop_length)


def _first_between_silences(level_db: np.ndarray) -> tuple[int, int]:
    """First frame of the first note, and of the one after it; 0 where none comes."""
    notes = _notes_between_silences(level_db)
    loudest = max(top for _, top in notes)
    first = next(i for i, (_, top) in enumerate(notes) if top > loudest - _SOFTER_DB)
    begin, own = notes[first]
    later = (start for start, top in notes[first + 1 :] if top > own - _SOFTER_DB)
    risen = begin + int((level_db[begin:] > own - _RISEN_DB).argmax())
    soft = (level_db[begin:risen] < own - _SOFT_DB).nonzero()[0]
    return (begin + int(soft[-1]) if len(soft) else begin), next(later, 0)


def _notes_between_silences(level_db: np.ndarray) -> list[tuple[int, float]]:
    """First frame and loudest level of what rises again after having been far softer for long."""
    notes, top, bottom, n_quiet = [], float(level_db[0]), math.inf, 0
    start = 0
    for frame, level in enumerate(level_db.tolist()):
        if n_quiet >= _SILENT_FRAMES and level > bottom + _RISES_DB:
            notes.append((start, top))
            start, top, bottom, n_quiet = frame, level, math.inf, 0
        elif level < top - _SILENT_DB:
            n_quiet, bottom = n_quiet + 1, min(bottom, level)
        else:
            n_quiet, bottom = 0, math.inf
        top = max(top, level)
    return [*notes, (start, top)]


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
