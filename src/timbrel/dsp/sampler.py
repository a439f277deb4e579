"""A sampler's inner loop: one recorded note, read at any speed, held by a loop, into a block.

    position ->  0 ........ begin =========== end      after `end` reading goes on at `begin`

Between samples stands a windowed sinc: sixteen taps of a Kaiser window, its phases tabulated and
interpolated. Reading faster than recorded folds what passes Nyquist; a sampler keeps its steps
small instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

from timbrel.dsp.compiling import kernel, part

TAPS = 16
PHASES = 512
RELEASE_RATE = 200.0
"""Points per second of a release."""

_BETA = 9.0
"""Of the Kaiser window: side lobes below -90 dB."""


@dataclass(frozen=True, eq=False)
class Looped:
    """A note that can be held for as long as wanted.

    Attributes:
        audio: up to the loop's end, and `TAPS` samples more that equal those after its beginning.
        loop: where the loop begins and ends, in samples; (0, 0) where the note dies by itself.
        decay: how the loop dies away, in nepers a sample, 0 or less.
        release: gains after the key is up, `RELEASE_RATE` a second, from 1 to 0.
    """

    audio: Float32[np.ndarray, " time"]
    loop: tuple[float, float]
    decay: float
    release: Float64[np.ndarray, " points"]


def add_note(
    out: Float32[np.ndarray, " time"],
    note: Looped,
    position: float,
    step: float,
    gain: float = 1.0,
    fade: tuple[float, float] = (1.0, 0.0),
    released: tuple[float, float] = (-1.0, 0.0),
) -> float:
    """Add a note that goes on from `position` to a block; the position after it.

    Positions count on through the loop, so that a note that dies away can go on doing so: from
    the loop's beginning on it is multiplied by exp(decay) a sample.

    Args:
        out: the block.
        note: what is read; before and after it is silence.
        position: where to begin, in samples, fractions allowed.
        step: samples of the note for each of the block; 1 plays it as recorded.
        gain: of the whole block.
        fade: a second gain, 0 to 1, at the block's first sample, and what it grows by at each.
        released: how long the key has been up at the first sample, in points of the release, and
            points a sample; below 0 it is held.

    >>> block = np.zeros(4, np.float32)
    >>> note = Looped(np.ones(64, np.float32), (0.0, 0.0), 0.0, np.array([1.0, 0.0]))
    >>> add_note(block, note, 16.5, 0.5, 0.5, (1.0, -0.1), (0.0, 0.25))
    18.5
    >>> block
    array([0.5   , 0.3375, 0.2   , 0.0875], dtype=float32)
    """
    return _add_note(
        out, note.audio, note.release, _TABLE, position, step, *note.loop, note.decay, gain,
        *fade, *released,
    )  # fmt: skip


def _sinc_table() -> Float32[np.ndarray, "phases taps"]:
    """Row p: weights of the samples around a place p / PHASES past the middle one."""
    place = np.arange(PHASES + 1)[:, None] / PHASES
    distance = np.arange(TAPS)[None, :] - (TAPS // 2 - 1) - place
    window = np.i0(_BETA * np.sqrt(np.clip(1 - (distance / (TAPS / 2)) ** 2, 0, 1)))
    weights = np.sinc(distance) * window
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)


_TABLE = _sinc_table()


# It keeps Python's lock: a call is over in microseconds, and taking the lock again may not be.
@kernel(error_model="numpy", nogil=False)
def _add_note(
    out, audio, release, table, position, step, begin, end, decay, gain, fade, fade_step,
    point, point_step,
):  # fmt: skip
    for n in range(len(out)):
        travelled = position + step * n
        place = travelled
        if end > 0.0 and place >= end:
            place = begin + (place - begin) % (end - begin)
        level = gain * min(max(fade + fade_step * n, 0.0), 1.0)
        if point >= 0.0:
            level *= _shape(release, point + point_step * n)
        if decay < 0.0 and travelled > begin:
            level *= np.exp(decay * (travelled - begin))
        if level > 0.0:
            out[n] += level * _between(audio, table, place)
    return position + step * len(out)


@part(inline="always")
def _shape(release, point):
    whole = int(point)
    if whole >= len(release) - 1:
        return 0.0
    return release[whole] + (point - whole) * (release[whole + 1] - release[whole])


@part(inline="always")
def _between(audio, table, place):
    whole = int(np.floor(place))
    phase = (place - whole) * PHASES
    row = int(phase)
    share = np.float32(phase - row)
    first = whole - (TAPS // 2 - 1)
    total = np.float32(0.0)
    for tap in range(max(0, -first), min(TAPS, len(audio) - first)):
        weight = table[row, tap] + share * (table[row + 1, tap] - table[row, tap])
        total += weight * audio[first + tap]
    return total
