"""Where waves jump, compiled: few samples, looked for one by one, and resets of slaves."""

from __future__ import annotations

import numpy as np

from timbrel.dsp.compiling import part
from timbrel.synths.subtractive.state import (
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
_ROWS = np.uint64(2 * LANES), np.uint64(3 * LANES)
_SINGLE = np.float32
_HALF, _QUARTER = 2**31, 2**30
_TURN = np.float32(2.0**-32)
_CIRCLE = np.float32(2 * np.pi)
_ONE, _TWO, _FOUR = np.float32(1), np.float32(2), np.float32(4)
_QUARTER_TURN = np.float32(0.25)
_SINE = tuple(
    np.float32(c) for c in (6.28318516, -41.34165504, 81.60100406, -76.54978187, 39.53670271)
)
SAWS, PULSES, TRIANGLES, SINES, NOISES = (
    at(f"{wave}1", f"{wave}2", f"{wave}1", f"{wave}1")
    for wave in ("saw", "pulse", "triangle", "sine", "noise")
)
(SYNC,) = at("sync")
WRAPPED, FELL, CORNERED = np.int32(1), np.int32(2), np.int32(4)


@part
def edges(wave, quick, whole, o, lane, length):
    """All edges of a lane in this piece."""
    place = np.uint64(lane)
    if whole[FLAGS + place] & _heard(quick, o, place):
        phase = np.int64(whole[PHASE + np.uint64(o * LANES) + place])
        _span(wave, quick, whole, o, lane, 0, length, phase)


@part
def _heard(quick, o, place):
    """Which jumps are heard of a wave."""
    pulse = quick[WEIGHTS + PULSES[o] + place] != 0
    heard = WRAPPED if pulse or quick[WEIGHTS + SAWS[o] + place] != 0 else np.int32(0)
    heard |= FELL if pulse else np.int32(0)
    return heard | (CORNERED if quick[WEIGHTS + TRIANGLES[o] + place] != 0 else np.int32(0))


@part
def _step_at(whole, o, lane, s):
    place = np.uint64(o * LANES + lane)
    return np.int64(whole[STEP + place]) + np.int64(whole[STEP_MOVES + place]) * s


@part
def _width_at(whole, o, lane, s):
    """At a sample of the piece, or at the one before it."""
    place = np.uint64((o == 1) * LANES + lane)
    if s < 0:
        return np.int64(whole[WIDTH_LAST + place])
    moved = np.int64(whole[WIDTH_MOVES + place]) * s
    return np.int64(np.int32(np.int64(whole[WIDTH + place]) + moved))


@part
def _span(wave, quick, whole, o, lane, first, stop, phase):
    """Edges of some samples of a piece, from the phase before them on."""
    j = np.uint64(lane)
    saw, pulse = quick[WEIGHTS + SAWS[o] + j], quick[WEIGHTS + PULSES[o] + j]
    triangle = quick[WEIGHTS + TRIANGLES[o] + j]
    step = _step_at(whole, o, lane, first)
    moves = np.int64(whole[STEP_MOVES + np.uint64(o * LANES) + j])
    if saw != 0 or pulse != 0:
        height = _TWO * (pulse - saw)
        _look(wave, lane, first, stop, phase, step, moves, height, _SINGLE(0))
    if pulse != 0:
        width, before = _width_at(whole, o, lane, first), _width_at(whole, o, lane, first - 1)
        if width == before and whole[WIDTH_MOVES + np.uint64((o == 1) * LANES) + j] == 0:
            begin = np.int64(np.int32(phase - width))
            _look(wave, lane, first, stop, begin, step, moves, -_TWO * pulse, _SINGLE(0))
        else:
            _look_for_width(wave, whole, o, lane, first, stop, phase, pulse)
    if triangle != 0:
        bend = _SINGLE(8) * triangle * _TURN
        begin = np.int64(np.int32(phase + _QUARTER))
        _look(wave, lane, first, stop, begin, step, moves, _SINGLE(0), -bend)
        begin = np.int64(np.int32(phase - _QUARTER))
        _look(wave, lane, first, stop, begin, step, moves, _SINGLE(0), bend)


@part(error_model="numpy")
def _wrap_from(s, stop, phase, step, moves):
    """The sample at which a phase wraps next, and what it is there; or `stop`."""
    # so many samples it takes at least
    fastest = max(step, step + moves * (stop - s))
    whole_steps = np.int64(_SINGLE(_HALF - phase) / _SINGLE(fastest)) - 1
    skip = min(max(whole_steps, 0), stop - s)
    phase += skip * step + moves * (skip * (skip - 1) // 2)
    step += skip * moves
    s += skip
    while s < stop:
        phase += step
        if phase >= _HALF:
            return s, phase
        step += moves
        s += 1
    return s, phase


@part(error_model="numpy")
def _look(wave, lane, s, stop, phase, step, moves, height, slope):
    """Every wrap of a phase is an edge; its slope is for a step of 1."""
    first, begin_step = s, step
    while s < stop:
        s, phase = _wrap_from(s, stop, phase, step, moves)
        if s >= stop:
            return
        step = begin_step + moves * (s - first)
        ago = min(_SINGLE(phase - _HALF) / _SINGLE(step), _ONE)
        _add_edge(wave, s * LANES + lane, ago, height, slope * _SINGLE(step))
        phase -= 2 * _HALF
        step += moves
        s += 1


@part
def _look_for_width(wave, whole, o, lane, first, stop, phase, pulse):
    """The same of a pulse's other edge, while its width moves.

    How far the phase is from it moves as a phase does, from the piece's second sample on, unless
    the width is the quicker of the two: then every sample is looked at.
    """
    place = np.uint64(o * LANES + lane)
    widens = np.int64(whole[WIDTH_MOVES + np.uint64((o == 1) * LANES + lane)])
    moves = np.int64(whole[STEP_MOVES + place])
    before = _width_at(whole, o, lane, first - 1)
    for s in range(first, stop):
        step, width = _step_at(whole, o, lane, s), _width_at(whole, o, lane, s)
        if s > 0 and min(step, step + moves * (stop - s)) > widens:
            begin = np.int64(np.int32(phase - before))
            _look(wave, lane, s, stop, begin, step - widens, moves, -_TWO * pulse, _SINGLE(0))
            return
        grown = np.int64(np.int32(width - before))
        ago = _crossing(np.int64(np.int32(phase - before)), step - grown, step - grown)
        if ago >= 0:
            height = -_TWO * pulse if step > grown else _TWO * pulse
            _add_edge(wave, s * LANES + lane, ago, height, _SINGLE(0))
        phase, before = np.int64(np.int32(phase + step)), width


@part
def _between(wave, quick, o, lane, s, begin, moved, width, width_end, step, end_ago):
    """Edges while a phase goes on by `moved`."""
    j = np.uint64(lane)
    saw, pulse = quick[WEIGHTS + SAWS[o] + j], quick[WEIGHTS + PULSES[o] + j]
    triangle = quick[WEIGHTS + TRIANGLES[o] + j]
    row = s * LANES + lane
    if saw != 0 or pulse != 0:
        ago = _crossing(begin, moved, step)
        if ago >= 0:
            _add_edge(wave, row, ago + end_ago, _TWO * (pulse - saw), _SINGLE(0))
    if pulse != 0:
        grown = np.int64(np.int32(np.int64(width_end) - width))
        relative = moved - grown
        ago = _crossing(np.int64(np.int32(begin - width)), relative, step - grown)
        if ago >= 0:
            height = -_TWO * pulse if relative > 0 else _TWO * pulse
            _add_edge(wave, row, ago + end_ago, height, _SINGLE(0))
    if triangle != 0:
        bend = _SINGLE(8) * triangle * (_SINGLE(step) * _TURN)
        ago = _crossing(np.int64(np.int32(begin + _QUARTER)), moved, step)
        if ago >= 0:
            _add_edge(wave, row, ago + end_ago, _SINGLE(0), -bend)
        ago = _crossing(np.int64(np.int32(begin - _QUARTER)), moved, step)
        if ago >= 0:
            _add_edge(wave, row, ago + end_ago, _SINGLE(0), bend)


@part(error_model="numpy")
def _crossing(begin, moved, step):
    """How many samples ago a phase wrapped, -1 if it did not."""
    end = begin + moved
    if -_HALF <= end < _HALF:
        return _SINGLE(-1)
    beyond = end - _HALF if end >= _HALF else end + _HALF + 1
    ago = np.float64(beyond) / np.float64(step if step != 0 else 1)
    return _SINGLE(min(max(ago, 0.0), 1.0))


@part(**_QUICK)
def _add_edge(wave, row, ago, height, slope):
    """Four samples, from two before the edge on."""
    a, b, one = ago, _ONE - ago, np.uint64(row)
    two, three, four = one + _LANES, one + _ROWS[0], one + _ROWS[1]
    if height != 0:
        wave[one] += height * (a * a * a * a * _SINGLE(1 / 24))
        wave[two] += height * _rising(a)
        wave[three] -= height * _rising(b)
        wave[four] -= height * (b * b * b * b * _SINGLE(1 / 24))
    if slope != 0:
        wave[one] += slope * (a * a * a * a * a * _SINGLE(1 / 120))
        wave[two] += slope * _bending(a)
        wave[three] += slope * _bending(b)
        wave[four] += slope * (b * b * b * b * b * _SINGLE(1 / 120))


@part(**_QUICK)
def _rising(u):
    return _SINGLE(1 / 24) + u * (
        _SINGLE(1 / 6) + u * (_SINGLE(1 / 4) + u * (_SINGLE(1 / 6) - u * _SINGLE(1 / 8)))
    )


@part(**_QUICK)
def _bending(u):
    return _SINGLE(1 / 120) + u * (
        _SINGLE(1 / 24) + u * (_SINGLE(1 / 12) + u * (
            _SINGLE(1 / 12) + u * (_SINGLE(1 / 24) - u * _SINGLE(1 / 40))))
    )  # fmt: skip


@part
def follow_master(state, quick, whole, length):
    """Edges of the second oscillator; it begins anew where the first one wraps, if it is synced."""
    offsets, wave = state.offsets[1], state.waves[1]
    for i in range(np.uint64(length * LANES)):
        offsets[i] = 0
    for lane in range(LANES):
        if quick[WEIGHTS + SYNC + np.uint64(lane)] <= 0.5:
            edges(wave, quick, whole, 1, lane, length)
            continue
        s, phase = 0, np.int64(whole[PHASE + np.uint64(LANES + lane)])
        master = np.int64(whole[PHASE + np.uint64(lane)])
        moves = np.int64(whole[STEP_MOVES + np.uint64(lane)])
        while s < length:
            r, master = _wrap_from(s, length, master, _step_at(whole, 0, lane, s), moves)
            phase = _slave(wave, quick, whole, lane, s, r, phase)
            if r < length:
                ago = np.float64(master - _HALF) / _step_at(whole, 0, lane, r)
                phase = _reset(wave, quick, whole, lane, r, phase, ago)
                _offset(offsets, whole, lane, r, length, phase)
                master -= 2 * _HALF
            s = r + 1


@part
def _slave(wave, quick, whole, lane, first, stop, phase):
    """Edges between two resets; the phase at the end."""
    _span(wave, quick, whole, 1, lane, first, stop, phase)
    count = stop - first
    moves = np.int64(whole[STEP_MOVES + np.uint64(LANES + lane)])
    gone = _step_at(whole, 1, lane, first) * count + moves * (count * (count - 1) // 2)
    return np.int64(np.int32(phase + gone))


@part
def _reset(wave, quick, whole, lane, s, phase, ago):
    """Edges of the sample in which a master wrapped; the phase at its end."""
    step, late = _step_at(whole, 1, lane, s), _SINGLE(ago)
    width, before = _width_at(whole, 1, lane, s), _width_at(whole, 1, lane, s - 1)
    fresh = np.int64(np.floor(ago * step))
    _between(wave, quick, 1, lane, s, phase, step - fresh, before, width, step, late)
    reached = np.int64(np.int32(phase + step - fresh))
    _add_jump(wave, quick, lane, s, reached, width, step, late)
    _between(wave, quick, 1, lane, s, np.int64(0), fresh, width, width, step, _SINGLE(0))
    return fresh


@part
def _offset(offsets, whole, lane, s, length, phase):
    """How far the slave is from where it would have been, from a reset on."""
    place = np.uint64(LANES + lane)
    would = np.int64(whole[PHASE + place]) + np.int64(whole[STEP + place]) * (s + 1)
    would += np.int64(whole[STEP_MOVES + place]) * (s * (s + 1) // 2)
    for i in range(s, length):
        offsets[i * LANES + lane] = np.int32(phase - would)


@part
def _add_jump(wave, quick, lane, s, reached, width, step, ago):
    """From wherever the wave is to where it starts."""
    j = np.uint64(lane)
    saw, pulse = quick[WEIGHTS + SAWS[1] + j], quick[WEIGHTS + PULSES[1] + j]
    triangle, sine = quick[WEIGHTS + TRIANGLES[1] + j], quick[WEIGHTS + SINES[1] + j]
    start = plain(np.int32(0), np.int32(-np.int64(width)), saw, pulse, triangle, sine)
    end = plain(np.int32(reached), np.int32(reached - width), saw, pulse, triangle, sine)
    up = _FOUR if np.int32(reached - _QUARTER) < 0 else -_FOUR
    steeper = triangle * (_FOUR - up)
    steeper += sine * _CIRCLE * (_ONE - sine_of(np.int32(reached + _QUARTER)))
    _add_edge(wave, s * LANES + lane, ago, start - end, steeper * (_SINGLE(step) * _TURN))


@part(**_QUICK)
def plain(phase, to_width, saw, pulse, triangle, sine):
    """A wave without regard to the sample rate."""
    p, q = _SINGLE(phase) * _TURN, _SINGLE(to_width) * _TURN
    t = abs(_SINGLE(np.int32(phase - _QUARTER)) * _TURN)
    flat = saw * _TWO * p + pulse * _TWO * (q - p)
    return flat + triangle * (_ONE - _FOUR * t) + sine * _arch(t)


@part(**_QUICK)
def sine_of(phase):
    """Sin 2 pi p."""
    return _arch(abs(_SINGLE(np.int32(phase - _QUARTER)) * _TURN))


@part(**_QUICK)
def _arch(t):
    """Cos 2 pi t, for t in 0..1/2."""
    q = _QUARTER_TURN - t
    s = q * q
    return q * (_SINE[0] + s * (_SINE[1] + s * (_SINE[2] + s * (_SINE[3] + s * _SINE[4]))))
