"""`waves`, compiled: oscillators of all lanes, and their edges, which are few, one by one.

From one tick to the next a phase is a parabola and a width a line, in whole numbers: a piece of a
wave is a closed form, made in rows. Where anything jumps in a piece is known from where its phase
ends; there, and only there, edges are looked for. A reset moves what is left of a piece.
"""

from __future__ import annotations

import numpy as np

from timbrel.dsp.compiling import part
from timbrel.synths.subtractive.edges import (
    CORNERED,
    FELL,
    PULSES,
    SAWS,
    SINES,
    TRIANGLES,
    WRAPPED,
    edges,
    follow_master,
    plain,
)
from timbrel.synths.subtractive.state import (
    BEYOND,
    FLAGS,
    LANES,
    PHASE,
    STEP,
    STEP_MOVES,
    WEIGHTS,
    WIDTH,
    WIDTH_LAST,
    WIDTH_MOVES,
    at,
)

_QUICK = {"fastmath": {"contract"}, "error_model": "numpy"}
_LANES = np.uint64(LANES)
_SINGLE = np.float32
_HALF, _QUARTER = 2**31, 2**30
_TURN = np.float32(2.0**-32)
_TWO = np.float32(2)
(UNISON,) = at("level_unison")


@part
def oscillate(state, group, length):
    """Writes the waves of a piece, two samples late: the first `length` rows of each."""
    whole, quick, ahead = state.whole[group], state.quick[group], state.ahead[group]
    spread = used(quick, WEIGHTS + UNISON)
    for o in range(4 if spread else 2):
        _carry(state.waves[o], ahead[o], length)
        _flag(whole, o, length)
        if o == 1:
            follow_master(state, quick, whole, length)
        else:
            for lane in range(LANES):
                edges(state.waves[o], quick, whole, o, lane, length)
        _plain(state.waves[o], quick, whole, state.offsets[int(o == 1)], o, length)
        _keep(state.waves[o], ahead[o], length)
    if not spread:
        for i in range(np.uint64(length * LANES)):
            state.waves[2, i] = state.waves[3, i] = 0
    for o in range(4):
        _move_phase(whole, state.offsets[int(o == 1)], o, length)
    for o in range(2):
        _move_width(whole, o, length)


@part
def used(rows, first):
    """Whether a row of weights has anything in any lane."""
    most = _SINGLE(0)
    for j in range(_LANES):
        most = max(most, rows[first + j])
    return most > 0


@part
def _carry(wave, ahead, length):
    """What edges have added to this piece's first samples; the others begin at 0."""
    some = np.uint64(BEYOND * LANES)
    for i in range(some):
        wave[i] = ahead[i]
    for i in range(np.uint64(length * LANES)):
        wave[some + i] = 0


@part
def _keep(wave, ahead, length):
    first = np.uint64(length * LANES)
    for i in range(np.uint64(BEYOND * LANES)):
        ahead[i] = wave[first + i]


