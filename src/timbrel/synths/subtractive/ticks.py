"""`curves`, compiled: where everything goes until the next tick, for all lanes of a group.

Lanes need not tick together: all are computed, and taken over by those whose time has come.
"""

from __future__ import annotations

import numpy as np

from timbrel.dsp.compiling import part
from timbrel.sound import BEND_RATE
from timbrel.synths.subtractive.curves import (
    FADED,
    HIGHEST_STEP,
    LOWEST_CUTOFF_HZ,
    NARROWEST,
    TICK,
    WIDEST,
)
from timbrel.synths.subtractive.noise import MIXERS
from timbrel.synths.subtractive.state import (
    AMP,
    AMP_ENV,
    AMP_TO,
    BEND,
    CUTOFF,
    CUTOFF_TO,
    FILTER_ENV,
    GAINS,
    GLIDE,
    GLIDE_FROM_S,
    GLIDE_S,
    IS_FRESH,
    LANES,
    LEFT,
    LFO,
    OFF_S,
    PASSED,
    RANDOM,
    STEP,
    STEP_MOVES,
    STEP_TO,
    TIME_S,
    TO_AMP,
    TO_CUTOFF,
    TO_STEP,
    TO_WET,
    TO_WIDTH,
    TURNS,
    VIBRATO_TURNS,
    WEIGHTS,
    WET,
    WET_TO,
    WIDTH,
    WIDTH_LAST,
    WIDTH_MOVES,
    WIDTH_TO,
    at,
)
from timbrel.synths.subtractive.voicing import HIGHEST_CUTOFF

_QUICK = {"fastmath": {"contract", "arcp"}, "error_model": "numpy"}
"""Divisions by what is written here become products."""
_WIDTH = np.uint64(LANES)
_ROW = (np.uint64(0), np.uint64(LANES), np.uint64(2 * LANES), np.uint64(3 * LANES))

SEMITONES1, SEMITONES2, SHARPER, FLATTER = at("semitones1", "semitones2", "sharper", "flatter")
WIDTH1, WIDTH2, LFO_WIDTH1, LFO_WIDTH2 = at("width1", "width2", "lfo_width1", "lfo_width2")
OCTAVES, OCTAVES_ENV, OCTAVES_LFO = at("cutoff", "cutoff_envelope", "cutoff_lfo")
FILTER = at("filter_attack", "filter_decay", "filter_sustain", "filter_release")
AMPLITUDE = at("amp_attack", "amp_decay", "amp_sustain", "amp_release")
GAIN, AMP_LFO = at("gain", "amp_lfo")
LFO_SINE, LFO_TRIANGLE, LFO_SAW, LFO_SQUARE, LFO_RANDOM = at(
    "lfo_sine", "lfo_triangle", "lfo_saw", "lfo_square", "lfo_random"
)
LFO_RATE, LFO_DELAY, LFO_SEMITONES = at("lfo_rate", "lfo_delay", "lfo_semitones")
VIBRATO_RATE, VIBRATO, SWEEP1, SWEEP2, SWEEP_S = at(
    "vibrato_rate", "vibrato", "sweep1", "sweep2", "sweep_s"
)
WET_LEVEL, TAIL, DAMPING = at("wet", "tail", "damping")

_WHOLE = float(2**32 / TICK)


@part
def tick(state, group):
    """Has all lanes whose time has come go on to their next tick."""
    ticks, slow = state.ticks[group], state.slow[group]
    is_new, is_moved = _any(ticks[IS_FRESH]), _any(ticks[GAINS])
    if is_new:
        _start(state, group)
    voicing, change = state.voicing[group], state.change[group]
    for lane in range(LANES):
        if ticks[LEFT, lane] == 0:
            _advance(ticks, slow, voicing, change, state.rate, lane)
    _bend(state, group)
    quick = state.quick[group]
    if _uses(voicing, LFO_RANDOM):
        _draw(slow)
    _curves(voicing, slow, state.rate)
    for lane in range(LANES):
        if ticks[LEFT, lane] == 0:
            _take(slow, quick, state.whole[group], lane)
            ticks[LEFT, lane] = TICK
    if is_new or is_moved:
        for place in range(np.uint64(voicing.size)):
            quick[WEIGHTS + place] = voicing[place]


@part
def _start(state, group):
    """New notes begin where their curves do."""
    ticks, slow = state.ticks[group], state.slow[group]
    quick, whole = state.quick[group], state.whole[group]
    _bend(state, group)
    _curves(state.voicing[group], slow, state.rate)
    for lane in range(LANES):
        if ticks[IS_FRESH, lane]:
            _take(slow, quick, whole, lane)
            for o in range(2):
                place = np.uint64(o * LANES + lane)
                whole[WIDTH_LAST + place] = whole[WIDTH_TO + place]
            ticks[IS_FRESH, lane] = 0


