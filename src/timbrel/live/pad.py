"""A morph played by hand: two controllers move a point between two to four corner timbres.

The callback only notes where the point is; a thread mixes the timbre and hands it over by setting
one name, which the callback picks up at the next block.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence

import torch
from torch import Tensor

from timbrel.errors import BadInput
from timbrel.live.controllers import RESERVED
from timbrel.sound import MorphPath, TimbreSpace
from timbrel.timbre import corner_weights

_IDLE_S = 0.004


class MorphPad:
    """The point, and the timbre that is there.

    Attributes:
        numbers: the controllers of x and y.
        timbre: the latest mixture; None until the point was first moved.

    Args:
        space: of the timbres.
        corners: as on the pad that `timbrel morph --grid` writes: above left, above right, below.
        numbers: controllers of x (0 left) and y (0 above).
        path: how timbres are mixed.
        background: whether a thread mixes; without one `mix` does.

    Raises:
        BadInput: not two to four corners, or they do not fit the space, or the controllers are no
            two that are free.
    """

    def __init__(
        self,
        space: TimbreSpace,
        corners: Sequence[Tensor],
        numbers: tuple[int, int] = (16, 17),
        path: MorphPath = "linear",
        *,
        background: bool = True,
    ) -> None:
        free = set(range(128)) - RESERVED
        if len(free.intersection(numbers)) != 2:
            got = " and ".join(map(str, numbers))
            raise BadInput(
                f"a pad under controllers {got}: wanted two free ones, such as 16 and 17"
            )
        self.numbers = numbers
        self.timbre: Tensor | None = None
        self._space = space
        self._path: MorphPath = path
        self._corners = space.check(torch.stack(list(corners)), "corners")
        corner_weights(0.0, 0.0, len(self._corners))  # refuses here what it would refuse later
        self._point: tuple[float, float] | None = None
        self._mixed_point: tuple[float, float] | None = None
        self._closed = threading.Event()
        weakref.finalize(self, self._closed.set)
        if background:
            arguments = (weakref.ref(self), self._closed)
            threading.Thread(target=_work, args=arguments, daemon=True, name="mix timbres").start()

    def moved(self, number: int, value: int) -> bool:
        """Take a controller's value; whether it is one of the pad's."""
        if number not in self.numbers:
            return False
        x, y = self._point or (0.0, 0.0)
        share = value / 127
        self._point = (share, y) if number == self.numbers[0] else (x, share)
        return True

    def mix(self) -> None:
        """Mix the timbre of the point, if it has moved."""
        point = self._point
        if point is not None and point != self._mixed_point:
            self._mixed_point = point
            weights = corner_weights(*point, len(self._corners))
            self.timbre = self._space.mix(self._corners, weights, self._path)

    def close(self) -> None:
        """End the thread."""
        self._closed.set()


def _work(pad: weakref.ref[MorphPad], closed: threading.Event) -> None:
    while not closed.wait(_IDLE_S):
        alive = pad()
        if alive is None:
            return
        alive.mix()
        del alive
