"""Notes in lanes, compiled: what `plain` defines, from tick to tick."""

from __future__ import annotations

import numpy as np

from timbrel.dsp.compiling import kernel, part
from timbrel.synths.subtractive.chain import shape
from timbrel.synths.subtractive.edges import oscillate
from timbrel.synths.subtractive.state import (
    FADE,
    IS_FRESH,
    LANES,
    LEFT,
    NUMBER,
    PASSED,
    PHASE,
    POST_ROOT,
    PRE_ROOT,
    WEIGHTS,
)
from timbrel.synths.subtractive.ticks import tick
from timbrel.synths.subtractive.waves import STARTS

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
def play(state, group, out, length):
    """Writes the next samples of a group's lanes: rows of `LANES`."""
    done = 0
    while done < length:
        step = _until(state, group, length - done)
        if step == 0:
            tick(state, group)
            continue
        oscillate(state, group, step)
        shape(state, group, step)
        first = np.uint64(done * LANES)
        for i in range(np.uint64(step * LANES)):
            out[first + i] = state.sound[i]
        for lane in range(LANES):
            state.ticks[group, LEFT, lane] -= step
        done += step


@part
def _until(state, group, most):
    """Samples to the next tick of any lane."""
    for lane in range(LANES):
        most = min(most, state.ticks[group, LEFT, lane])
    return most


@kernel
def turned(rows, out):
    """Lanes of samples as rows of samples."""
    for lane in range(out.shape[0]):
        for n in range(out.shape[1]):
            out[lane, n] = rows[n * LANES + lane]