@part
def _any(row):
    found = False
    for lane in range(LANES):
        found |= row[lane] != 0
    return found


@part
def _uses(voicing, first):
    most = 0.0
    for lane in range(_WIDTH):
        most = max(most, voicing[first + lane])
    return most > 0


@part
def _advance(ticks, slow, voicing, change, rate, lane):
    """A tick later; and the voicing is so much nearer to where it goes."""
    place = np.uint64(lane)
    if ticks[GAINS, lane] > 0:
        ticks[GAINS, lane] -= 1
        for column in range(np.uint64(voicing.size // LANES)):
            voicing[column * _WIDTH + place] += change[column * _WIDTH + place]
    ticks[PASSED, lane] += 1
    slow[TIME_S + place] = ticks[PASSED, lane] * TICK / rate
    slow[TURNS + place] += voicing[LFO_RATE + place] * (TICK / rate)
    slow[VIBRATO_TURNS + place] += voicing[VIBRATO_RATE + place] * (TICK / rate)


@part
def _bend(state, group):
    """Bends, linear between their points, and what is left to glide."""
    slow, last = state.slow[group], state.bends.shape[1] - 1
    for lane in range(_WIDTH):
        points = state.bends[np.uint64(group) * _WIDTH + lane]
        time_s = slow[TIME_S + lane]
        place = min(time_s * BEND_RATE, float(last))
        left = min(int(place), max(last - 1, 0))
        share = np.float32(place - left)
        value = points[left] + share * (points[min(left + 1, last)] - points[left])
        gone = (time_s - slow[GLIDE_FROM_S + lane]) / max(slow[GLIDE_S + lane], 1e-3)
        value += slow[GLIDE + lane] * (1 - min(gone, 1.0))
        slow[BEND + lane] = value


@part
def _draw(slow):
    """The random LFO's numbers; as `noise_at`."""
    for lane in range(_WIDTH):
        x = ((np.int64(np.floor(slow[TURNS + lane])) + 1) * MIXERS[0]) & 0xFFFFFFFF
        x = ((x ^ (x >> 16)) * MIXERS[1]) & 0xFFFFFFFF
        x = ((x ^ (x >> 13)) * MIXERS[2]) & 0xFFFFFFFF
        x = x ^ (x >> 16)
        slow[RANDOM + lane] = (x - (1 << 32) if x >= (1 << 31) else x) / 2147483648.0


@part(**_QUICK)
def _curves(c, slow, rate):
    _lfo(c, slow)
    _envelope(c, slow, FILTER, FILTER_ENV)
    _envelope(c, slow, AMPLITUDE, AMP_ENV)
    _pitches(c, slow, rate)
    highest = HIGHEST_CUTOFF * rate
    for j in range(_WIDTH):
        lfo, time_s = slow[LFO + j], slow[TIME_S + j]
        octaves = c[OCTAVES + j] + c[OCTAVES_LFO + j] * lfo
        octaves += c[OCTAVES_ENV + j] * slow[FILTER_ENV + j]
        hz = min(max(_exp2(octaves), LOWEST_CUTOFF_HZ), highest)
        turn = hz / (2 * rate)
        slow[TO_CUTOFF + j] = _sine(turn) / _sine(0.25 - turn)
        amp = c[GAIN + j] * (1 - c[AMP_LFO + j] * (0.5 - 0.5 * lfo))
        slow[TO_AMP + j] = amp * slow[AMP_ENV + j]
        left_s = slow[OFF_S + j] + c[AMPLITUDE[3] + j] + c[TAIL + j] - time_s
        faded = left_s / (FADED * c[TAIL + j] + 1e-3)
        slow[TO_WET + j] = c[WET_LEVEL + j] * min(max(faded, 0.0), 1.0)
        slow[TO_WIDTH + j] = min(max(c[WIDTH1 + j] + c[LFO_WIDTH1 + j] * lfo, NARROWEST), WIDEST)
        width = c[WIDTH2 + j] + c[LFO_WIDTH2 + j] * lfo
        slow[TO_WIDTH + _ROW[1] + j] = min(max(width, NARROWEST), WIDEST)


@part(**_QUICK)
def _lfo(c, slow):
    for j in range(_WIDTH):
        turns = slow[TURNS + j]
        place = turns - np.floor(turns)
        quarter = place + 0.25
        triangle = 1 - 4 * abs(quarter - np.floor(quarter) - 0.5)
        square = 1.0 if place < 0.5 else -1.0
        moved = c[LFO_SINE + j] * _sine(turns) + c[LFO_TRIANGLE + j] * triangle
        moved += c[LFO_SAW + j] * (1 - 2 * place) + c[LFO_SQUARE + j] * square
        moved += c[LFO_RANDOM + j] * slow[RANDOM + j]
        faded = min(slow[TIME_S + j] / max(c[LFO_DELAY + j], 1e-3), 1.0)
        slow[LFO + j] = moved * faded * faded


@part(**_QUICK)
def _envelope(c, slow, knobs, out):
    attack, decay, hold, release = knobs
    for j in range(_WIDTH):
        time_s, off_s = slow[TIME_S + j], slow[OFF_S + j]
        held_s = min(time_s, off_s)
        rise = min(held_s / c[attack + j], 1.0)
        fall = 1 - min(max((held_s - c[attack + j]) / c[decay + j], 0.0), 1.0)
        gone = 1 - min(max((time_s - off_s) / c[release + j], 0.0), 1.0)
        sustain = c[hold + j]
        held = rise * (2 - rise) * (sustain + (1 - sustain) * fall * fall * fall)
        slow[out + j] = held * gone * gone * gone


@part(**_QUICK)
def _pitches(c, slow, rate):
    for j in range(_WIDTH):
        time_s = slow[TIME_S + j]
        moved = slow[BEND + j] + c[LFO_SEMITONES + j] * slow[LFO + j]
        moved += c[VIBRATO + j] * _sine(slow[VIBRATO_TURNS + j])
        left = 1 - min(time_s / c[SWEEP_S + j], 1.0)
        sweep = left * left * left
        first = c[SEMITONES1 + j] + moved + c[SWEEP1 + j] * sweep
        second = c[SEMITONES2 + j] + moved + c[SWEEP2 + j] * sweep
        first = 440.0 * _exp2((first - 69.0) / 12.0) / rate
        second = 440.0 * _exp2((second - 69.0) / 12.0) / rate
        slow[TO_STEP + j] = _held(first)
        slow[TO_STEP + _ROW[1] + j] = _held(second)
        slow[TO_STEP + _ROW[2] + j] = _held(first * c[SHARPER + j])
        slow[TO_STEP + _ROW[3] + j] = _held(first * c[FLATTER + j])


@part(**_QUICK)
def _held(step):
    return min(max(step, 1e-6), HIGHEST_STEP)


@part(**_QUICK)
def _exp2(x):
    """As a series for its 32nd root: unlike a call, this is vectorised."""
    s = min(max(x, -60.0), 60.0) * (np.log(2.0) / 32)
    root = 1 + s * (1 + s / 2 * (1 + s / 3 * (1 + s / 4 * (1 + s / 5 * (1 + s / 6 * (
        1 + s / 7 * (1 + s / 8 * (1 + s / 9 * (1 + s / 10)))))))))  # fmt: skip
    power = root * root
    power *= power
    power *= power
    power *= power
    return power * power


@part(**_QUICK)
def _sine(turns):
    """Sin 2 pi x, as a series in its quarter."""
    t = turns - 0.25
    q = 0.25 - abs(t - np.rint(t))
    x = 2 * np.pi * q
    s = x * x
    return x * (1 - s / 6 * (1 - s / 20 * (1 - s / 42 * (1 - s / 72 * (1 - s / 110 * (
        1 - s / 156 * (1 - s / 210)))))))  # fmt: skip


@part
def _take(slow, quick, whole, lane):
    """From here to there in a straight line: where the last tick went to, where this one goes."""
    j = np.uint64(lane)
    share = np.float32(1 / TICK)
    for now, to, goal in (
        (CUTOFF, CUTOFF_TO, TO_CUTOFF),
        (AMP, AMP_TO, TO_AMP),
        (WET, WET_TO, TO_WET),
    ):
        moves = now + _ROW[1]
        quick[now + j] = quick[to + j]
        quick[to + j] = slow[goal + j]
        quick[moves + j] = (quick[to + j] - quick[now + j]) * share
    for o in range(np.uint64(4)):
        place = o * _WIDTH + j
        whole[STEP + place] = whole[STEP_TO + place]
        whole[STEP_TO + place] = np.int64(np.rint(slow[TO_STEP + place] * _WHOLE)) * TICK
        whole[STEP_MOVES + place] = (whole[STEP_TO + place] - whole[STEP + place]) // TICK
    for o in range(np.uint64(2)):
        place = o * _WIDTH + j
        whole[WIDTH + place] = whole[WIDTH_TO + place]
        # up to nearly a cycle: as numbers without a sign
        here = np.int64(whole[WIDTH + place]) & 0xFFFFFFFF
        goal = np.int64(np.rint(slow[TO_WIDTH + place] * _WHOLE)) * TICK
        whole[WIDTH_TO + place] = np.int32(goal)
        whole[WIDTH_MOVES + place] = (goal - here) // TICK
