"""Notes that sound, frame by frame: what `Sounding` says of whole notes, said as it is needed.

    advance     while some voice lacks a frame:
                    take in a new timbre, where one waits
                    ask for the moments around each voice's next frame that were not said yet
                    say all of them together, and add what the timbre has beyond the decoder
                    read each voice's next frame between its moments, and push it

A moment is said once and kept; most frames find theirs said. Nothing here depends on where blocks
begin: frames do, in order, and each is a function of the ones before it and of its own time.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np

from timbrel.dsp.tracks.kernel import amplitudes, push
from timbrel.dsp.tracks.synthesis import FADE_FROM
from timbrel.dsp.tracks.tracks import FRAME_RATE, SILENT_DB, TRANSIENT_TICKS
from timbrel.instruments.harmonic.compiled_decoder import (
    FALLEN,
    ROWS,
    SAID,
    Weights,
    condition,
    say,
    say_fallen,
)
from timbrel.instruments.harmonic.course import LAST_RELEASE_S
from timbrel.instruments.harmonic.instrument import (
    ATTACK_MOMENTS,
    MOST_BURST_GAIN_DB,
    SLOWER_BURST_DB,
)
from timbrel.instruments.harmonic.knobs import BEGINS_S, BLUR, CONTROLS, MOST_SHIFT_DB
from timbrel.instruments.harmonic.residual import (
    BY_NUMBER,
    FAR_GAIN,
    FAR_SEMITONES,
    NEAR_SEMITONES,
)
from timbrel.instruments.harmonic.said import DEEPEST_FALL_DB, LONGEST_HOLD_S, SOFTEST_DB
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

MOVE_FRAMES = 4
"""A note that sounds goes over to a new timbre in so many frames: 20 ms."""

KNOB_S = 0.015
"""Time constant with which knobs are followed."""

_PATCHY = 4
"""Of a note that went over to another timbre, every so many of its past moments is said."""

_INAUDIBLE_DB, _INAUDIBLE_FRAMES = -80.0, 10
_SLOPE_POINTS = 40
_NAMES = [control.name for control in CONTROLS]
_DEPTH, _RATE, _TREMOLO, _BRIGHTNESS, _NOISE, _SHIFT = (
    _NAMES.index(name)
    for name in ("vibrato_depth", "vibrato_rate", "tremolo", "brightness", "noise", "formant_shift")
)
_ATTACK, _RISE = np.array(ATTACK_MOMENTS), np.array(RISE_MOMENTS)
_DRIFTS = 2 * np.pi * np.array(DRIFTS_HZ)
_BLUR_SIDE, _BLUR_MIDDLE = np.float32(BLUR[0]), np.float32(BLUR[1])


NOTE = np.dtype([
    ("is_on", "?"), ("waits", "?"), ("is_new", "?"), ("is_patchy", "?"), ("has_slope", "?"),
    ("pitch", "f8"), ("velocity", "f8"), ("begin_at", "i8"), ("held_s", "f8"),
    ("attack", "f8"), ("release", "f8"), ("rise_s", "f8"), ("take", "i8"), ("turn", "f8"),
    ("glide", "f8"), ("glide_s", "f8"), ("loudest", "f8"), ("quiet", "i8"),
    ("loop_begin_s", "f8"), ("loop_end_s", "f8"), ("loop_fade_s", "f8"),
    ("loud_db", "f8"), ("attack_db", "f8"), ("gain", "f8"), ("gap_left", "i8"),
])  # fmt: skip
"""What is known of a note.

| field                | what                                                                   |
|----------------------|------------------------------------------------------------------------|
| `is_on`              | whether the voice has a note that is to go on                          |
| `waits`              | whether a new timbre waits for it                                      |
| `is_new`             | whether its condition has to be said                                   |
| `is_patchy`          | whether some of its past was never said                                |
| `has_slope`          | whether its `SLOPE` was found                                          |
| `begin_at`           | sample of the player's clock at which it began                         |
| `held_s`             | when its key came up; infinite while it is down                        |
| `attack`, `release`  | how the knobs stood when it began and when its key came up             |
| `rise_s`             | how long the attack takes; NaN until that is known                     |
| `take`, `turn`       | number of its take; where vibrato is, in cycles                        |
| `glide`, `glide_s`   | semitones off its pitch at the beginning, and for how long             |
| `loudest`, `quiet`   | of its levels so far; frames that it has been inaudible for            |
| `loop_...`           | of the movement                                                        |
| `loud_db`            | of the recording's attack; NaN: not said yet; infinite: it has none    |
| `attack_db`          | its own, while that is being found; infinite where nobody asks         |
| `gain`               | of the timbre's residual                                               |
| `gap_left`           | frames until it has gone over to a new timbre                          |
"""

EARLY, LATE, SLOPE, AT_UP, LAST, GAP = range(-6, 0)
"""Rows of levels behind those of the moments: what the decoder said where the last slope begins
and where the longest hold ends; the slope; what it said at the release; the latest frame, with its
cents and swell; and what that misses of a new timbre's."""

