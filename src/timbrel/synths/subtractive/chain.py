"""`shaping` and `reverb`, compiled: what is done to a piece of all lanes of a group."""

from __future__ import annotations

import numpy as np

from timbrel.dsp.compiling import part
from timbrel.synths.subtractive.edges import NOISES, sine_of
from timbrel.synths.subtractive.noise import MIXERS
from timbrel.synths.subtractive.oscillators import used
from timbrel.synths.subtractive.reverb import SPREAD
from timbrel.synths.subtractive.shaping import KNEE, SECOND_DAMPING
from timbrel.synths.subtractive.state import (
    ABSORBED,
    AGE,
    AMP,
    AMP_MOVES,
    CUTOFF,
    CUTOFF_MOVES,
    FADE,
    FADE_MOVES,
    LANES,
    MEAN,
    MIX_BEFORE,
    MIX_LAST,
    NUMBER,
    PIECE,
    POST_LAST,
    POST_ROOT,
    PRE_LAST,
    PRE_ROOT,
    STATE_A,
    STATE_B,
    STATE_C,
    STATE_D,
    STEP,
    STEP_MOVES,
    SUB_PHASE,
    WEIGHTS,
    WET,
    WET_MOVES,
    at,
)
from timbrel.synths.subtractive.waves import BRIGHTER

_QUICK = {"fastmath": {"contract"}, "error_model": "numpy"}
_LANES = np.uint64(LANES)
_DESK = tuple(np.uint64(line * PIECE * LANES) for line in range(6))
_ROW = tuple(np.uint64(row * LANES) for row in range(6))
_SINGLE = np.float32
_ONE, _TWO, _ZERO, _HALF = np.float32(1), np.float32(2), np.float32(0), np.float32(0.5)
_OUTER, _INNER = np.float32(BRIGHTER), np.float32(1 + 2 * BRIGHTER)
_KNEE, _ABOVE = np.float32(KNEE), np.float32(1 / (1 - KNEE))
_SECOND = np.float32(SECOND_DAMPING)
_SPREAD = np.float32(SPREAD)
_TINY = np.float32(1e-20)
"""Keeps what rings out from numbers so small that processors are slow with them."""

_MIXERS = tuple(map(np.uint32, MIXERS))
_SHIFTS = np.uint32(16), np.uint32(13)
_UNIT = np.float32(2.0**-31)

LEVEL1, LEVEL2, LEVEL_UNISON, RING, SUB, NOISE = (
    WEIGHTS + row for row in at("level1", "level2", "level_unison", "ring", "sub", "noise")
)
PRE_GAIN, PRE_MIX, PRE_MAKE_UP = (WEIGHTS + row for row in at("pre_gain", "pre_mix", "pre_make_up"))
POST_GAIN, POST_MIX, POST_MAKE_UP = (
    WEIGHTS + row for row in at("post_gain", "post_mix", "post_make_up")
)
LOW, BAND, HIGH, LOW_24, DAMPING = (
    WEIGHTS + row for row in at("out_low", "out_band", "out_high", "out_low_24", "damping")
)
NOISE1, NOISE2 = WEIGHTS + NOISES[0], WEIGHTS + NOISES[1]
DRY, ABSORB = (WEIGHTS + row for row in at("dry", "absorb"))
(WET_LEVEL,) = (WEIGHTS + row for row in at("wet"))
_DULL_B, _DULL_C, _DULL_D = (ABSORBED + row for row in _ROW[1:4])
FEEDBACK = tuple(WEIGHTS + row for row in at(*(f"feedback{line}" for line in range(4))))