@part
def _move_phase(whole, offsets, o, length):
    """On to the end of the piece."""
    row, last = np.uint64(o * LANES), np.uint64((length - 1) * LANES)
    count, sum_ = np.int32(length), np.int32(length * (length - 1) // 2)
    for j in range(_LANES):
        step, moves = whole[STEP + row + j], whole[STEP_MOVES + row + j]
        gone = np.int32(np.int32(step * count) + np.int32(moves * sum_))
        whole[PHASE + row + j] = np.int32(
            np.int32(whole[PHASE + row + j] + gone) + offsets[last + j]
        )
        whole[STEP + row + j] = np.int32(step + np.int32(moves * count))


@part
def _move_width(whole, o, length):
    row, count = np.uint64(o * LANES), np.int32(length)
    for j in range(_LANES):
        moves = whole[WIDTH_MOVES + row + j]
        width = np.int32(whole[WIDTH + row + j] + np.int32(moves * count))
        whole[WIDTH + row + j] = width
        whole[WIDTH_LAST + row + j] = np.int32(width - moves)


@part
def _flag(whole, o, length):
    """What jumps in the piece, or may: told by where phases and widths end."""
    row, wide = np.uint64(o * LANES), np.uint64((o == 1) * LANES)
    for j in range(_LANES):
        phase, step = np.int64(whole[PHASE + row + j]), np.int64(whole[STEP + row + j])
        moves = np.int64(whole[STEP_MOVES + row + j])
        gone = step * length + moves * (length * (length - 1) // 2)
        flags = WRAPPED if phase + gone >= _HALF else np.int32(0)
        width, last = whole[WIDTH + wide + j], whole[WIDTH_LAST + wide + j]
        widens, first = np.int64(whole[WIDTH_MOVES + wide + j]), np.int64(np.int32(width - last))
        relative = np.int64(np.int32(phase - last)) + gone - first - widens * (length - 1)
        slowest = min(step, step + moves * (length - 1)) - max(widens, first)
        fell = (relative >= _HALF) | (slowest <= 0)
        flags = np.int32(flags | FELL) if fell else flags
        top = np.int64(np.int32(phase + _QUARTER)) + gone >= _HALF
        bottom = np.int64(np.int32(phase - _QUARTER)) + gone >= _HALF
        whole[FLAGS + j] = np.int32(flags | CORNERED) if top | bottom else flags


@part(**_QUICK)
def _plain(wave, quick, whole, offsets, o, length):
    """Adds the plain wave, two samples late."""
    if used(quick, WEIGHTS + TRIANGLES[o]) or used(quick, WEIGHTS + SINES[o]):
        _plain_all(wave, quick, whole, offsets, o, length)
    else:
        _plain_straight(wave, quick, whole, offsets, o, length)


@part(**_QUICK)
def _plain_all(wave, quick, whole, offsets, o, length):
    """Of any kind."""
    row, wide = np.uint64(o * LANES), np.uint64((o == 1) * LANES)
    saws, pulses = WEIGHTS + SAWS[o], WEIGHTS + PULSES[o]
    triangles, sines = WEIGHTS + TRIANGLES[o], WEIGHTS + SINES[o]
    for s in range(np.uint64(length)):
        here, later = s * _LANES, (s + np.uint64(2)) * _LANES
        n = np.int32(s)
        count, sum_ = np.int32(n + 1), np.int32(n * (n + 1) // 2)
        for j in range(_LANES):
            gone = np.int32(whole[STEP + row + j] * count)
            gone = np.int32(gone + np.int32(whole[STEP_MOVES + row + j] * sum_))
            phase = np.int32(np.int32(whole[PHASE + row + j] + gone) + offsets[here + j])
            widened = np.int32(whole[WIDTH_MOVES + wide + j] * n)
            to_width = np.int32(phase - np.int32(whole[WIDTH + wide + j] + widened))
            wave[later + j] += plain(
                phase, to_width, quick[saws + j], quick[pulses + j], quick[triangles + j],
                quick[sines + j],
            )  # fmt: skip


@part(**_QUICK)
def _plain_straight(wave, quick, whole, offsets, o, length):
    """Saws and pulses alone."""
    row, wide = np.uint64(o * LANES), np.uint64((o == 1) * LANES)
    saws, pulses = WEIGHTS + SAWS[o], WEIGHTS + PULSES[o]
    for s in range(np.uint64(length)):
        here, later = s * _LANES, (s + np.uint64(2)) * _LANES
        n = np.int32(s)
        count, sum_ = np.int32(n + 1), np.int32(n * (n + 1) // 2)
        for j in range(_LANES):
            gone = np.int32(whole[STEP + row + j] * count)
            gone = np.int32(gone + np.int32(whole[STEP_MOVES + row + j] * sum_))
            phase = np.int32(np.int32(whole[PHASE + row + j] + gone) + offsets[here + j])
            widened = np.int32(whole[WIDTH_MOVES + wide + j] * n)
            to_width = np.int32(phase - np.int32(whole[WIDTH + wide + j] + widened))
            p, q = _SINGLE(phase) * _TURN, _SINGLE(to_width) * _TURN
            wave[later + j] += quick[saws + j] * _TWO * p + quick[pulses + j] * _TWO * (q - p)
