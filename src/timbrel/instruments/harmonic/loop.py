"""Movement that goes on for longer than it was recorded: read in a loop without a seam.

    place   0 ---- begin ------------- end
                   |                |##|      ## what stands before `begin` is faded in
            time   0 1 2 3 .......... 9 |
                   10 11 ............ 18 |    and so on

The fade ends where the loop begins, so the sound goes on from there as if it had never left. Where
a loop begins is chosen so that both ends move alike.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from timbrel.dsp.compiling import kernel
from timbrel.instruments.harmonic.timbre_layout import MOVED_RATE

_CENTS_HEARD, _DB_HEARD = 4.0, 1.0
"""A difference between the two ends of a loop that is just heard."""

_FADE_S = 0.3
_SHORTEST_S = 0.4
_FIRST_S, _FIRST_SHARE = 0.15, 0.2
"""A loop's fade begins no earlier than this, and than this share of what is known."""

_LONG_COUNTS = 0.3
"""A loop as short as can be is worth the longest one if it is alike by so much more."""


class Loop(NamedTuple):
    """A stretch of a note that is played again and again.

    Attributes:
        begin_s, end_s: the stretch; where begin is infinite it is not played again, but the place
            stays at the end.
        fade_s: at its end, in which what stands before its beginning is faded in.
    """

    begin_s: float
    end_s: float
    fade_s: float

    def places(self, time_s: Float[Tensor, " frames"]) -> Places:
        """Where to read at rising times.

        >>> Loop(1.0, 3.0, 0.5).places(torch.tensor([0.5, 2.75, 3.5])).here_s
        tensor([0.5000, 2.7500, 1.5000])
        """
        if math.isinf(self.begin_s):
            here_s = time_s.clamp(max=self.end_s)
            return Places(here_s, here_s, torch.zeros_like(time_s))
        length_s = self.end_s - self.begin_s
        again_s = self.begin_s + (time_s - self.begin_s) % length_s
        here_s = torch.where(time_s < self.end_s, time_s, again_s)
        way = ((here_s - self.end_s) / self.fade_s + 1).clamp(0, 1)
        return Places(here_s, (here_s - length_s).clamp_min(0), 0.5 - 0.5 * (math.pi * way).cos())


class Places(NamedTuple):
    """Two places of a curve for each time, and the share of the second."""

    here_s: Float[Tensor, " frames"]
    there_s: Float[Tensor, " frames"]
    share: Float[Tensor, " frames"]


def find_loop(
    wander: Float32[np.ndarray, " moved"], swell: Float32[np.ndarray, " moved"], known_s: float
) -> Loop:
    """The loop up to `known_s` whose two ends move most alike; none where there is no room.

    Args:
        wander: cents, `MOVED_RATE` points a second.
        swell: dB, as many.
        known_s: how much of them was recorded.

    >>> vibrato = np.sin(2 * np.pi * 5 * np.arange(150) / 40).astype(np.float32)
    >>> loop = find_loop(32 * vibrato, 0 * vibrato, 3.0)
    >>> round((loop.end_s - loop.begin_s) * 5, 6) % 1
    0.0
    """
    movement = np.stack([wander / _CENTS_HEARD, swell / _DB_HEARD], 1)
    return Loop(*_most_alike(movement, MOVED_RATE, float(known_s)))


@kernel
def _most_alike(
    movement: Float32[np.ndarray, "points curves"], rate: float, end_s: float
) -> tuple[float, float, float]:
    """Begin, end and fade of the loop, of curves in units in which 1 is just heard."""
    end = min(int(end_s * rate), len(movement) - 1)
    fade = round(_FADE_S * rate)
    first = math.ceil(max(_FIRST_S, _FIRST_SHARE * end_s) * rate) + fade
    last = end - max(round(_SHORTEST_S * rate), fade)
    best, least = -1, np.inf
    for begin in range(first, last + 1):
        unlike = 0.0
        for i in range(fade + 1):
            for curve in range(movement.shape[1]):
                away = movement[begin - fade + i, curve] - movement[end - fade + i, curve]
                unlike += away * away
        # of loops that are as much alike the longest: a short one is heard as a loop
        shortness = 1 - (end - begin) / max(end - first, 1)
        unlike = unlike / ((fade + 1) * movement.shape[1]) + _LONG_COUNTS * shortness
        if unlike < least:
            best, least = begin, unlike
    if best < 0:
        return math.inf, end_s, 0.0
    return best / rate, end / rate, fade / rate
