"""A frame of a sounding note, read between its moments: what `Sounding.tracks` says of a note.

Each is a function of its own time and of the frames before it, and of nothing that depends on
where blocks begin.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from timbrel.dsp.tracks.synthesis import FADE_FROM
from timbrel.dsp.tracks.tracks import FRAME_RATE, SILENT_DB
from timbrel.instruments.harmonic.course import LAST_RELEASE_S
from timbrel.instruments.harmonic.curves import (
    between,
    curve_at,
    knob_at,
    left_of,
    lerp,
    level_loop,
    loop_place,
    parted,
    power_db,
    sound_time,
)
from timbrel.instruments.harmonic.fitting import TYPICAL_VELOCITY
from timbrel.instruments.harmonic.knobs import (
    BEGINS_S,
    BLUR,
    CONTROLS,
    MOST_SHIFT_DB,
    TILTED_AROUND_HZ,
)
from timbrel.instruments.harmonic.playing_state import (
    GAP,
    HARMONICS,
    LAST,
    MOVE_FRAMES,
    OTHER,
    ROW,
    SLOPE,
    SPARE,
    TO,
)
from timbrel.instruments.harmonic.said import SOFTEST_DB
from timbrel.instruments.harmonic.sounding import (
    FADE_OUT_S,
    REFERENCE_DB,
    RISE_MOMENTS,
    RISE_S,
    RISEN_DB,
    SILENT_BELOW_DB,
    SLOPE_OVER_S,
    SLOPE_SHARE,
    STEADY_DB_S,
    STEEPEST_DB_S,
)
from timbrel.instruments.harmonic.take import DRIFT_CENTS, DRIFTS_HZ
from timbrel.instruments.harmonic.timbre_layout import MOVED_RATE
from timbrel.units import A4_HZ, A4_MIDI

_INAUDIBLE_DB, _INAUDIBLE_FRAMES = -80.0, 10
_SLOPE_POINTS = 40
_NAMES = [control.name for control in CONTROLS]
_DEPTH, _RATE, _TREMOLO, _BRIGHTNESS, _NOISE, _SHIFT, _HARDER = (
    _NAMES.index(name)
    for name in (
        "vibrato_depth", "vibrato_rate", "tremolo", "brightness", "noise", "formant_shift",
        "velocity_colour",
    )
)  # fmt: skip
_TILTED_AROUND = np.log2(TILTED_AROUND_HZ)
_RISE = np.array(RISE_MOMENTS)
_DRIFTS = 2 * np.pi * np.array(DRIFTS_HZ)
_BLUR_SIDE, _BLUR_MIDDLE = np.float32(BLUR[0]), np.float32(BLUR[1])


@numba.njit(cache=True, nogil=True)
def write_frame(model, notes, voice, frame):
    """Write down the frame that is to be pushed; whether the note has died away."""
    voice_s, row = frame / FRAME_RATE, notes.row[ROW]
    note, n_slots, n_levels = notes.of[voice], model.sizes[0], model.sizes[2]
    time_s, at = voice_s + note.ahead_s, note.begin_at + voice_s * model.rates[0]
    if frame == 0 and math.isnan(note.rise_s):
        note.rise_s = RISE_S[0] if note.attack == 1.0 else rise_s(model, notes, voice)
    _read_levels(model, notes, voice, time_s, at, row)
    _read_movement(model, notes, voice, time_s, row)
    _close_gap(notes, voice, row, n_levels + 2)
    gain_db = model.takes[note.take, 0] + _tremolo_db(notes, voice, voice_s, at)
    left_s = note.held_s + LAST_RELEASE_S * note.release - time_s
    gain_db += _fade_out_db(left_s)
    f0_hz = _f0_hz(model, notes, voice, voice_s, at, row[n_levels])
    _write_harmonics(model, notes, voice, f0_hz, gain_db + row[n_levels + 1])
    for band in range(model.sizes[1]):
        notes.noise_db[0, band] = _played(row[n_slots + band] + gain_db)
    notes.f0_hz[0] = f0_hz
    note.turn += knob_at(notes, _RATE, at) / FRAME_RATE
    return left_s <= 0 or _is_inaudible(model, notes, voice, time_s)


@numba.njit(cache=True, nogil=True)
def _read_levels(model, notes, voice, time_s, at, row):
    """Levels of slots and bands at a time, in the first numbers of a row."""
    n_levels = model.sizes[2]
    sound_s = sound_time(notes, voice, min(time_s, notes.of[voice].held_s))
    begin_s, end_s, fade_s = level_loop(model, notes, voice)
    here_s, there_s, share = loop_place(begin_s, end_s, fade_s, sound_s)
    left, way = between(model.moments, here_s)
    lerp(notes.levels[voice, left], notes.levels[voice, left + 1], way, row, n_levels)
    if sound_s > end_s - fade_s:
        if not notes.of[voice].has_slope:
            _find_slope(model, notes, voice, end_s)
        slope = notes.levels[voice, SLOPE]
        if share > 0:
            left, way = between(model.moments, there_s)
            there = notes.row[SPARE]
            lerp(notes.levels[voice, left], notes.levels[voice, left + 1], way, there, n_levels)
            lerp(row, there, share, row, n_levels)
        beyond_s = sound_s - here_s - share * (there_s - here_s)
        for j in range(n_levels):
            row[j] += slope[j] * np.float32(beyond_s)
    _colour(model, notes, voice, at, row)
    since_s = (time_s - notes.of[voice].held_s) / notes.of[voice].release
    if since_s > 0:
        left, way = between(model.released, since_s)
        left += len(model.moments)
        fallen = notes.row[SPARE]
        lerp(notes.levels[voice, left], notes.levels[voice, left + 1], way, fallen, n_levels)
        for j in range(n_levels):
            row[j] += fallen[j]


@numba.njit(cache=True, nogil=True)
def _find_slope(model, notes, voice, end_s):
    """As `Sounding.slope`; moments that were skipped are drawn in between the others."""
    over_s = min(max(SLOPE_OVER_S, SLOPE_SHARE * end_s), 0.8 * end_s)
    n_levels, slope = model.sizes[2], notes.levels[voice, SLOPE]
    if notes.of[voice].is_patchy:
        _mend(model, notes, voice, end_s - over_s, end_s)
    slope[:] = 0.0
    total = 0.0
    read = notes.row[SPARE]
    for point in range(_SLOPE_POINTS):
        away = over_s * (point / (_SLOPE_POINTS - 1) - 0.5)
        left, share = between(model.moments, end_s - over_s / 2 + away)
        lerp(notes.levels[voice, left], notes.levels[voice, left + 1], share, read, n_levels)
        for j in range(n_levels):
            slope[j] += np.float32(away) * read[j]
        total += away * away
    for j in range(n_levels):
        fall = -slope[j] / total
        sure = min(max(fall / STEADY_DB_S - 1, 0.0), 1.0)
        slope[j] = -sure * min(max(fall, 0.0), STEEPEST_DB_S)
    notes.of[voice].has_slope = True


@numba.njit(cache=True, nogil=True)
def _mend(model, notes, voice, from_s, to_s):
    first, last = left_of(model.moments, from_s), left_of(model.moments, to_s) + 1
    n_said = model.counts[0]
    before = first
    for moment in range(first + 1, last + 1):
        is_known = notes.known[voice, moment] if moment < n_said else True
        if not is_known:
            continue
        for skipped in range(before + 1, moment):
            share = (skipped - before) / (moment - before)
            here, there = notes.levels[voice, before], notes.levels[voice, moment]
            lerp(here, there, share, notes.levels[voice, skipped], model.sizes[2])
            notes.known[voice, skipped] = True
        before = moment


@numba.njit(cache=True, nogil=True)
def _colour(model, notes, voice, at, row):
    """What the colour's knobs change, as `Knobs.changed`."""
    n_slots, n_bands = model.sizes[0], model.sizes[1]
    brightness, noise = knob_at(notes, _BRIGHTNESS, at), knob_at(notes, _NOISE, at)
    shift = knob_at(notes, _SHIFT, at)
    if shift != 0:
        ratio = 2 ** (-shift / 12)
        _shift(notes, row[:n_slots], model.centres, ratio)
        _shift(notes, row[n_slots : n_slots + n_bands], model.bands_hz, ratio)
    harder = knob_at(notes, _HARDER, at) * (notes.of[voice].velocity - TYPICAL_VELOCITY)
    octaves = (notes.of[voice].pitch - A4_MIDI) / 12 + np.log2(A4_HZ)
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