N_EXTRA = 6
BODY, BY_FREQUENCY = range(2)
GROUPS, BAND_GROUPS, BURST_BANDS, BURST_TICKS, HELD, NOISE_HELD, AT_RELEASE, HARMONICS = range(8)
FROM, TO, AT = range(3)
_ROW, _SPARE, _OTHER, _LINEAR = range(4)


class Model(NamedTuple):
    """What is the same for all notes. A place is a knot's number and the way to the next.

    Attributes:
        weights: of the decoder.
        rates: the player's sample rate, the instrument's, mels between bands, and how long a
            sound must be known for its levels to be looped.
        sizes: numbers of slots, bands, both, groups of slots, groups of bands, bands of a burst.
        parts: where each part of a timbre begins, in the order of `Parts`.
        moments, released: seconds of the moments.
        counts: of moments that are asked while a key is down; the one where the last slope begins.
        centres, bands_hz: harmonic number in the middle of each slot, and each band's centre.
        tilt: log2 of both in kHz, of slots as if their f0 were 1 Hz.
        places: of slots, bands, ticks and moments between the knots of a timbre, and of harmonics
            between slots: a row each, `GROUPS` and so on.
        takes: dB and cents of each take, and where its drifts begin.
    """

    weights: Weights
    rates: np.ndarray
    sizes: np.ndarray
    parts: np.ndarray
    moments: np.ndarray
    released: np.ndarray
    counts: np.ndarray
    centres: np.ndarray
    bands_hz: np.ndarray
    tilt: np.ndarray
    places: np.ndarray
    takes: np.ndarray


class Playing(NamedTuple):
    """What is known of the notes on all voices. Few arrays: each costs time to compile.

    A row for each voice, then one for the player's own timbre, then one to compute in.

    Attributes:
        of: what `NOTE` says.
        timbre: its own copy.
        conditions: of its condition.
        slots: places of the slots between a body's bands, and between a residual's slots.
        known: moments that were said; then the end of the longest hold; then of the release.
        levels: what was said at them, with the residual; then `EARLY` to `GAP`.
        knobs: where each knob was when it was turned, to what, and at which sample of the clock;
            then their time constant in samples and the bend.
        asked: voice, moment, whether it is one of the release; their count in the last row.
        new: voices with new conditions.
        desk, moment_s, rows, row: room to compute in.
        f0_hz, harmonic_db, noise_db: the frame that is pushed.
    """

    of: np.ndarray
    timbre: np.ndarray
    conditions: np.ndarray
    slots: np.ndarray
    known: np.ndarray
    levels: np.ndarray
    knobs: np.ndarray
    asked: np.ndarray
    new: np.ndarray
    desk: np.ndarray
    moment_s: np.ndarray
    rows: np.ndarray
    row: np.ndarray
    f0_hz: np.ndarray
    harmonic_db: np.ndarray
    noise_db: np.ndarray


@numba.njit(cache=True, nogil=True)
def advance(tracks, model, notes, missing):
    """Give every voice the frames that it lacks; `missing` counts down to 0."""
    n_voices, rate = len(missing), model.rates[0]
    while True:
        n_new = 0
        notes.asked[-1, 0] = 0
        is_any = False
        for voice in range(n_voices):
            if missing[voice] > 0 and notes.of[voice].is_on:
                is_any = True
                frame = tracks.pushed[voice]
                if notes.of[voice].waits and (frame + voice) % MOVE_FRAMES == 0:
                    _go_over(notes, voice, frame)
                if notes.of[voice].is_new:
                    notes.new[n_new] = voice
                    n_new += 1
                _ask_for_frame(model, notes, voice, frame)
        if not is_any:
            return
        for first in range(0, n_new, ROWS):
            _begin_notes(model, notes, first, min(ROWS, n_new - first))
        _say_all(model, notes)
        for voice in range(n_voices):
            if missing[voice] > 0 and notes.of[voice].is_on:
                frame = tracks.pushed[voice]
                if frame == 0 and notes.of[voice].attack_db < np.inf:
                    _write_burst(model, notes, voice, tracks.burst[voice])
                    tracks.has_burst[voice] = True
                if _is_last(model, notes, voice, frame):
                    at = np.int64(np.ceil(frame * tracks.hop[0]))
                    tracks.fade_at[voice] = min(tracks.fade_at[voice], at)
                push(tracks, voice, notes.f0_hz, notes.harmonic_db, notes.noise_db, rate)
                missing[voice] -= 1


