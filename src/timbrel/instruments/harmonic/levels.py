"""Levels of a sounding note's slots and bands at a time, read between its moments, and coloured."""

from __future__ import annotations

import numpy as np

from timbrel.dsp.compiling import part
from timbrel.instruments.harmonic.curves import (
    between,
    knob_at,
    left_of,
    lerp,
    level_loop,
    loop_place,
    sound_time,
)
from timbrel.instruments.harmonic.knobs import (
    BLUR,
    CONTROLS,
    MOST_SHIFT_DB,
    TILTED_AROUND_HZ,
)
from timbrel.instruments.harmonic.playing_state import (
    OTHER,
    SLOPE,
    SPARE,
)
from timbrel.instruments.harmonic.said import TYPICAL_VELOCITY
from timbrel.instruments.harmonic.sounding import (
    SLOPE_OVER_S,
    SLOPE_SHARE,
    STEADY_DB_S,
    STEEPEST_DB_S,
)
from timbrel.units import A4_HZ, A4_MIDI

_SLOPE_POINTS = 40
_NAMES = [control.name for control in CONTROLS]
_BRIGHTNESS, _NOISE, _SHIFT, _HARDER = (
    _NAMES.index(name) for name in ("brightness", "noise", "formant_shift", "velocity_colour")
)
_TILTED_AROUND = np.log2(TILTED_AROUND_HZ)
_BLUR_SIDE, _BLUR_MIDDLE = np.float32(BLUR[0]), np.float32(BLUR[1])


@part
def read_levels(model, notes, voice, time_s, at, row):
    """Levels of slots and bands at a time, in the first numbers of a row."""
    n_levels, note, levels = model.facts.n_levels, notes.of[voice], notes.levels[voice]
    moments, spare = model.moments, notes.row[SPARE]
    sound_s = sound_time(note, min(time_s, note.held_s))
    begin_s, end_s, fade_s = level_loop(note)
    here_s, there_s, share = loop_place(begin_s, end_s, fade_s, sound_s)
    _read_between(levels, moments, 0, here_s, row, n_levels)
    if sound_s > end_s - fade_s:
        slope = levels[SLOPE]
        if not note.has_slope:
            if note.is_patchy:
                _mend(model, levels, notes.known[voice], end_s)
            _find_slope(moments, levels, end_s, slope[:n_levels], spare)
            note.has_slope = True
        if share > 0:
            _read_between(levels, moments, 0, there_s, spare, n_levels)
            lerp(row, spare, share, row, n_levels)
        beyond_s = sound_s - here_s - share * (there_s - here_s)
        for j in range(n_levels):
            row[j] += slope[j] * np.float32(beyond_s)
    _colour(model, note, notes.knobs, at, row, notes.row)
    since_s = (time_s - note.held_s) / note.release
    if since_s > 0:
        _read_between(levels, model.released, len(moments), since_s, spare, n_levels)
        for j in range(n_levels):
            row[j] += spare[j]


@part
def _read_between(levels, moments, first, time_s, out, count):
    left, way = between(moments, time_s)
    lerp(levels[first + left], levels[first + left + 1], way, out, count)


@part
def _over_s(end_s):
    return min(max(SLOPE_OVER_S, SLOPE_SHARE * end_s), 0.8 * end_s)


@part
def _find_slope(moments, levels, end_s, slope, spare):
    """As `Sounding.slope`."""
    slope[:] = 0.0
    over_s, total = _over_s(end_s), 0.0
    for point in range(_SLOPE_POINTS):
        away = over_s * (point / (_SLOPE_POINTS - 1) - 0.5)
        _read_between(levels, moments, 0, end_s - over_s / 2 + away, spare, len(slope))
        for j in range(len(slope)):
            slope[j] += np.float32(away) * spare[j]
        total += away * away
    for j in range(len(slope)):
        fall = -slope[j] / total
        sure = min(max(fall / STEADY_DB_S - 1, 0.0), 1.0)
        slope[j] = -sure * min(max(fall, 0.0), STEEPEST_DB_S)


@part
def _mend(model, levels, known, end_s):
    """Draw moments that were skipped before a slope's end in between the others."""
    first = left_of(model.moments, end_s - _over_s(end_s))
    before, last = first, left_of(model.moments, end_s) + 1
    for moment in range(first + 1, last + 1):
        is_known = known[moment] if moment < model.facts.n_asked else True
        if not is_known:
            continue
        for skipped in range(before + 1, moment):
            share, here = (skipped - before) / (moment - before), levels[before]
            lerp(here, levels[moment], share, levels[skipped], model.facts.n_levels)
            known[skipped] = True
        before = moment


@part
def _colour(model, note, knobs, at, row, rows):
    """What the colour's knobs change, as `Knobs.changed`."""
    n_slots, n_bands = model.facts.n_slots, model.facts.n_bands
    brightness, noise = knob_at(knobs, _BRIGHTNESS, at), knob_at(knobs, _NOISE, at)
    shift = knob_at(knobs, _SHIFT, at)
    if shift != 0:
        ratio = 2 ** (-shift / 12)
        _shift(row[:n_slots], model.centres, ratio, rows)
        _shift(row[n_slots : n_slots + n_bands], model.bands_hz, ratio, rows)
    harder = knob_at(knobs, _HARDER, at) * (note.velocity - TYPICAL_VELOCITY)
    octaves = (note.pitch - A4_MIDI) / 12 + np.log2(A4_HZ)
    if harder != 0:
        for slot in range(n_slots):
            row[slot] += harder * (model.tilt[slot] + _TILTED_AROUND)
        for band in range(n_slots, n_slots + n_bands):
            row[band] += harder * max(model.tilt[band] + _TILTED_AROUND - octaves, 0.0)
    if brightness != 0:
        for slot in range(n_slots):
            row[slot] += brightness * (octaves + model.tilt[slot])
        for band in range(n_bands):
            row[n_slots + band] += brightness * model.tilt[n_slots + band]
    if noise != 0:
        for band in range(n_bands):
            row[n_slots + band] += noise


@part
def _shift(levels, points, ratio, rows):
    length = len(levels)
    envelope, other = rows[SPARE, :length], rows[OTHER, :length]
    _blur(levels, other)
    _blur(other, envelope)
    for j in range(length):
        left, share = between(points, points[j] * ratio)
        there = envelope[left] + (envelope[left + 1] - envelope[left]) * np.float32(share)
        levels[j] += min(max(there - envelope[j], -MOST_SHIFT_DB), MOST_SHIFT_DB)


@part
def _blur(levels, out):
    last = len(levels) - 1
    for j in range(len(levels)):
        sides = levels[max(j - 1, 0)] + levels[min(j + 1, last)]
        out[j] = _BLUR_SIDE * sides + _BLUR_MIDDLE * levels[j]