@numba.njit(cache=True, nogil=True)
def _shift(notes, levels, points, ratio):
    length = len(levels)
    envelope, other = notes.row[SPARE, :length], notes.row[OTHER, :length]
    _blur(levels, other)
    _blur(other, envelope)
    for j in range(length):
        left, share = between(points, points[j] * ratio)
        there = envelope[left] + (envelope[left + 1] - envelope[left]) * np.float32(share)
        levels[j] += min(max(there - envelope[j], -MOST_SHIFT_DB), MOST_SHIFT_DB)


@numba.njit(cache=True, nogil=True)
def _blur(levels, out):
    last = len(levels) - 1
    for j in range(len(levels)):
        sides = levels[max(j - 1, 0)] + levels[min(j + 1, last)]
        out[j] = _BLUR_SIDE * sides + _BLUR_MIDDLE * levels[j]


@numba.njit(cache=True, nogil=True)
def _read_movement(model, notes, voice, time_s, row):
    """Cents and dB behind the levels of a row."""
    n_levels, timbre = model.sizes[2], notes.timbre[voice]
    sound_s, note = sound_time(notes, voice, time_s), notes.of[voice]
    here_s, there_s, share = loop_place(
        note.loop_begin_s, note.loop_end_s, note.loop_fade_s, sound_s
    )
    n_moved = model.parts[9] - model.parts[8]
    for i in range(2):
        curve = timbre[model.parts[8 + i] : model.parts[8 + i] + n_moved]
        here = curve_at(curve, here_s * MOVED_RATE)
        row[n_levels + i] = here + share * (curve_at(curve, there_s * MOVED_RATE) - here)


