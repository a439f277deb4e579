"""Curves between knots, places in loops and on knobs, of one moment: compiled."""

from __future__ import annotations

import math

import numpy as np

from timbrel.dsp.compiling import kernel, part
from timbrel.dsp.tracks.loops import amplitudes
from timbrel.instruments.harmonic.playing_state import AT, FROM, TO
from timbrel.instruments.harmonic.said import LONGEST_HOLD_S, SOFTEST_DB


@part
def sound_time(note, time_s):
    """As `Sounding._when`."""
    slower, rise_s = note.attack, note.rise_s
    if slower == 1.0:
        return time_s
    if math.isnan(rise_s) or time_s < rise_s * slower:
        return time_s / slower
    return time_s - rise_s * slower + rise_s


@part
def level_loop(note):
    """As `Sounding.level_loop`."""
    if note.is_looped:
        return note.loop_begin_s, note.loop_end_s, note.loop_fade_s
    return np.inf, LONGEST_HOLD_S, 0.0


@part
def loop_place(begin_s, end_s, fade_s, time_s):
    """As `Loop.places`, of one time."""
    if math.isinf(begin_s):
        here_s = min(time_s, end_s)
        return here_s, here_s, 0.0
    length_s, here_s = end_s - begin_s, time_s
    if time_s >= end_s:
        here_s = begin_s + (time_s - begin_s) % length_s
    way = min(max((here_s - end_s) / fade_s + 1, 0.0), 1.0)
    return here_s, max(here_s - length_s, 0.0), 0.5 - 0.5 * np.cos(np.pi * way)


@part
def left_of(knots, point):
    """The knot to the left of a point, but for the last one."""
    low, high = 0, len(knots) - 1
    while high - low > 1:
        middle = (low + high) // 2
        if knots[middle] <= point:
            low = middle
        else:
            high = middle
    return low


@part
def between(knots, point):
    """The knot to the left of a point, and how far the point is on the way to the next."""
    left = left_of(knots, point)
    share = (point - knots[left]) / (knots[left + 1] - knots[left])
    return left, min(max(share, 0.0), 1.0)


@part
def curve_at(curve, place):
    """A curve at a place between its points."""
    left = min(max(int(place), 0), len(curve) - 2)
    return curve[left] + (curve[left + 1] - curve[left]) * min(max(place - left, 0.0), 1.0)


@part(fastmath=True)
def lerp(here, there, share, out, count):
    """Writes what lies between two rows."""
    way = np.float32(share)
    for j in range(np.uint64(count)):
        out[j] = here[j] + (there[j] - here[j]) * way


@part
def parted(place, count):
    """The knot to the left of a place, and how far it is to the next of `count` knots."""
    left = min(np.int64(place), count - 2)
    return left, place - left


@part
def row_at(first, width, place):
    """Where the row begins that is above a place, and the way to the one below it."""
    above = np.int64(np.ceil(place)) - 1 if place > 0 else 0
    return first + above * width, place - above


@part(inline="always")
def between_four(numbers, at, width, down, right):
    """Between four numbers of a matrix that is laid out in a row."""
    above = numbers[at] + (numbers[at + 1] - numbers[at]) * np.float32(right)
    at += width
    below = numbers[at] + (numbers[at + 1] - numbers[at]) * np.float32(right)
    return above + (below - above) * np.float32(down)


@part
def power_db(levels, count, desk):
    """Level of all together, with a row to compute in."""
    linear, total = desk[:count], 0.0
    amplitudes(levels, linear)
    for j in range(count):
        if levels[j] > SOFTEST_DB:
            total += linear[j] * linear[j]
    return 10 * np.log10(total + 1e-12)


@kernel
def knob_at(knobs, knob, at):
    """Where a knob stands at a sample of the player's clock, on its way to where it was turned."""
    start, goal = knobs[FROM, knob], knobs[TO, knob]
    if start == goal:
        return goal
    since = at - knobs[AT, knob]
    return goal + (start - goal) * np.exp(-since / knobs[FROM, -1])
