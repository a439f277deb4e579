"""A few of many, from all over them."""

from __future__ import annotations

import torch
from jaxtyping import Int
from torch import Tensor


def evenly(among: int, count: int) -> Int[Tensor, " few"]:
    """Numbers of so many things in a row, the first and the last with them; all, if they are few.

    >>> evenly(9, 3).tolist(), evenly(2, 3).tolist()
    ([0, 4, 8], [0, 1])
    """
    return torch.linspace(0, among - 1, min(among, count)).long()