@numba.njit(cache=True, nogil=True)
def _close_gap(notes, voice, row, count):
    """A new timbre comes in along a straight line from what sounded last."""
    left, last, gap = notes.of[voice].gap_left, notes.levels[voice, LAST], notes.levels[voice, GAP]
    if left == MOVE_FRAMES:
        for j in range(count):
            gap[j] = last[j] - row[j]
    if left > 0:
        left -= 1
        share = np.float32(left / MOVE_FRAMES)
        for j in range(count):
            row[j] += share * gap[j]
        notes.of[voice].gap_left = left
    for j in range(count):
        last[j] = row[j]


@numba.njit(cache=True, nogil=True)
def _write_harmonics(model, notes, voice, f0_hz, gain_db):
    """A level for every partial up to what the instrument knows, faded there."""
    row, out = notes.row[ROW], notes.harmonic_db[0]
    own_rate, is_above = model.rates[1], model.rates[0] > model.rates[1]
    offsets = notes.timbre[voice, model.parts[3] : model.parts[4]]
    for k in range(len(out)):
        left, share = parted(model.places[HARMONICS, k], model.sizes[0])
        level = row[left] + (row[left + 1] - row[left]) * share
        out[k] = _played(level + gain_db)
        if is_above:
            ratio = k + 1 + (offsets[k] if k < len(offsets) else 0.0)
            cycles = f0_hz * ratio / own_rate
            if cycles >= 0.5:
                out[k:] = SILENT_DB
                return
            if cycles > FADE_FROM:
                way = np.pi * (cycles - FADE_FROM) / (0.5 - FADE_FROM)
                out[k] = max(out[k] + 20 * np.log10(0.5 + 0.5 * np.cos(way)), SILENT_DB)