@numba.njit(cache=True, nogil=True)
def look_ahead(pushed, model, notes, most):
    """Say what the next frames will ask for, some voices' at least: so that no block has it all.

    It changes nothing but when things are said.
    """
    notes.asked[-1, 0] = 0
    for voice in range(len(pushed)):
        note = notes.of[voice]
        if notes.asked[-1, 0] < most and note.is_on and pushed[voice] > 0:
            if not (note.waits or note.is_new):
                _ask_for_frame(model, notes, voice, pushed[voice])
    _say_all(model, notes)


@numba.njit(cache=True, nogil=True)
def attack_of_recording(model, notes, voice):
    """How loud the attack of a timbre's own recording is: for a row that is no note's."""
    notes.new[0] = voice
    _begin_notes(model, notes, 0, 1)
    for i in range(len(_ATTACK)):
        notes.rows[i], notes.moment_s[0, i] = voice, model.moments[_ATTACK[i]]
    say(model.weights, notes.desk, notes.conditions, notes.rows, notes.moment_s[0], len(_ATTACK))
    loudest = SOFTEST_DB
    for i in range(len(_ATTACK)):
        _read_body(model, notes, voice, i)
        loudest = max(loudest, _power_db(notes, notes.desk[SAID, i], model.sizes[2]))
    notes.of[voice].loud_db = loudest


# What a note is asked for


@numba.njit(cache=True, nogil=True)
def _go_over(notes, voice, frame):
    """Take in the timbre that waits; what was said before counts no more."""
    latest = len(notes.timbre) - 2
    copy_timbre(notes, latest, voice)
    forget(notes, voice)
    notes.of[voice].waits = False
    notes.of[voice].is_patchy = frame > 0
    notes.of[voice].gap_left = MOVE_FRAMES if frame > 0 else 0


@numba.njit(cache=True, nogil=True)
def copy_timbre(notes, source, voice):
    """Give one row the timbre of another, and what is known of it."""
    notes.timbre[voice] = notes.timbre[source]
    notes.of[voice].loop_begin_s = notes.of[source].loop_begin_s
    notes.of[voice].loop_end_s = notes.of[source].loop_end_s
    notes.of[voice].loop_fade_s = notes.of[source].loop_fade_s
    notes.of[voice].loud_db = notes.of[source].loud_db


@numba.njit(cache=True, nogil=True)
def forget(notes, voice):
    """Have everything said anew."""
    notes.of[voice].is_new = True
    notes.known[voice] = False
    notes.of[voice].has_slope = False


@numba.njit(cache=True, nogil=True)
def _ask_for_frame(model, notes, voice, frame):
    time_s = frame / FRAME_RATE
    if frame == 0:
        if notes.of[voice].attack_db < SOFTEST_DB:
            for moment in _ATTACK:
                _ask(model, notes, voice, moment)
        if math.isnan(notes.of[voice].rise_s) and notes.of[voice].attack != 1.0:
            for moment in _RISE:
                _ask(model, notes, voice, moment)
    sound_s = _when(notes, voice, min(time_s, notes.of[voice].held_s))
    begin_s, end_s, fade_s = _level_loop(model, notes, voice)
    here_s, there_s, share = _place(begin_s, end_s, fade_s, sound_s)
    _ask_around(model, notes, voice, here_s)
    if share > 0:
        _ask_around(model, notes, voice, there_s)
    if sound_s > end_s - fade_s and not notes.of[voice].has_slope:
        over_s = min(max(SLOPE_OVER_S, SLOPE_SHARE * end_s), 0.8 * end_s)
        first, last = _left(model.moments, end_s - over_s), _left(model.moments, end_s) + 1
        step = _PATCHY if notes.of[voice].is_patchy else 1
        for moment in range(first, last, step):
            _ask(model, notes, voice, moment)
        _ask(model, notes, voice, last)
    if time_s > notes.of[voice].held_s:
        since_s = (time_s - notes.of[voice].held_s) / notes.of[voice].release
        left = _left(model.released, since_s)
        for moment in (0, left, left + 1):
            place = len(model.moments) + 1 + moment
            if not notes.known[voice, place]:
                notes.known[voice, place] = True
                _write_down(notes, voice, moment, True)


