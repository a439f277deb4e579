"""Patches that may be behind a sound: guesses, and matches, which were heard beside it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.sound import Notes
from timbrel.synths import Synth

_APART = 1e-3
"""Of a knob's way: patches that differ by less everywhere are one."""


@dataclass(frozen=True)
class Guess:
    """A patch that may be tried, and who says so."""

    vector: Float[Tensor, " params"]
    by: str


@dataclass(frozen=True)
class Match:
    """A patch that was found.

    Attributes:
        vector: the patch.
        note: the one that sounds like the target.
        distance_db: how far it is: as `Judge` hears it while there is search, by `mss_db` when it
            is finished; NaN where nothing was rendered yet.
        by: who found it.
        liked_db: by how much it counts as nearer, because patches like it were liked.
    """

    vector: Float[Tensor, " params"]
    note: Notes
    distance_db: float
    by: str
    liked_db: float = 0.0

    @property
    def counted_db(self) -> float:
        """The distance that matches are ordered by."""
        return self.distance_db - self.liked_db


def distinct(matches: Iterable[Match], synth: Synth) -> list[Match]:
    """Each patch once, however loud: a correction may be what the network says, or in a bank."""
    counts = torch.tensor([name != synth.volume for name in synth.parameters.names])
    kept: list[Match] = []
    for one in matches:
        if all(float(((one.vector - m.vector) * counts).abs().max()) > _APART for m in kept):
            kept.append(one)
    return kept
