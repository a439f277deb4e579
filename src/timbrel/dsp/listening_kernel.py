"""The compiled heart of a `Listener`: samples in, frames out, whatever the blocks are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from timbrel.dsp.compiling import kernel, part

MOST_CANDIDATES = 12

_ENOUGH_LAGS = 80
"""So many are read as well between whole ones as any melody asks for."""

_LONGER_COSTS = 0.06
"""Clarity that an octave lower must be better by: a period's multiples are as clear as itself."""

_OCTAVE_COSTS, _JUMP_COSTS = 1.0, 0.35
"""What moving by an octave costs, and what it costs at most to be somewhere else."""

_MEMORY = 0.8
"""What the way up to here counts for in each frame: about five of them are remembered."""

CLOCK = np.dtype([
    ("at", "i8"), ("frames", "i8"), ("n_before", "i8"), ("hop", "f8"), ("factor", "i8"),
    ("shortest", "i8"), ("longest", "i8"), ("quiet", "f8"),
], align=True)  # fmt: skip
"""Where a listener stands, and what does not change.

| field                 | what                                                           |
|-----------------------|----------------------------------------------------------------|
| `at`, `frames`        | samples heard and frames made so far                           |
| `n_before`            | candidates of the frame before                                 |
| `hop`                 | samples between frames, not always whole                       |
| `factor`              | samples of sound for one of those that pitch is sought in      |
| `shortest`, `longest` | period in such samples                                         |
| `quiet`               | mean square below which there is no pitch                      |
"""


class Heard(NamedTuple):
    """All that a listener knows. Rings end where the next sample is written."""

    of: np.ndarray  # what `CLOCK` says, one row
    sections: np.ndarray  # [sections 6] of the A curve
    filtered: np.ndarray  # [sections 2] what they remember
    power: np.ndarray  # [window] ring of A-weighted power
    window: np.ndarray  # [window] that weighs it
    sound: np.ndarray  # [taps] ring of samples
    taps: np.ndarray  # [taps] of the low-pass
    slow: np.ndarray  # [segment] ring of what it lets through, at the lower rate
    segment: np.ndarray  # [segment] the same in order
    clarity: np.ndarray  # [lags] likeness of the segment to itself
    lags: np.ndarray  # [2 candidates] of this frame and of the one before
    scores: np.ndarray  # [2 candidates]
    clear: np.ndarray  # [candidates]


@kernel
def listen(heard, samples, frames):
    """Hears samples and writes down f0, confidence and power of each frame; how many these were."""
    of, made = heard.of[0], 0
    for sample in samples:
        x = np.float64(sample)
        y = _weighted(heard.sections, heard.filtered, x)
        heard.power[of.at % len(heard.power)] = y * y
        heard.sound[of.at % len(heard.sound)] = x
        of.at += 1
        if of.at % of.factor == 0:
            heard.slow[(of.at // of.factor - 1) % len(heard.slow)] = _through(
                heard.taps, heard.sound, of.at
            )
        if of.at >= (of.frames + 1) * of.hop:
            of.frames += 1
            frames[made, 2] = _through(heard.window, heard.power, of.at)
            frames[made, 0], frames[made, 1] = _pitch(heard, of)
            made += 1
    return made


@part
def _weighted(sections, filtered, x):
    """A sample through second-order sections, transposed form II."""
    for i in range(len(sections)):
        b, z = sections[i], filtered[i]
        y = b[0] * x + z[0]
        z[0] = b[1] * x - b[4] * y + z[1]
        z[1] = b[2] * x - b[5] * y
        x = y
    return x


@part(fastmath=True)
def _through(weights, ring, at):
    """A ring weighed, its oldest first, where the next sample is to be written at `at`."""
    size, total = len(weights), 0.0
    for i in range(size):
        total += weights[i] * ring[(at + i) % size]
    return total


@part
def _pitch(heard, of):
    """Period, in samples of sound, and how clear it is."""
    size, power = len(heard.slow), 0.0
    newest = of.at // of.factor
    for i in range(size):
        heard.segment[i] = heard.slow[(newest + i) % size]
        power += heard.segment[i] ** 2
    if power < of.quiet * size:
        of.n_before = 0
        return 0.0, 0.0
    _compare(heard.segment, of.longest + 1, heard.clarity)
    count = _find_candidates(heard.clarity, of.shortest, heard.lags[0], heard.clear)
    best = _follow(heard.lags, heard.scores, heard.clear, count, of.n_before)
    of.n_before = count
    if count == 0:
        return 0.0, 0.0
    period = _refined(heard.clarity, heard.lags[1, best])
    return period * of.factor, min(max(heard.clear[best], 0.0), 1.0)


@part(fastmath=True)
def _compare(segment, longest, clarity):
    """1 - |a - b|^2 / (|a|^2 + |b|^2) of stretches so far apart, their middle in the middle."""
    size = len(segment) - longest
    for lag in range(1, longest + 1):
        first = (len(segment) - size - lag) // 2
        difference, total = np.float32(0), np.float32(1e-12)
        for i in range(size):
            a, b = segment[first + i], segment[first + i + lag]
            difference += (a - b) * (a - b)
            total += a * a + b * b
        clarity[lag] = np.float32(1) - difference / total
    clarity[0] = 1.0


@part
def _find_candidates(clarity, shortest, lags, clear):
    """The highest point between each rise through 0 and the next fall: McLeod's key maxima."""
    count, lag, last = 0, 1, len(clarity) - 1
    while lag < last and clarity[lag] > 0:
        lag += 1
    while lag < last and count < len(lags):
        while lag < last and clarity[lag] <= 0:
            lag += 1
        top = lag
        while lag < last and clarity[lag] > 0:
            if clarity[lag] > clarity[top]:
                top = lag
            lag += 1
        if shortest <= top < last:
            away = _peak(clarity, top)
            lags[count] = top + away
            clear[count] = clarity[top] - 0.25 * (clarity[top - 1] - clarity[top + 1]) * away
            count += 1
    return count


@part
def _peak(clarity, top):
    """How far from a lag the peak of the parabola through it and its neighbours is."""
    left, middle, right = clarity[top - 1], clarity[top], clarity[top + 1]
    bow = left - 2 * middle + right
    away = 0.5 * (left - right) / bow if bow < 0 else 0.0
    return min(max(away, -0.5), 0.5)


@part
def _refined(clarity, period):
    """A short period as a part of several: between whole lags it is known that much better."""
    count = np.int64(_ENOUGH_LAGS / period)
    if count < 2:
        return period
    top = np.int64(np.rint(count * period))
    for lag in (top - 1, top + 1):
        if clarity[lag] > clarity[top]:
            top = lag
    return (top + _peak(clarity, top)) / count


@part
def _follow(lags, scores, clear, count, n_before):
    """The candidate to which the best way leads, by Viterbi's sums up to now."""
    best = 0
    for i in range(count):
        # of a period and its multiples, which are as clear, the first is meant
        own = clear[i] - _LONGER_COSTS * np.log2(lags[0, i])
        way = 0.0
        for j in range(n_before):
            apart = abs(np.log2(lags[0, i] / lags[1, j]))
            reached = scores[1, j] - min(_OCTAVE_COSTS * apart, _JUMP_COSTS)
            way = reached if j == 0 else max(way, reached)
        scores[0, i] = own + _MEMORY * way
        if scores[0, i] > scores[0, best]:
            best = i
    for i in range(count):
        lags[1, i], scores[1, i] = lags[0, i], scores[0, i]
    return best