@numba.njit(cache=True, nogil=True)
def _ask_around(model, notes, voice, sound_s):
    left = _left(model.moments, sound_s)
    _ask(model, notes, voice, left)
    _ask(model, notes, voice, left + 1)


@numba.njit(cache=True, nogil=True)
def _ask(model, notes, voice, moment):
    """Moments beyond the longest hold follow from one there and from an earlier one."""
    if moment >= model.counts[0]:
        early, moment = model.counts[1], len(model.moments)
        if not notes.known[voice, early]:
            notes.known[voice, early] = True
            _write_down(notes, voice, early, False)
    if not notes.known[voice, moment]:
        notes.known[voice, moment] = True
        _write_down(notes, voice, moment, False)


@numba.njit(cache=True, nogil=True)
def _write_down(notes, voice, moment, is_up):
    n = notes.asked[-1, 0]
    notes.asked[n, 0], notes.asked[n, 1], notes.asked[n, 2] = voice, moment, is_up
    notes.asked[-1, 0] = n + 1


# Saying it


@numba.njit(cache=True, nogil=True)
def _begin_notes(model, notes, first, count):
    """Conditions of new notes, and where they read what depends on their pitch."""
    new, pitch = notes.new[first:], notes.of["pitch"]
    condition(
        model.weights, notes.desk, notes.timbre, pitch, notes.of["velocity"], new, count,
        notes.conditions,
    )  # fmt: skip
    for i in range(count):
        voice = new[i]
        notes.of[voice].is_new = False
        f0_hz = A4_HZ * 2 ** ((notes.of[voice].pitch - A4_MIDI) / 12)
        away = notes.of[voice].pitch - notes.timbre[voice, model.parts[1]]
        ratio = 2 ** (away / 12)
        way = (abs(away) - NEAR_SEMITONES) / (FAR_SEMITONES - NEAR_SEMITONES)
        notes.of[voice].gain = 1 - (1 - FAR_GAIN) * min(max(way, 0.0), 1.0)
        n_bands = len(model.bands_hz)
        for slot in range(len(model.centres)):
            mel = 2595 * np.log10(1 + f0_hz * model.centres[slot] / 700)
            notes.slots[voice, BODY, slot] = min(max(mel / model.rates[2] - 1, 0.0), n_bands - 1.0)
            left, share = _between(model.centres, model.centres[slot] * ratio)
            notes.slots[voice, BY_FREQUENCY, slot] = left + share


@numba.njit(cache=True, nogil=True)
def _say_all(model, notes):
    """Everything that was asked for, `ROWS` moments at a time."""
    n_moments = len(model.moments)
    for first in range(0, notes.asked[-1, 0], ROWS):
        count = min(ROWS, notes.asked[-1, 0] - first)
        for i in range(count):
            voice, moment = notes.asked[first + i, 0], notes.asked[first + i, 1]
            notes.rows[i] = voice
            if notes.asked[first + i, 2]:
                up_s = min(notes.of[voice].held_s, LONGEST_HOLD_S)
                notes.moment_s[0, i] = up_s + model.released[moment]
            else:
                last = moment == n_moments
                notes.moment_s[0, i] = LONGEST_HOLD_S if last else model.moments[moment]
        say(model.weights, notes.desk, notes.conditions, notes.rows, notes.moment_s[0], count)
        _say_releases(model, notes, first, count)
        for i in range(count):
            voice, moment = notes.asked[first + i, 0], notes.asked[first + i, 1]
            if notes.asked[first + i, 2]:
                _keep_fallen(model, notes, voice, moment, notes.desk[SAID, i])
            else:
                _keep_held(model, notes, voice, moment, notes.desk[SAID, i])


@numba.njit(cache=True, nogil=True)
def _say_releases(model, notes, first, count):
    """Bodies for all rows; the falling net for those of released notes."""
    for i in range(count):
        _read_body(model, notes, notes.asked[first + i, 0], i)
    n_fallen = 0
    for i in range(count):
        if notes.asked[first + i, 2] and notes.asked[first + i, 1] > 0:
            notes.rows[n_fallen] = notes.asked[first + i, 0]
            notes.moment_s[1, n_fallen] = model.released[notes.asked[first + i, 1]]
            n_fallen += 1
    if n_fallen == 0:
        return
    say_fallen(model.weights, notes.desk, notes.conditions, notes.rows, notes.moment_s[1], n_fallen)
    n_fallen = 0
    for i in range(count):
        if notes.asked[first + i, 2] and notes.asked[first + i, 1] > 0:
            for j in range(model.sizes[2]):
                notes.desk[SAID, i, j] -= notes.desk[FALLEN, n_fallen, j]
            n_fallen += 1


