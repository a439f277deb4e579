"""The moments of sounding notes: asked for once, said together, kept with what a timbre adds.

A moment is one of `heard_moments` while the key is down, of `release_moments` after it came up.
What is said of it does not depend on when it is said, nor on what else is.
"""

from __future__ import annotations

import math

import numpy as np

from timbrel.dsp.compiling import part
from timbrel.dsp.tracks.bands import MELS_APART
from timbrel.dsp.tracks.tracks import FRAME_RATE
from timbrel.instruments.harmonic.burst import ATTACK_MOMENTS
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
from timbrel.instruments.harmonic.playing_state import (
    AT_RELEASE,
    AT_UP,
    BAND_GROUPS,
    BODY,
    BY_FREQUENCY,
    EARLY,
    GROUPS,
    HELD,
    LINEAR,
    MOVED,
    NOISE_HELD,
    SPARE,
)
from timbrel.instruments.harmonic.residual import (
    BY_NUMBER,
    FAR_GAIN,
    FAR_SEMITONES,
    NEAR_SEMITONES,
    NOISE_MOVES,
)
from timbrel.instruments.harmonic.said import (
    DEEPEST_FALL_DB,
    LONGEST_HOLD_S,
    NOISE_RISES_DB,
    PARTIALS_RISE_DB,
    SOFTEST_DB,
)
from timbrel.instruments.harmonic.sounding import RISE_MOMENTS, SLOPE_OVER_S, SLOPE_SHARE
from timbrel.nn.compiled import copy
from timbrel.units import A4_HZ, A4_MIDI

_PATCHY = 4
"""Of a note that went over to another timbre, every so many of its past moments is said."""

_ATTACK, _RISE = np.array(ATTACK_MOMENTS), np.array(RISE_MOMENTS)


@part
def ask_for_frame(model, notes, voice, frame):
    """Write down the moments that a frame lies between, and whatever else it wants to know."""
    note, time_s = notes.of[voice], frame / FRAME_RATE + notes.of[voice].ahead_s
    facts, known, asked = model.facts, notes.known, notes.asked
    if frame == 0 and note.attack_db < SOFTEST_DB:
        for moment in _ATTACK:
            _ask(facts, known, asked, voice, moment)
    if frame == 0 and math.isnan(note.rise_s) and note.attack != 1.0:
        ask_for_rise(facts, known, asked, voice)
    sound_s = sound_time(note, min(time_s, note.held_s))
    begin_s, end_s, fade_s = level_loop(note)
    here_s, there_s, share = loop_place(begin_s, end_s, fade_s, sound_s)
    _ask_around(model.moments, facts, known, asked, voice, here_s)
    if share > 0:
        _ask_around(model.moments, facts, known, asked, voice, there_s)
    if sound_s > end_s - fade_s and not note.has_slope:
        step = _PATCHY if note.is_patchy else 1
        _ask_for_slope(model.moments, facts, known, asked, voice, end_s, step)
    if time_s > note.held_s:
        since_s = (time_s - note.held_s) / note.release
        _ask_for_release(model.released, facts, known, asked, voice, since_s)


@part
def ask_for_rise(facts, known, asked, voice):
    """Write down the moments that tell when the attack is over."""
    for moment in _RISE:
        _ask(facts, known, asked, voice, moment)


@part
def _ask_for_slope(moments, facts, known, asked, voice, end_s, step):
    over_s = min(max(SLOPE_OVER_S, SLOPE_SHARE * end_s), 0.8 * end_s)
    first = left_of(moments, end_s - over_s)
    last = left_of(moments, end_s) + 1
    for moment in range(first, last, step):
        _ask(facts, known, asked, voice, moment)
    _ask(facts, known, asked, voice, last)


@part
def _ask_for_release(released, facts, known, asked, voice, since_s):
    left = left_of(released, since_s)
    for moment in (0, left, left + 1):
        place = facts.n_moments + 1 + moment
        if not known[voice, place]:
            known[voice, place] = True
            _write_down(asked, voice, moment, True)


@part
def _ask_around(moments, facts, known, asked, voice, sound_s):
    left = left_of(moments, sound_s)
    _ask(facts, known, asked, voice, left)
    _ask(facts, known, asked, voice, left + 1)


