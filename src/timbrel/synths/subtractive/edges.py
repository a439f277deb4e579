"""`waves`, compiled: oscillators of all lanes, and their edges, which are few, one by one.

Phases and plain waves are made in rows; a row also tells in which lanes anything has jumped. There,
and only there, the samples are gone through for the edges.
"""

from __future__ import annotations

import numpy as np

from timbrel.dsp.compiling import part
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
_OSCILLATORS = np.uint64(4)
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
(UNISON,) = at("level_unison")
WRAPPED, FELL, CORNERED = 1, 2, 4


@part
def oscillate(state, group, length):
    """Writes the waves of a piece, two samples late: the first `length` rows of each."""
    whole, quick, ahead = state.whole[group], state.quick[group], state.ahead[group]
    spread = used(quick, WEIGHTS + UNISON)
    for o in range(2):
        _widths(whole, state.phases[4 + o], o, length)
    for o in range(4 if spread else 2):
        _carry(state.waves[o], ahead[o], length)
        _phases(whole, state.phases[o], state.phases[4 + (o == 1)], state.marks, o, length)
        if o == 1:
            _sync(state, group, length)
        _edges(state, group, o, length)
    for o in range(4 if spread else 2):
        _plain(state, quick, o, length)
        _keep(state.waves[o], ahead[o], length)
    for o in range(2):
        _move_on(whole, state.phases[4 + o], o, length)
    if not spread:
        # what is silent runs on
        for o in range(2, 4):
            _phases(whole, state.phases[o], state.phases[4], state.marks, o, length)
            state.waves[o, : length * LANES] = 0


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
def _widths(whole, widths, o, length):
    """The width at the sample before, then those of the piece."""
    row = np.uint64(o * LANES)
    for j in range(_LANES):
        widths[j] = whole[WIDTH_LAST + row + j]
    for s in range(np.uint64(length)):
        here = (s + np.uint64(1)) * _LANES
        for j in range(_LANES):
            width = whole[WIDTH + row + j]
            widths[here + j] = width
            whole[WIDTH + row + j] = np.int32(width + whole[WIDTH_MOVES + row + j])


@part
def _move_on(whole, widths, o, length):
    row, last = np.uint64(o * LANES), np.uint64(length * LANES)
    for j in range(_LANES):
        whole[WIDTH_LAST + row + j] = widths[last + j]


@part
def _phases(whole, phases, widths, marks, o, length):
    """The phase at the sample before, then those of the piece; and what jumps between them."""
    row = np.uint64(o * LANES)
    for j in range(_LANES):
        phases[j] = whole[PHASE + row + j]
        whole[FLAGS + j] = 0
    for s in range(np.uint64(length)):
        here, after = s * _LANES, (s + np.uint64(1)) * _LANES
        for j in range(_LANES):
            step = whole[STEP + row + j]
            phases[after + j] = np.int32(phases[here + j] + step)
            whole[STEP + row + j] = np.int32(step + whole[STEP_MOVES + row + j])
    last = np.uint64(length * LANES)
    for j in range(_LANES):
        whole[PHASE + row + j] = phases[last + j]
    _mark(whole, phases, widths, marks, length)


@part
def _mark(whole, phases, widths, marks, length):
    """What jumps from each sample to the next, and what jumps at all."""
    for i in range(np.uint64(length * LANES)):
        p, p_end = phases[i], phases[i + _LANES]
        q, q_end = np.int32(p - widths[i]), np.int32(p_end - widths[i + _LANES])
        goes_back = np.int32(q_end - q) < 0
        fell = (q_end < q) != goes_back
        top = np.int32(p_end + _QUARTER) < np.int32(p + _QUARTER)
        bottom = np.int32(p_end - _QUARTER) < np.int32(p - _QUARTER)
        mark = np.int32(WRAPPED) if p_end < p else np.int32(0)
        mark = np.int32(mark | np.int32(FELL)) if fell else mark
        marks[i] = np.int32(mark | np.int32(CORNERED)) if top | bottom else mark
    for s in range(np.uint64(length)):
        for j in range(_LANES):
            whole[FLAGS + j] |= marks[s * _LANES + j]


@part
def _edges(state, group, o, length):
    """All edges of an oscillator in this piece."""
    whole, quick, marks = state.whole[group], state.quick[group], state.marks
    for lane in range(LANES):
        place = np.uint64(lane)
        heard = _heard(quick, o, place)
        if whole[FLAGS + place] & heard == 0:
            continue
        if o == 1 and _is_reset(state, quick, lane, length):
            continue
        for s in range(length):
            if marks[np.uint64(s * LANES) + place] & heard:
                _edges_at(state, quick, whole, o, lane, s, length)