@numba.njit(cache=True, nogil=True)
def _read_body(model, notes, voice, row):
    """Add to the source of each slot what the body says at its frequency."""
    said, n_levels = notes.desk[SAID, row], model.sizes[2]
    for slot in range(model.sizes[0]):
        left, share = _split(notes.slots[voice, BODY, slot], model.sizes[1])
        body = said[n_levels + left] * (1 - share) + said[n_levels + left + 1] * share
        said[slot] += body


@numba.njit(cache=True, nogil=True)
def _keep_held(model, notes, voice, moment, said):
    n_levels, n_moments, early = model.sizes[2], len(model.moments), model.counts[1]
    if moment == early:
        notes.levels[voice, EARLY, :n_levels] = said[:n_levels]
    if moment < n_moments:
        levels = notes.levels[voice, moment]
        for j in range(n_levels):
            levels[j] = max(said[j], SOFTEST_DB)
        if notes.of[voice].attack_db < np.inf and _is_of_attack(moment):
            level = _power_db(notes, levels, n_levels)
            notes.of[voice].attack_db = max(notes.of[voice].attack_db, level)
        _add_residual(model, notes, voice, moment, False, levels)
        return
    late, before = said, notes.levels[voice, EARLY]
    over_s = LONGEST_HOLD_S - model.moments[early]
    for later in range(model.counts[0], n_moments):
        levels, beyond_s = notes.levels[voice, later], model.moments[later] - LONGEST_HOLD_S
        for j in range(n_levels):
            slope = min(late[j] - before[j], 0.0) / over_s
            levels[j] = max(late[j] + slope * beyond_s, SOFTEST_DB)
        _add_residual(model, notes, voice, later, False, levels)


@numba.njit(cache=True, nogil=True)
def _is_of_attack(moment):
    for each in _ATTACK:  # noqa: SIM110 - numba knows no any()
        if each == moment:
            return True
    return False


@numba.njit(cache=True, nogil=True)
def _keep_fallen(model, notes, voice, moment, said):
    fallen = notes.levels[voice, len(model.moments) + moment]
    at_up = notes.levels[voice, AT_UP]
    if moment == 0:
        at_up[: model.sizes[2]] = said[: model.sizes[2]]
    for j in range(model.sizes[2]):
        fallen[j] = max(said[j] - at_up[j], DEEPEST_FALL_DB)
    _add_residual(model, notes, voice, moment, True, fallen)


@numba.njit(cache=True, nogil=True)
def _add_residual(model, notes, voice, moment, is_up, levels):
    """What the timbre has beyond the decoder at a moment, held or after the release."""
    timbre, gain, sizes = notes.timbre[voice], np.float32(notes.of[voice].gain), model.sizes
    n_slots, n_bands, n_groups, n_band_groups = sizes[0], sizes[1], sizes[3], sizes[4]
    first, noise_first = (5, 7) if is_up else (4, 6)
    at_moment, noise_at_moment = (AT_RELEASE, AT_RELEASE) if is_up else (HELD, NOISE_HELD)
    # the last moment's own knot is the next one's, all the way
    at, down = _row_at(model.parts[first], n_groups, model.places[at_moment, moment])
    row = notes.row[_SPARE]
    for slot in range(n_slots):
        left, right = _split(model.places[GROUPS, slot], n_groups)
        row[slot] = _four(timbre, at + left, n_groups, down, right)
    for slot in range(n_slots):
        left, way = _split(notes.slots[voice, BY_FREQUENCY, slot], n_slots)
        by_frequency = row[left] + (row[left + 1] - row[left]) * np.float32(way)
        by_number = row[slot]
        levels[slot] += gain * (by_frequency + (by_number - by_frequency) * np.float32(BY_NUMBER))
    place = model.places[noise_at_moment, moment]
    at, down = _row_at(model.parts[noise_first], n_band_groups, place)
    for band in range(n_bands):
        left, right = _split(model.places[BAND_GROUPS, band], n_band_groups)
        levels[n_slots + band] += gain * _four(timbre, at + left, n_band_groups, down, right)


@numba.njit(cache=True, nogil=True)
def _row_at(first, width, place):
    """Where the row begins that is above a place, and the way to the one below it."""
    above = np.int64(np.ceil(place)) - 1 if place > 0 else 0
    return first + above * width, place - above


