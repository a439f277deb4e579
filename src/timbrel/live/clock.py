"""When a block begins: the callback's own time, without the jitter with which it is called.

Events are placed within a block by the time they came in, one block after it, so that what was
played evenly sounds even. A callback that comes a millisecond late must not move them: the clock
goes on by one block each time and follows what it sees by a twentieth, as a delay-locked loop
(Adriaensen 2005, "Using a DLL to filter time").
"""

from __future__ import annotations

_FOLLOW = 0.05
_LOST_BLOCKS = 2.0


class BlockClock:
    """The smoothed time of one callback after the other.

    >>> clock = BlockClock()
    >>> [round(clock.tick(now_s, 0.010), 4) for now_s in (1.000, 1.011, 1.020, 1.030)]
    [1.0, 1.0101, 1.0201, 1.0301]
    """

    def __init__(self) -> None:
        self._next_s = float("-inf")

    def tick(self, now_s: float, length_s: float) -> float:
        """The time of the block that is asked for now and is so long."""
        error = now_s - self._next_s
        begin_s = now_s if abs(error) > _LOST_BLOCKS * length_s else self._next_s + _FOLLOW * error
        self._next_s = begin_s + length_s
        return begin_s