@part
def _heard(quick, o, place):
    """Which jumps are heard of a wave."""
    pulse = quick[WEIGHTS + PULSES[o] + place] != 0
    heard = WRAPPED if pulse or quick[WEIGHTS + SAWS[o] + place] != 0 else 0
    heard |= FELL if pulse else 0
    return heard | (CORNERED if quick[WEIGHTS + TRIANGLES[o] + place] != 0 else 0)


@part
def _is_reset(state, quick, lane, length):
    """Whether a master wraps in this piece: `_sync` sees to its slave."""
    place, phases, wraps = np.uint64(lane), state.phases[0], False
    if quick[WEIGHTS + SYNC + place] > 0.5:
        for s in range(np.uint64(length)):
            here = s * _LANES + place
            wraps |= phases[here + _LANES] < phases[here]
    return wraps


@part
def _step_at(whole, o, lane, s, length):
    """What the step was at a sample of the piece, which it has left behind."""
    place = np.uint64(o * LANES + lane)
    return np.int64(whole[STEP + place]) - np.int64(whole[STEP_MOVES + place]) * (length - s)


@part
def _edges_at(state, quick, whole, o, lane, s, length):
    here, after = s * LANES + lane, (s + 1) * LANES + lane
    widths = state.phases[4 + (o == 1)]
    step, begin = _step_at(whole, o, lane, s, length), np.int64(state.phases[o, here])
    _between(
        state.waves[o], quick, o, lane, s, begin, step, widths[here], widths[after], step,
        _SINGLE(0),
    )  # fmt: skip


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
    a, b = ago, _ONE - ago
    if height != 0:
        wave[row] += height * (a * a * a * a * _SINGLE(1 / 24))
        wave[row + LANES] += height * _rising(a)
        wave[row + 2 * LANES] -= height * _rising(b)
        wave[row + 3 * LANES] -= height * (b * b * b * b * _SINGLE(1 / 24))
    if slope != 0:
        wave[row] += slope * (a * a * a * a * a * _SINGLE(1 / 120))
        wave[row + LANES] += slope * _bending(a)
        wave[row + 2 * LANES] += slope * _bending(b)
        wave[row + 3 * LANES] += slope * (b * b * b * b * b * _SINGLE(1 / 120))


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
def _sync(state, group, length):
    """Slaves whose masters wrap in this piece begin anew there."""
    whole, quick = state.whole[group], state.quick[group]
    for lane in range(LANES):
        if not _is_reset(state, quick, lane, length):
            continue
        for s in range(length):
            _sync_at(state, whole, quick, lane, s, length)
        phases = state.phases[1]
        whole[PHASE + np.uint64(LANES + lane)] = phases[length * LANES + lane]


@part
def _sync_at(state, whole, quick, lane, s, length):
    here, after = s * LANES + lane, (s + 1) * LANES + lane
    master, phases, widths = state.phases[0], state.phases[1], state.phases[5]
    step = _step_at(whole, 1, lane, s, length)
    begin, wave = np.int64(phases[here]), state.waves[1]
    if master[after] >= master[here]:
        phases[after] = np.int32(begin + step)
        _between(
            wave, quick, 1, lane, s, begin, step, widths[here], widths[after], step, _SINGLE(0)
        )
        return
    ago = (np.float64(master[after]) + _HALF) / _step_at(whole, 0, lane, s, length)
    fresh = np.int64(np.floor(ago * step))
    reached, width = np.int64(np.int32(begin + step - fresh)), widths[after]
    late = _SINGLE(ago)
    _between(wave, quick, 1, lane, s, begin, step - fresh, widths[here], width, step, late)
    _add_jump(wave, quick, lane, s, reached, width, step, late)
    _between(wave, quick, 1, lane, s, np.int64(0), fresh, width, width, step, _SINGLE(0))
    phases[after] = np.int32(fresh)


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


@part(**_QUICK)
def _plain(state, quick, o, length):
    """Adds the plain wave, two samples late."""
    wave, phases, widths = state.waves[o], state.phases[o], state.phases[4 + (o == 1)]
    saws, pulses = WEIGHTS + SAWS[o], WEIGHTS + PULSES[o]
    triangles, sines = WEIGHTS + TRIANGLES[o], WEIGHTS + SINES[o]
    for s in range(np.uint64(length)):
        here, later = (s + np.uint64(1)) * _LANES, (s + np.uint64(2)) * _LANES
        for j in range(_LANES):
            phase = phases[here + j]
            to_width = np.int32(phase - widths[here + j])
            wave[later + j] += plain(
                phase, to_width, quick[saws + j], quick[pulses + j], quick[triangles + j],
                quick[sines + j],
            )  # fmt: skip