@part
def shape(state, group, length):
    """Makes `sound` of the waves: the first `length` rows."""
    quick, whole, sound = state.quick[group], state.whole[group], state.sound
    _hiss(whole, state.late, length)
    _mix(state, quick, whole, length)
    _drive(quick, sound, PRE_GAIN, PRE_LAST, PRE_ROOT, length)
    _filter(quick, sound, length)
    _drive(quick, sound, POST_GAIN, POST_LAST, POST_ROOT, length)
    _amplify(quick, sound, np.float32(1 - state.keep), len(sound) // PIECE, length)
    if used(quick, WET_LEVEL):
        _room(state, group, length)
    else:
        _leave_room(whole, state.waves[0], length)
    _bound(quick, sound, state.waves[0], length)


@part
def _hiss(whole, noise, length):
    """As `noise_at`: all in 32 bits."""
    for s in range(np.uint64(length)):
        row, passed = s * _LANES, np.int32(s)
        for j in range(_LANES):
            x = np.uint32(np.uint32(np.int32(whole[NUMBER + j] + passed)) * _MIXERS[0])
            x = np.uint32(np.uint32(x ^ np.uint32(x >> _SHIFTS[0])) * _MIXERS[1])
            x = np.uint32(np.uint32(x ^ np.uint32(x >> _SHIFTS[1])) * _MIXERS[2])
            x = np.uint32(x ^ np.uint32(x >> _SHIFTS[0]))
            noise[row + j] = _SINGLE(np.int32(x)) * _UNIT
    for j in range(_LANES):
        whole[NUMBER + j] = np.int32(whole[NUMBER + j] + length)


@part(**_QUICK)
def _mix(state, quick, whole, length):
    sound, noise = state.sound, state.late
    first, second, third, fourth = state.waves[0], state.waves[1], state.waves[2], state.waves[3]
    for s in range(np.uint64(length)):
        row = s * _LANES
        for j in range(_LANES):
            i, hiss = row + j, noise[row + j]
            one = first[i] + quick[NOISE1 + j] * hiss
            two = second[i] + quick[NOISE2 + j] * hiss
            copies = third[i] + fourth[i] + _TWO * quick[NOISE1 + j] * hiss
            mixed = quick[LEVEL1 + j] * one + quick[LEVEL2 + j] * two
            mixed += quick[RING + j] * one * two + quick[LEVEL_UNISON + j] * copies
            last = quick[MIX_LAST + j]
            sound[i] = (
                _INNER * last - _OUTER * (mixed + quick[MIX_BEFORE + j]) + quick[NOISE + j] * hiss
            )
            quick[MIX_BEFORE + j] = last
            quick[MIX_LAST + j] = mixed
    _add_sub(quick, whole, sound, length)


@part(**_QUICK)
def _add_sub(quick, whole, sound, length):
    """A sine an octave below; the step has gone on already."""
    for s in range(np.uint64(length)):
        row, left = s * _LANES, np.int32(length - np.int64(s))
        for j in range(_LANES):
            step = np.int32(whole[STEP + j] - np.int32(whole[STEP_MOVES + j] * left))
            phase = np.int32(whole[SUB_PHASE + j] + (step >> 1))
            whole[SUB_PHASE + j] = phase
            sound[row + j] += quick[SUB + j] * sine_of(phase)


@part(**_QUICK)
def _drive(quick, sound, gain, last, root, length):
    mix, make_up = gain + _ROW[1], gain + _ROW[2]
    if not used(quick, mix):
        # what it remembers is what it would have seen: rows of gains are 1 here
        _see(quick, sound, last, root, length)
        return
    for s in range(np.uint64(length)):
        row = s * _LANES
        for j in range(_LANES):
            plain = sound[row + j]
            x = plain * quick[gain + j]
            r = np.sqrt(_ONE + x * x)
            bent = (x + quick[last + j]) / (r + quick[root + j])
            quick[last + j] = x
            quick[root + j] = r
            sound[row + j] = plain + quick[mix + j] * (quick[make_up + j] * bent - plain)


@part(**_QUICK)
def _see(quick, sound, last, root, length):
    row = np.uint64((length - 1) * LANES)
    for j in range(_LANES):
        x = sound[row + j]
        quick[last + j] = x
        quick[root + j] = np.sqrt(_ONE + x * x)


@part(**_QUICK)
def _filter(quick, sound, length):
    for s in range(np.uint64(length)):
        row = s * _LANES
        for j in range(_LANES):
            x, g, k = sound[row + j], quick[CUTOFF + j], quick[DAMPING + j]
            a, b, c, d = (
                quick[STATE_A + j], quick[STATE_B + j], quick[STATE_C + j], quick[STATE_D + j],
            )  # fmt: skip
            band = (a + g * (x - b)) / (_ONE + g * (g + k))
            low = b + g * band
            high = x - k * band - low
            band_24 = (c + g * (low - d)) / (_ONE + g * (g + _SECOND))
            low_24 = d + g * band_24
            quick[STATE_A + j] = _TWO * band - a
            quick[STATE_B + j] = _TWO * low - b
            quick[STATE_C + j] = _TWO * band_24 - c
            quick[STATE_D + j] = _TWO * low_24 - d
            quick[CUTOFF + j] = g + quick[CUTOFF_MOVES + j]
            sound[row + j] = (
                quick[LOW + j] * low + quick[BAND + j] * band
                + quick[HIGH + j] * high + quick[LOW_24 + j] * low_24
            )  # fmt: skip


@part(**_QUICK)
def _amplify(quick, sound, share, lanes, length):
    # told how many lanes there are, the compiler writes them out one by one
    for s in range(np.uint64(length)):
        row = s * _LANES
        for j in range(np.uint64(lanes)):
            mean = quick[MEAN + j] + share * (sound[row + j] - quick[MEAN + j])
            sound[row + j] = (sound[row + j] - mean) * quick[AMP + j]
            quick[MEAN + j] = mean
            quick[AMP + j] += quick[AMP_MOVES + j]


@part(**_QUICK)
def _bound(quick, sound, back, length):
    for s in range(np.uint64(length)):
        row = s * _LANES
        for j in range(_LANES):
            wet, fade = quick[WET + j], quick[FADE + j]
            x = quick[DRY + j] * sound[row + j] + wet * back[row + j]
            size = abs(x)
            over = max(size - _KNEE, _ZERO)
            bent = min(size, _KNEE) + over / (_ONE + over * _ABOVE)
            sound[row + j] = (bent if x >= 0 else -bent) * fade
            quick[WET + j] = wet + quick[WET_MOVES + j]
            quick[FADE + j] = max(fade - quick[FADE_MOVES + j], _ZERO)


@part
def _room(state, group, length):
    """What comes back, where the first wave was."""
    quick, whole = state.quick[group], state.whole[group]
    delay, places, late = state.delay[group], state.places[group], state.late
    begin = 0
    for line in range(len(state.delays)):
        _read(delay, late, whole, begin, places[line], state.delays[line], line, length)
        begin += state.delays[line]
    _turn(quick, late, state.sound, state.waves[0], length)
    begin = 0
    for line in range(len(state.delays)):
        _write(delay, late, begin, places[line], state.delays[line], line, length)
        places[line] = (places[line] + length) % state.delays[line]
        begin += state.delays[line]
    for j in range(_LANES):
        whole[AGE + j] = min(whole[AGE + j] + length, 1 << 30)


@part
def _leave_room(whole, back, length):
    """Nobody is in: what rings there is not heard by who comes."""
    for i in range(np.uint64(length * LANES)):
        back[i] = 0
    for j in range(_LANES):
        whole[AGE + j] = 0


@part
def _read(delay, late, whole, begin, place, size, line, length):
    """What a delay gives back; before a note began there was nothing."""
    # up to the end of the delay, and from its beginning on
    some = min(length, size - place)
    first = line * PIECE
    _copy(delay, begin + place, late, first, some)
    _copy(delay, begin, late, first + some, length - some)
    youngest = whole[AGE]
    for j in range(_LANES):
        youngest = min(youngest, whole[AGE + j])
    if youngest < size:
        for s in range(length):
            here, missing = np.uint64((first + s) * LANES), np.int32(size - s)
            for j in range(_LANES):
                late[here + j] = late[here + j] if whole[AGE + j] >= missing else _ZERO


@part
def _write(delay, late, begin, place, size, line, length):
    some = min(length, size - place)
    first = line * PIECE
    _copy(late, first, delay, begin + place, some)
    _copy(late, first + some, delay, begin, length - some)


@part
def _copy(source, first, to, to_first, rows):
    begin, to_begin = np.uint64(first * LANES), np.uint64(to_first * LANES)
    for i in range(np.uint64(rows * LANES)):
        to[to_begin + i] = source[begin + i]


@part(**_QUICK)
def _turn(quick, late, sound, back, length):
    """What comes out of the delays becomes what goes in; what is heard goes to `back`."""
    for s in range(np.uint64(length)):
        row = s * _LANES
        for j in range(_LANES):
            i = row + j
            gone, gone_too = late[_DESK[0] + i], late[_DESK[1] + i]
            fed = sound[i] + _TINY + _SPREAD * gone
            passed = gone - _SPREAD * fed
            fed_too = passed + _SPREAD * gone_too
            passed = gone_too - _SPREAD * fed_too
            late[_DESK[0] + i], late[_DESK[1] + i] = fed, fed_too
            a, b, c, d = (
                late[_DESK[2] + i],
                late[_DESK[3] + i],
                late[_DESK[4] + i],
                late[_DESK[5] + i],
            )
            back[i] = _HALF * (a - b + c - d)
            share = quick[ABSORB + j]
            a = quick[ABSORBED + j] + share * (a - quick[ABSORBED + j])
            b = quick[_DULL_B + j] + share * (b - quick[_DULL_B + j])
            c = quick[_DULL_C + j] + share * (c - quick[_DULL_C + j])
            d = quick[_DULL_D + j] + share * (d - quick[_DULL_D + j])
            quick[ABSORBED + j], quick[_DULL_B + j] = a, b
            quick[_DULL_C + j], quick[_DULL_D + j] = c, d
            a, b = a * quick[FEEDBACK[0] + j], b * quick[FEEDBACK[1] + j]
            c, d = c * quick[FEEDBACK[2] + j], d * quick[FEEDBACK[3] + j]
            left, right, over, under = a + b, a - b, c + d, c - d
            late[_DESK[2] + i] = passed + _HALF * (left + over)
            late[_DESK[3] + i] = passed + _HALF * (right + under)
            late[_DESK[4] + i] = passed + _HALF * (left - over)
            late[_DESK[5] + i] = passed + _HALF * (right - under)