@numba.njit(cache=True, nogil=True)
def _split(place, count):
    """The knot to the left of a place, and how far it is to the next of `count` knots."""
    left = min(np.int64(place), count - 2)
    return left, place - left


@numba.njit(cache=True, nogil=True, inline="always")
def _four(numbers, at, width, down, right):
    """Between four numbers of a matrix that is laid out in a row."""
    above = numbers[at] + (numbers[at + 1] - numbers[at]) * np.float32(right)
    at += width
    below = numbers[at] + (numbers[at + 1] - numbers[at]) * np.float32(right)
    return above + (below - above) * np.float32(down)


# Frames


@numba.njit(cache=True, nogil=True)
def _is_last(model, notes, voice, frame):
    """Write down the frame that is to be pushed; whether the note has died away."""
    time_s, row = frame / FRAME_RATE, notes.row[_ROW]
    note, n_slots, n_levels = notes.of[voice], model.sizes[0], model.sizes[2]
    at = note.begin_at + time_s * model.rates[0]
    if frame == 0 and math.isnan(note.rise_s):
        note.rise_s = _rise_s(model, notes, voice)
    _read_levels(model, notes, voice, time_s, at, row)
    _read_movement(model, notes, voice, time_s, row)
    _close_gap(notes, voice, row, n_levels + 2)
    gain_db = model.takes[note.take, 0] + _tremolo_db(notes, voice, time_s, at)
    left_s = note.held_s + LAST_RELEASE_S * note.release - time_s
    gain_db += _fade_out_db(left_s)
    f0_hz = _f0_hz(model, notes, voice, time_s, at, row[n_levels])
    _write_harmonics(model, notes, voice, f0_hz, gain_db + row[n_levels + 1])
    for band in range(model.sizes[1]):
        notes.noise_db[0, band] = _played(row[n_slots + band] + gain_db)
    notes.f0_hz[0] = f0_hz
    note.turn += _knob(notes, _RATE, at) / FRAME_RATE
    return left_s <= 0 or _is_inaudible(model, notes, voice, time_s)


@numba.njit(cache=True, nogil=True)
def _read_levels(model, notes, voice, time_s, at, row):
    """Levels of slots and bands at a time, in the first numbers of a row."""
    n_levels = model.sizes[2]
    sound_s = _when(notes, voice, min(time_s, notes.of[voice].held_s))
    begin_s, end_s, fade_s = _level_loop(model, notes, voice)
    here_s, there_s, share = _place(begin_s, end_s, fade_s, sound_s)
    left, way = _between(model.moments, here_s)
    _lerp(notes.levels[voice, left], notes.levels[voice, left + 1], way, row, n_levels)
    if sound_s > end_s - fade_s:
        if not notes.of[voice].has_slope:
            _find_slope(model, notes, voice, end_s)
        slope = notes.levels[voice, SLOPE]
        if share > 0:
            left, way = _between(model.moments, there_s)
            there = notes.row[_SPARE]
            _lerp(notes.levels[voice, left], notes.levels[voice, left + 1], way, there, n_levels)
            _lerp(row, there, share, row, n_levels)
        beyond_s = sound_s - here_s - share * (there_s - here_s)
        for j in range(n_levels):
            row[j] += slope[j] * np.float32(beyond_s)
    _colour(model, notes, voice, at, row)
    since_s = (time_s - notes.of[voice].held_s) / notes.of[voice].release
    if since_s > 0:
        left, way = _between(model.released, since_s)
        left += len(model.moments)
        fallen = notes.row[_SPARE]
        _lerp(notes.levels[voice, left], notes.levels[voice, left + 1], way, fallen, n_levels)
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
    read = notes.row[_SPARE]
    for point in range(_SLOPE_POINTS):
        away = over_s * (point / (_SLOPE_POINTS - 1) - 0.5)
        left, share = _between(model.moments, end_s - over_s / 2 + away)
        _lerp(notes.levels[voice, left], notes.levels[voice, left + 1], share, read, n_levels)
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
    first, last = _left(model.moments, from_s), _left(model.moments, to_s) + 1
    n_said = model.counts[0]
    before = first
    for moment in range(first + 1, last + 1):
        is_known = notes.known[voice, moment] if moment < n_said else True
        if not is_known:
            continue
        for between in range(before + 1, moment):
            share = (between - before) / (moment - before)
            here, there = notes.levels[voice, before], notes.levels[voice, moment]
            _lerp(here, there, share, notes.levels[voice, between], model.sizes[2])
            notes.known[voice, between] = True
        before = moment


