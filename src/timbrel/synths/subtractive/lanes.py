"""Notes in lanes, compiled: what `plain` defines, from tick to tick."""

from __future__ import annotations

import numpy as np

from timbrel.dsp.compiling import kernel, part
from timbrel.synths.subtractive.chain import shape
from timbrel.synths.subtractive.curves import TICK
from timbrel.synths.subtractive.oscillators import oscillate
from timbrel.synths.subtractive.state import (
    FADE,
    IS_FRESH,
    LANES,
    LEFT,
    NUMBER,
    OFF_S,
    PASSED,
    PHASE,
    POST_ROOT,
    PRE_ROOT,
    TIME_S,
    WEIGHTS,
    at,
)
from timbrel.synths.subtractive.ticks import tick
from timbrel.synths.subtractive.waves import STARTS

RELEASE, TAIL = at("amp_release", "tail")
_LANES = np.uint64(LANES)
_STARTS = tuple(int(start * 2**32) - (2**32 if start >= 0.5 else 0) for start in map(float, STARTS))


@kernel
def begin(state, group, lane, number):
    """Has a note begin in a lane, whose voicing and `slow` rows are written."""
    quick, whole = state.quick[group], state.whole[group]
    for row in range(len(quick) // LANES):
        if row * LANES < WEIGHTS:
            quick[row * LANES + lane] = 0
    for row in range(len(whole) // LANES):
        whole[row * LANES + lane] = 0
    for o in range(4):
        whole[PHASE + np.uint64(o * LANES + lane)] = _STARTS[o]
        for s in range(state.ahead.shape[2] // LANES):
            state.ahead[group, o, s * LANES + lane] = 0
    quick[FADE + np.uint64(lane)] = 1
    quick[PRE_ROOT + np.uint64(lane)] = quick[POST_ROOT + np.uint64(lane)] = 1
    whole[NUMBER + np.uint64(lane)] = np.int32(number)
    ticks = state.ticks[group]
    ticks[PASSED, lane] = ticks[LEFT, lane] = 0
    ticks[IS_FRESH, lane] = 1


@kernel
def play(state, group, rows, out, length):
    """Writes the next samples of lanes, each to its row of `out`; to none where that is below 0."""
    done = 0
    while done < length:
        step = _until(state, group, length - done)
        if step == 0:
            tick(state, group)
            continue
        oscillate(state, group, step)
        shape(state, group, step)
        for lane in range(LANES):
            state.ticks[group, LEFT, lane] -= step
            if rows[lane] >= 0:
                _write(state.sound, lane, out[rows[lane]], done, step)
        done += step


@kernel
def add(state, group, out):
    """Adds the next samples of all lanes of a group."""
    done, length = 0, len(out)
    while done < length:
        step = _until(state, group, length - done)
        if step == 0:
            tick(state, group)
            continue
        oscillate(state, group, step)
        shape(state, group, step)
        for lane in range(LANES):
            state.ticks[group, LEFT, lane] -= step
        for s in range(step):
            total = np.float32(0)
            for lane in range(LANES):
                total += state.sound[s * LANES + lane]
            out[done + s] += total
        done += step


@kernel
def find_over(state, over):
    """Writes which lanes are silent from now on: faded ones, and those at their end."""
    for lane in range(len(over)):
        group, place = lane // LANES, np.uint64(lane % LANES)
        slow, voicing = state.slow[group], state.voicing[group]
        end_s = slow[OFF_S + place] + voicing[RELEASE + place] + voicing[TAIL + place]
        is_past = slow[TIME_S + place] > end_s + TICK / state.rate
        over[lane] = is_past or state.quick[group, FADE + place] <= 0


@part
def _write(sound, lane, out, done, length):
    first, place = np.uint64(done), np.uint64(lane)
    for s in range(np.uint64(length)):
        out[first + s] = sound[s * _LANES + place]


@part
def _until(state, group, most):
    """Samples to the next tick of any lane."""
    for lane in range(LANES):
        most = min(most, state.ticks[group, LEFT, lane])
    return most
