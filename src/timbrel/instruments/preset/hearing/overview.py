"""A sound as a whole: what stretches of it sound like on average, and how it moves.

    mel (pairs of bands), mel along the harmonics, curves -> means over ten stretches ---+
    lines in their spectra along time (`modulation`) ------------------------------------+-> numbers

Means over time say much of what there is to say of a steady note (such numbers are a sound's
texture: McDermott and Simoncelli 2011), and a network learns from them in a tenth of the time that
it takes to find them for itself.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.instruments.preset.hearing.heard import N_CURVES, N_FRAMES, SCALE, Heard
from timbrel.instruments.preset.hearing.modulation import N_RATES, N_ROWS, modulation

_ENDS = (0, 4, 8, 16, 32, 64, 128, 192, 258, 300, N_FRAMES)
"""Frames between which stretches lie: short at first, and then to where keys come up."""

_STRETCHES = len(_ENDS) - 1
N_OVERVIEW = N_ROWS * N_RATES + _STRETCHES * (SCALE.n_mels // 2 + SCALE.n_mels + N_CURVES)


def overview(
    heard: Heard, along: Float[Tensor, "batch mels frames"]
) -> Float[Tensor, "batch numbers"]:
    """The numbers that stand for sounds.

    Args:
        heard: of them.
        along: the same along the harmonics (`along_harmonics`).
    """
    pairs = heard.mel.unflatten(1, (-1, 2)).mean(2)
    means = _stretches(torch.cat([pairs, along, heard.curves], dim=1))
    return torch.cat([means.flatten(1), modulation(heard).flatten(1)], dim=1)


def _stretches(
    rows: Float[Tensor, "batch rows frames"],
) -> Float[Tensor, "batch rows stretches"]:
    return torch.stack([rows[..., a:b].mean(-1) for a, b in pairwise(_ENDS)], dim=-1)