@numba.njit(cache=True, nogil=True)
def _colour(model, notes, voice, at, row):
    """What brightness, noise and formant shift change, as `Knobs.changed`."""
    n_slots, n_bands = model.sizes[0], model.sizes[1]
    brightness, noise = _knob(notes, _BRIGHTNESS, at), _knob(notes, _NOISE, at)
    shift = _knob(notes, _SHIFT, at)
    if shift != 0:
        ratio = 2 ** (-shift / 12)
        _shift(notes, row[:n_slots], model.centres, ratio)
        _shift(notes, row[n_slots : n_slots + n_bands], model.bands_hz, ratio)
    if brightness != 0:
        octaves = (notes.of[voice].pitch - A4_MIDI) / 12 + np.log2(A4_HZ)
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
    envelope, other = notes.row[_SPARE, :length], notes.row[_OTHER, :length]
    _blur(levels, other)
    _blur(other, envelope)
    for j in range(length):
        left, share = _between(points, points[j] * ratio)
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
    sound_s, note = _when(notes, voice, time_s), notes.of[voice]
    here_s, there_s, share = _place(note.loop_begin_s, note.loop_end_s, note.loop_fade_s, sound_s)
    n_moved = model.parts[9] - model.parts[8]
    for i in range(2):
        curve = timbre[model.parts[8 + i] : model.parts[8 + i] + n_moved]
        here = _at(curve, here_s * MOVED_RATE)
        row[n_levels + i] = here + share * (_at(curve, there_s * MOVED_RATE) - here)


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
    row, out = notes.row[_ROW], notes.harmonic_db[0]
    own_rate, is_above = model.rates[1], model.rates[0] > model.rates[1]
    offsets = notes.timbre[voice, model.parts[3] : model.parts[4]]
    for k in range(len(out)):
        left, share = _split(model.places[HARMONICS, k], model.sizes[0])
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
def _f0_hz(model, notes, voice, time_s, at, cents):
    cents += model.takes[notes.of[voice].take, 1]
    drift = 0.0
    for i in range(len(_DRIFTS)):
        drift += np.sin(time_s * _DRIFTS[i] + 2 * np.pi * model.takes[notes.of[voice].take, 2 + i])
    cents += DRIFT_CENTS / len(_DRIFTS) * drift
    depth = _knob(notes, _DEPTH, at)
    if depth != 0:
        cents += depth * _swing(notes, voice, time_s)
    pitch = notes.of[voice].pitch + notes.knobs[TO, -1] + glide_at(notes, voice, time_s)
    pitch += cents / 100
    return A4_HZ * 2 ** ((pitch - A4_MIDI) / 12)


@numba.njit(cache=True, nogil=True)
def glide_at(notes, voice, time_s):
    """Semitones that a note is still off the pitch it glides to."""
    if notes.of[voice].glide_s <= 0:
        return 0.0
    return notes.of[voice].glide * max(1 - time_s / notes.of[voice].glide_s, 0.0)


@numba.njit(cache=True, nogil=True)
def _tremolo_db(notes, voice, time_s, at):
    depth = _knob(notes, _TREMOLO, at)
    if depth == 0:
        return 0.0
    return 0.5 * depth * (_swing(notes, voice, time_s) - min(time_s / BEGINS_S, 1.0))


@numba.njit(cache=True, nogil=True)
def _swing(notes, voice, time_s):
    return min(time_s / BEGINS_S, 1.0) * np.sin(2 * np.pi * notes.of[voice].turn)


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
    note, loudest = notes.of[voice], notes.row[_ROW, : model.sizes[2]].max()
    note.loudest = max(note.loudest, loudest)
    softest = max(note.loudest + _INAUDIBLE_DB, SILENT_BELOW_DB)
    note.quiet = note.quiet + 1 if loudest <= softest else 0
    is_late = time_s > min(note.held_s, model.moments[-1])
    return is_late and note.quiet >= _INAUDIBLE_FRAMES


@numba.njit(cache=True, nogil=True)
def _write_burst(model, notes, voice, burst):
    """The timbre's burst, so much louder than recorded as this note's attack is."""
    note, n_bands, row = notes.of[voice], burst.shape[1], notes.row[_SPARE]
    gain_db = note.attack_db - note.loud_db
    gain_db = min(max(gain_db, -MOST_BURST_GAIN_DB), MOST_BURST_GAIN_DB)
    gain_db += _knob(notes, _NOISE, note.begin_at) - SLOWER_BURST_DB * np.log2(note.attack)
    gain_db += SOFTEST_DB + REFERENCE_DB
    width = model.sizes[5]
    for tick in range(TRANSIENT_TICKS):
        at, down = _row_at(model.parts[10], width, model.places[BURST_TICKS, tick])
        for band in range(n_bands):
            left, right = _split(model.places[BURST_BANDS, band], width)
            above = _four(notes.timbre[voice], at + left, width, down, right)
            row[band] = above + gain_db if above > -SOFTEST_DB * 1e-3 else SILENT_DB
        amplitudes(row[:n_bands], burst[tick])
    note.attack_db = np.inf