@numba.njit(cache=True, nogil=True, inline="always")
def _played(level_db):
    return level_db + REFERENCE_DB if level_db > SILENT_BELOW_DB else SILENT_DB


@numba.njit(cache=True, nogil=True)
def _f0_hz(model, notes, voice, voice_s, at, cents):
    cents += model.takes[notes.of[voice].take, 1]
    drift = 0.0
    for i in range(len(_DRIFTS)):
        drift += np.sin(voice_s * _DRIFTS[i] + 2 * np.pi * model.takes[notes.of[voice].take, 2 + i])
    cents += DRIFT_CENTS / len(_DRIFTS) * drift
    depth = knob_at(notes, _DEPTH, at)
    if depth != 0:
        cents += depth * _swing(notes, voice, voice_s)
    pitch = notes.of[voice].pitch + notes.knobs[TO, -1] + glide_at(notes, voice, voice_s)
    pitch += cents / 100
    return A4_HZ * 2 ** ((pitch - A4_MIDI) / 12)


@numba.njit(cache=True, nogil=True)
def glide_at(notes, voice, voice_s):
    """Semitones that a note is still off the pitch it glides to, at a time of its voice."""
    if notes.of[voice].glide_s <= 0:
        return 0.0
    way = (voice_s - notes.of[voice].glide_at_s) / notes.of[voice].glide_s
    return notes.of[voice].glide * (1 - min(max(way, 0.0), 1.0))


@numba.njit(cache=True, nogil=True)
def _tremolo_db(notes, voice, voice_s, at):
    depth = knob_at(notes, _TREMOLO, at)
    if depth == 0:
        return 0.0
    return 0.5 * depth * (_swing(notes, voice, voice_s) - min(voice_s / BEGINS_S, 1.0))


@numba.njit(cache=True, nogil=True)
def _swing(notes, voice, voice_s):
    return min(voice_s / BEGINS_S, 1.0) * np.sin(2 * np.pi * notes.of[voice].turn)


@numba.njit(cache=True, nogil=True)
def _fade_out_db(left_s):
    """What has not died away when the release ends is faded."""
    if left_s >= FADE_OUT_S:
        return 0.0
    if left_s <= 0:
        return -300.0
    return 20 * np.log10(0.5 - 0.5 * np.cos(np.pi * left_s / FADE_OUT_S) + 1e-15)


@numba.njit(cache=True, nogil=True)
def _is_inaudible(model, notes, voice, time_s):
    """Whether a note has died away, by itself or after its release."""
    note, loudest = notes.of[voice], notes.row[ROW, : model.sizes[2]].max()
    note.loudest = max(note.loudest, loudest)
    softest = max(note.loudest + _INAUDIBLE_DB, SILENT_BELOW_DB)
    note.quiet = note.quiet + 1 if loudest <= softest else 0
    is_late = time_s > min(note.held_s, model.moments[-1])
    return is_late and note.quiet >= _INAUDIBLE_FRAMES


@numba.njit(cache=True, nogil=True)
def rise_s(model, notes, voice):
    """As `Sounding.attack_s`."""
    loudest = SOFTEST_DB
    for moment in _RISE:
        levels = notes.levels[voice, moment]
        loudest = max(loudest, power_db(notes, levels, model.sizes[2]))
    for moment in _RISE:
        levels = notes.levels[voice, moment]
        if power_db(notes, levels, model.sizes[2]) > loudest - RISEN_DB:
            return min(max(model.moments[moment], RISE_S[0]), RISE_S[1])
    return RISE_S[0]