@part
def _ask(facts, known, asked, voice, moment):
    """Moments beyond the longest hold follow from one there and from an earlier one."""
    if moment >= facts.n_asked:
        moment = facts.n_moments
        if not known[voice, facts.early]:
            known[voice, facts.early] = True
            _write_down(asked, voice, facts.early, False)
    if not known[voice, moment]:
        known[voice, moment] = True
        _write_down(asked, voice, moment, False)


@part
def _write_down(asked, voice, moment, is_up):
    n = asked[-1, 0]
    asked[n, 0], asked[n, 1], asked[n, 2] = voice, moment, is_up
    asked[-1, 0] = n + 1


@part
def begin_notes(model, notes, first, count):
    """Conditions of new notes, and where they read what depends on their pitch."""
    new, pitch = notes.new[first:], notes.of["pitch"]
    condition(
        model.layers, notes.desk, notes.timbre, pitch, notes.of["velocity"], new, count,
        notes.conditions,
    )  # fmt: skip
    for i in range(count):
        voice, note = new[i], notes.of[new[i]]
        note.is_new = False
        f0_hz = A4_HZ * 2 ** ((note.pitch - A4_MIDI) / 12)
        away = note.pitch - notes.timbre[voice, model.parts.pitch]
        ratio = 2 ** (away / 12)
        way = (abs(away) - NEAR_SEMITONES) / (FAR_SEMITONES - NEAR_SEMITONES)
        note.gain = 1 - (1 - FAR_GAIN) * min(max(way, 0.0), 1.0)
        body, by_frequency = notes.slots[voice, BODY], notes.slots[voice, BY_FREQUENCY]
        centres, last = model.centres, model.facts.n_bands - 1.0
        for slot in range(len(centres)):
            body[slot] = _band_place(f0_hz * centres[slot], last)
            left, share = between(centres, centres[slot] * ratio)
            by_frequency[slot] = left + share
        moved = notes.slots[voice, MOVED]
        for band in range(model.facts.n_bands):
            moved[band] = _band_place(model.bands_hz[band] / ratio, last)


@part
def _band_place(frequency_hz, last):
    """As `Bands.place`, no farther than the last band."""
    mel = 2595 * np.log10(1 + frequency_hz / 700)
    return min(max(mel / MELS_APART - 1, 0.0), last)


@part
def say_all(model, notes):
    """Everything that was asked for, `ROWS` moments at a time."""
    for first in range(0, notes.asked[-1, 0], ROWS):
        asked = notes.asked[first : min(first + ROWS, notes.asked[-1, 0])]
        count, moment_s = len(asked), notes.moment_s[0]
        for i in range(count):
            voice, moment = asked[i, 0], asked[i, 1]
            notes.rows[i] = voice
            if asked[i, 2]:
                moment_s[i] = min(notes.of[voice].held_s, LONGEST_HOLD_S) + model.released[moment]
            else:
                is_last = moment == model.facts.n_moments
                moment_s[i] = LONGEST_HOLD_S if is_last else model.moments[moment]
        say(model.layers, notes.desk, notes.conditions, notes.rows, moment_s, count)
        for i in range(count):
            read_body(model.facts, notes.slots[asked[i, 0], BODY], notes.desk[SAID, i])
        _say_fallen(model, notes, asked)
        for i in range(count):
            if asked[i, 2]:
                _keep_fallen(model, notes, asked[i, 0], asked[i, 1], notes.desk[SAID, i])
            else:
                _keep_held(model, notes, asked[i, 0], asked[i, 1], notes.desk[SAID, i])


@part
def _say_fallen(model, notes, asked):
    """Take from released notes what the falling net says."""
    n_fallen = 0
    for i in range(len(asked)):
        if asked[i, 2] and asked[i, 1] > 0:
            notes.rows[n_fallen] = asked[i, 0]
            notes.moment_s[1, n_fallen] = model.released[asked[i, 1]]
            n_fallen += 1
    if n_fallen == 0:
        return
    say_fallen(model.layers, notes.desk, notes.conditions, notes.rows, notes.moment_s[1], n_fallen)
    n_fallen = 0
    for i in range(len(asked)):
        if asked[i, 2] and asked[i, 1] > 0:
            said, fallen = notes.desk[SAID, i], notes.desk[FALLEN, n_fallen]
            for j in range(model.facts.n_levels):
                said[j] -= fallen[j]
            n_fallen += 1