@numba.njit(cache=True, nogil=True)
def _rise_s(model, notes, voice):
    """As `Sounding.attack_s`."""
    if notes.of[voice].attack == 1.0:
        return RISE_S[0]
    loudest = SOFTEST_DB
    for moment in _RISE:
        levels = notes.levels[voice, moment]
        loudest = max(loudest, _power_db(notes, levels, model.sizes[2]))
    for moment in _RISE:
        levels = notes.levels[voice, moment]
        if _power_db(notes, levels, model.sizes[2]) > loudest - RISEN_DB:
            return min(max(model.moments[moment], RISE_S[0]), RISE_S[1])
    return RISE_S[0]


# Places


@numba.njit(cache=True, nogil=True)
def _when(notes, voice, time_s):
    """As `Sounding._when`."""
    slower, rise_s = notes.of[voice].attack, notes.of[voice].rise_s
    if slower == 1.0:
        return time_s
    if math.isnan(rise_s) or time_s < rise_s * slower:
        return time_s / slower
    return time_s - rise_s * slower + rise_s


@numba.njit(cache=True, nogil=True)
def _level_loop(model, notes, voice):
    """As `Sounding.level_loop`."""
    if notes.timbre[voice, model.parts[2]] >= model.rates[3]:
        note = notes.of[voice]
        return note.loop_begin_s, note.loop_end_s, note.loop_fade_s
    return np.inf, LONGEST_HOLD_S, 0.0


@numba.njit(cache=True, nogil=True)
def _place(begin_s, end_s, fade_s, time_s):
    """As `Loop.places`, of one time."""
    if math.isinf(begin_s):
        here_s = min(time_s, end_s)
        return here_s, here_s, 0.0
    length_s, here_s = end_s - begin_s, time_s
    if time_s >= end_s:
        here_s = begin_s + (time_s - begin_s) % length_s
    way = min(max((here_s - end_s) / fade_s + 1, 0.0), 1.0)
    return here_s, max(here_s - length_s, 0.0), 0.5 - 0.5 * np.cos(np.pi * way)


@numba.njit(cache=True, nogil=True)
def _left(knots, point):
    """The knot to the left of a point, but for the last one."""
    low, high = 0, len(knots) - 1
    while high - low > 1:
        middle = (low + high) // 2
        if knots[middle] <= point:
            low = middle
        else:
            high = middle
    return low


@numba.njit(cache=True, nogil=True)
def _between(knots, point):
    left = _left(knots, point)
    share = (point - knots[left]) / (knots[left + 1] - knots[left])
    return left, min(max(share, 0.0), 1.0)


@numba.njit(cache=True, nogil=True)
def _at(curve, place):
    left = min(max(int(place), 0), len(curve) - 2)
    return curve[left] + (curve[left + 1] - curve[left]) * min(max(place - left, 0.0), 1.0)


@numba.njit(cache=True, nogil=True, fastmath=True)
def _lerp(here, there, share, out, count):
    way = np.float32(share)
    for j in range(np.uint64(count)):
        out[j] = here[j] + (there[j] - here[j]) * way


@numba.njit(cache=True, nogil=True)
def _power_db(notes, levels, count):
    """Level of all together."""
    linear, total = notes.row[_LINEAR, :count], 0.0
    amplitudes(levels, linear)
    for j in range(count):
        if levels[j] > SOFTEST_DB:
            total += linear[j] * linear[j]
    return 10 * np.log10(total + 1e-12)


@numba.njit(cache=True, nogil=True)
def _knob(notes, knob, at):
    """Where a knob stands at a sample of the player's clock, on its way to where it was turned."""
    start, goal = notes.knobs[FROM, knob], notes.knobs[TO, knob]
    if start == goal:
        return goal
    since = at - notes.knobs[AT, knob]
    return goal + (start - goal) * np.exp(-since / notes.knobs[FROM, -1])


@numba.njit(cache=True, nogil=True)
def knob_at(notes, knob, at):
    """Where a knob stands at a sample of the player's clock."""
    return _knob(notes, knob, at)
