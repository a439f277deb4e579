"""What notes know while they sound, side by side in lanes, and where compiled code finds it.

Notes stand in groups of `LANES`. All numbers of a group lie in a few flat arrays: a row for each
number, a place in it for each lane. What is done to one lane is done to all, in loops over a row
that the compiler makes into a few instructions; so rows are known by where they begin.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from timbrel.synths.subtractive.reverb import delays
from timbrel.synths.subtractive.voicing import COLUMN, COLUMNS

LANES = 16
PIECE = 32
"""Samples made at once, at most: those from one tick to the next."""

BEYOND = 4
"""Samples behind a piece that its edges reach."""


def _rows(count: int) -> tuple[np.uint64, ...]:
    return tuple(np.uint64(row * LANES) for row in range(count))


def at(*names: str) -> tuple[np.uint64, ...]:
    """Where rows of a voicing begin."""
    return tuple(np.uint64(COLUMN[name] * LANES) for name in names)


(TIME_S, OFF_S, TURNS, VIBRATO_TURNS, RANDOM, BEND, GLIDE, GLIDE_S, GLIDE_FROM_S, LFO, FILTER_ENV,
 AMP_ENV, TO_STEP, _, _, _, TO_WIDTH, _, TO_CUTOFF, TO_AMP, TO_WET) = _rows(21)  # fmt: skip
"""Rows of `slow`, in double precision: a note's time and what curves say at a tick."""
N_SLOW = 21

(CUTOFF, CUTOFF_MOVES, CUTOFF_TO, AMP, AMP_MOVES, AMP_TO, WET, WET_MOVES, WET_TO, FADE, FADE_MOVES,
 STATE_A, STATE_B, STATE_C, STATE_D, MEAN, PRE_LAST, PRE_ROOT, POST_LAST, POST_ROOT,
 MIX_LAST, MIX_BEFORE, ABSORBED, _, _, _, WEIGHTS) = _rows(27)  # fmt: skip
"""Rows of `quick`, in single precision: what moves at every sample; from `WEIGHTS` on, the
voicing.
"""
N_QUICK = 26 + len(COLUMNS)

(PHASE, _, _, _, STEP, _, _, _, STEP_MOVES, _, _, _, STEP_TO, _, _, _, SUB_PHASE,
 WIDTH, _, WIDTH_MOVES, _, WIDTH_TO, _, WIDTH_LAST, _, AGE, NUMBER, FLAGS) = _rows(28)  # fmt: skip
"""Rows of `whole`, whole numbers: phases, steps, widths; `AGE` is samples that a room is in use."""
N_WHOLE = 28

NEVER_S = 1e12


class State(NamedTuple):
    """Groups of lanes; the first axis of each array is the group."""

    voicing: np.ndarray  # [groups columns x lanes] what notes are made of
    change: np.ndarray  # the same: what it gains with each tick
    ticks: np.ndarray  # [groups 4 lanes] `PASSED`, `LEFT`, `GAINS`, `IS_FRESH`
    slow: np.ndarray  # [groups rows x lanes]
    quick: np.ndarray  # [groups rows x lanes]
    whole: np.ndarray  # [groups rows x lanes]
    ahead: np.ndarray  # [groups 4 x BEYOND x lanes] what edges have added to samples to come
    delay: np.ndarray  # [groups samples x lanes] of the all-passes and lines
    places: np.ndarray  # [groups 6] where each of them is read and written next
    delays: np.ndarray  # [6] their lengths
    bends: np.ndarray  # [groups x lanes points] semitones
    offsets: np.ndarray  # [2 PIECE x lanes] desk: what resets have moved phases by; none, slaves'
    waves: np.ndarray  # [4 (PIECE + BEYOND) x lanes] desk
    sound: np.ndarray  # [PIECE x lanes] desk
    late: np.ndarray  # [6 x PIECE x lanes] desk: what comes out of the delays
    rate: float
    keep: float


PASSED, LEFT, GAINS, IS_FRESH = range(4)
"""Of `ticks`: those of the note so far; samples to the next; how many until the voicing stands;
whether the note is new.
"""


def silent(groups: int, sample_rate: int, n_points: int, keep: float) -> State:
    """Groups in which nothing has begun."""
    lengths = np.array(delays(sample_rate), np.int64)

    def single(*shape: int) -> np.ndarray:
        return np.zeros(shape, np.float32)

    columns = len(COLUMNS) * LANES
    return State(
        voicing=np.zeros((groups, columns)),
        change=np.zeros((groups, columns)),
        ticks=np.zeros((groups, 4, LANES), np.int64),
        slow=np.zeros((groups, N_SLOW * LANES)),
        quick=single(groups, N_QUICK * LANES),
        whole=np.zeros((groups, N_WHOLE * LANES), np.int32),
        ahead=single(groups, 4, BEYOND * LANES),
        delay=single(groups, int(lengths.sum()) * LANES),
        places=np.zeros((groups, len(lengths)), np.int64),
        delays=lengths,
        bends=single(groups * LANES, n_points),
        offsets=np.zeros((2, PIECE * LANES), np.int32),
        waves=single(4, (PIECE + BEYOND) * LANES),
        sound=single(PIECE * LANES),
        late=single(len(lengths) * PIECE * LANES),
        rate=float(sample_rate),
        keep=keep,
    )