@part
def read_body(facts, places, said):
    """Add to the source of each slot what the body says at its frequency."""
    for slot in range(facts.n_slots):
        left, share = parted(places[slot], facts.n_bands)
        left += facts.n_levels
        said[slot] += said[left] * (1 - share) + said[left + 1] * share


@part
def _keep_held(model, notes, voice, moment, said):
    facts, moments, note = model.facts, model.moments, notes.of[voice]
    levels, before = notes.levels[voice], notes.levels[voice, EARLY]
    if moment == facts.early:
        copy(said, before, facts.n_levels)
    if moment < facts.n_moments:
        for j in range(facts.n_levels):
            levels[moment, j] = max(said[j], SOFTEST_DB)
        if note.attack_db < np.inf and _is_of_attack(moment):
            level_db = power_db(levels[moment], facts.n_levels, notes.row[LINEAR])
            note.attack_db = max(note.attack_db, level_db)
        _add_residual(model, notes, voice, moment, False, levels[moment])
        return
    over_s = LONGEST_HOLD_S - moments[facts.early]
    for later in range(facts.n_asked, facts.n_moments):
        beyond_s = moments[later] - LONGEST_HOLD_S
        for j in range(facts.n_levels):
            slope = min(said[j] - before[j], 0.0) / over_s
            levels[later, j] = max(said[j] + slope * beyond_s, SOFTEST_DB)
        _add_residual(model, notes, voice, later, False, levels[later])


@part
def _is_of_attack(moment):
    for each in _ATTACK:  # noqa: SIM110 - numba knows no any()
        if each == moment:
            return True
    return False


@part
def _keep_fallen(model, notes, voice, moment, said):
    facts, at_up = model.facts, notes.levels[voice, AT_UP]
    fallen = notes.levels[voice, facts.n_moments + moment]
    if moment == 0:
        copy(said, at_up, facts.n_levels)
    for j in range(facts.n_levels):
        fallen[j] = max(said[j] - at_up[j], DEEPEST_FALL_DB)
    _add_residual(model, notes, voice, moment, True, fallen)
    for j in range(facts.n_levels):
        most = PARTIALS_RISE_DB if j < facts.n_slots else NOISE_RISES_DB
        fallen[j] = min(fallen[j], most)


@part
def _add_residual(model, notes, voice, moment, is_up, levels):
    """What the timbre has beyond the decoder at a moment, held or after the release."""
    facts, parts, places = model.facts, model.parts, model.places
    gain, timbre = np.float32(notes.of[voice].gain), notes.timbre[voice]
    begin, place = parts.partial, places[HELD, moment]
    noise_begin, noise_place = parts.noise, places[NOISE_HELD, moment]
    if is_up:
        begin, place = parts.partial_released, places[AT_RELEASE, moment]
        noise_begin, noise_place = parts.noise_released, place
    row = notes.row[SPARE, : facts.n_slots]
    _read_knots(timbre, begin, place, places[GROUPS], facts.n_groups, row)
    _add_moved(row, notes.slots[voice, BY_FREQUENCY], 1 - BY_NUMBER, gain, levels)
    row = notes.row[SPARE, : facts.n_bands]
    _read_knots(timbre, noise_begin, noise_place, places[BAND_GROUPS], facts.n_band_groups, row)
    _add_moved(row, notes.slots[voice, MOVED], NOISE_MOVES, gain, levels[facts.n_slots :])


@part
def _read_knots(timbre, begin, place, across, n_knots, row):
    """A row of a residual, read between its knots in time and across."""
    # the last moment's own knot is the next one's, all the way
    at, down = row_at(begin, n_knots, place)
    for j in range(len(row)):
        left, right = parted(across[j], n_knots)
        row[j] = between_four(timbre, at + left, n_knots, down, right)


@part
def _add_moved(row, moved, share, gain, levels):
    """Add a row to levels, a share of it from where each of them moved to."""
    for j in range(len(row)):
        left, way = parted(moved[j], len(row))
        there = row[left] + (row[left + 1] - row[left]) * np.float32(way)
        levels[j] += gain * (row[j] + (there - row[j]) * np.float32(share))
