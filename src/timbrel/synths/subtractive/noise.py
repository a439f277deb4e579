"""Noise that is counted, not drawn: the same number always gives the same noise."""

from __future__ import annotations

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

_MASK = 2**32 - 1
MIXERS = (0x9E3779B1, 0x85EBCA6B, 0xC2B2AE35)
"""What the number is multiplied by, at first and after each of two shifts."""


def noise_at(number: Int64[Tensor, "*any"]) -> Float64[Tensor, "*any"]:
    """White noise in [-1, 1): a hash of whole numbers, by Appleby's mixing of 32 bits.

    >>> noise_at(torch.arange(3))
    tensor([ 0.0000,  0.1405, -0.5378], dtype=torch.float64)
    """
    x = (number * MIXERS[0]) & _MASK
    x = ((x ^ (x >> 16)) * MIXERS[1]) & _MASK
    x = ((x ^ (x >> 13)) * MIXERS[2]) & _MASK
    x = x ^ (x >> 16)
    return torch.where(x >= 2**31, x - 2**32, x).double() / 2**31


def first_number(pitch: Tensor) -> Int64[Tensor, " notes"]:
    """Where the noise of a note begins: notes of a chord must not share one."""
    return (pitch.double() * 100).round().long() * 1_000_003
