"""The moments of sounding notes: asked for once, said together, kept with what a timbre adds.

A moment is one of `heard_moments` while the key is down, of `release_moments` after it came up.
What is said of it does not depend on when it is said, nor on what else is.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from timbrel.dsp.tracks.tracks import FRAME_RATE
from timbrel.instruments.harmonic.compiled_decoder import (
    FALLEN,
    ROWS,
    SAID,
    condition,
    say,
    say_fallen,
)
from timbrel.instruments.harmonic.curves import (
    between,
    between_four,
    left_of,
    level_loop,
    loop_place,
    parted,
    power_db,
    row_at,
    sound_time,
)
from timbrel.instruments.harmonic.instrument import ATTACK_MOMENTS
from timbrel.instruments.harmonic.playing_state import (
    AT_RELEASE,
    AT_UP,
    BAND_GROUPS,
    BODY,
    BY_FREQUENCY,
    EARLY,
    GROUPS,
    HELD,
    NOISE_HELD,
    SPARE,
)
from timbrel.instruments.harmonic.residual import BY_NUMBER, FAR_GAIN, FAR_SEMITONES, NEAR_SEMITONES
from timbrel.instruments.harmonic.said import DEEPEST_FALL_DB, LONGEST_HOLD_S, SOFTEST_DB
from timbrel.instruments.harmonic.sounding import RISE_MOMENTS, SLOPE_OVER_S, SLOPE_SHARE
from timbrel.units import A4_HZ, A4_MIDI

_PATCHY = 4
"""Of a note that went over to another timbre, every so many of its past moments is said."""

_ATTACK, _RISE = np.array(ATTACK_MOMENTS), np.array(RISE_MOMENTS)


@numba.njit(cache=True, nogil=True)
def ask_for_frame(model, notes, voice, frame):
    """Write down the moments that a frame lies between, and whatever else it wants to know."""
    note, time_s = notes.of[voice], frame / FRAME_RATE + notes.of[voice].ahead_s
    if frame == 0 and note.attack_db < SOFTEST_DB:
        for moment in _ATTACK:
            _ask(model, notes, voice, moment)
    if frame == 0 and math.isnan(note.rise_s) and note.attack != 1.0:
        ask_for_rise(model, notes, voice)
    sound_s = sound_time(notes, voice, min(time_s, note.held_s))
    begin_s, end_s, fade_s = level_loop(model, notes, voice)
    here_s, there_s, share = loop_place(begin_s, end_s, fade_s, sound_s)
    _ask_around(model, notes, voice, here_s)
    if share > 0:
        _ask_around(model, notes, voice, there_s)
    if sound_s > end_s - fade_s and not note.has_slope:
        _ask_for_slope(model, notes, voice, end_s)
    if time_s > note.held_s:
        _ask_for_release(model, notes, voice, (time_s - note.held_s) / note.release)


@numba.njit(cache=True, nogil=True)
def ask_for_rise(model, notes, voice):
    """Write down the moments that tell when the attack is over."""
    for moment in _RISE:
        _ask(model, notes, voice, moment)


@numba.njit(cache=True, nogil=True)
def _ask_for_slope(model, notes, voice, end_s):
    over_s = min(max(SLOPE_OVER_S, SLOPE_SHARE * end_s), 0.8 * end_s)
    first = left_of(model.moments, end_s - over_s)
    last = left_of(model.moments, end_s) + 1
    step = _PATCHY if notes.of[voice].is_patchy else 1
    for moment in range(first, last, step):
        _ask(model, notes, voice, moment)
    _ask(model, notes, voice, last)


@numba.njit(cache=True, nogil=True)
def _ask_for_release(model, notes, voice, since_s):
    left = left_of(model.released, since_s)
    for moment in (0, left, left + 1):
        place = len(model.moments) + 1 + moment
        if not notes.known[voice, place]:
            notes.known[voice, place] = True
            _write_down(notes, voice, moment, True)


@numba.njit(cache=True, nogil=True)
def _ask_around(model, notes, voice, sound_s):
    left = left_of(model.moments, sound_s)
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


@numba.njit(cache=True, nogil=True)
def begin_notes(model, notes, first, count):
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
            left, share = between(model.centres, model.centres[slot] * ratio)
            notes.slots[voice, BY_FREQUENCY, slot] = left + share


@numba.njit(cache=True, nogil=True)
def say_all(model, notes):
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
        read_body(model, notes, notes.asked[first + i, 0], i)
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
def read_body(model, notes, voice, row):
    """Add to the source of each slot what the body says at its frequency."""
    said, n_levels = notes.desk[SAID, row], model.sizes[2]
    for slot in range(model.sizes[0]):
        left, share = parted(notes.slots[voice, BODY, slot], model.sizes[1])
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
            level = power_db(notes, levels, n_levels)
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
    at, down = row_at(model.parts[first], n_groups, model.places[at_moment, moment])
    row = notes.row[SPARE]
    for slot in range(n_slots):
        left, right = parted(model.places[GROUPS, slot], n_groups)
        row[slot] = between_four(timbre, at + left, n_groups, down, right)
    for slot in range(n_slots):
        left, way = parted(notes.slots[voice, BY_FREQUENCY, slot], n_slots)
        by_frequency = row[left] + (row[left + 1] - row[left]) * np.float32(way)
        by_number = row[slot]
        levels[slot] += gain * (by_frequency + (by_number - by_frequency) * np.float32(BY_NUMBER))
    place = model.places[noise_at_moment, moment]
    at, down = row_at(model.parts[noise_first], n_band_groups, place)
    for band in range(n_bands):
        left, right = parted(model.places[BAND_GROUPS, band], n_band_groups)
        levels[n_slots + band] += gain * between_four(timbre, at + left, n_band_groups, down, right)
