"""What the numbers of a `ddsp` timbre mean: a latent, then the manner in which notes are played.

| part           | what                                                                          |
|----------------|-------------------------------------------------------------------------------|
| `latent`       | what the decoder is told; no number in a model of one instrument              |
| `lowest_pitch`, `highest_pitch` | MIDI numbers between which the instrument was heard          |
| `softest_db`, `loudest_db`      | A-weighted loudness between which it was heard               |
| `attack_s`     | in which a note comes up                                                      |
| `fall_db_s`    | how fast a held note falls: 0 for what is bowed or blown                      |
| `release_s`    | in which it dies away once its key is up                                      |

The manner makes melodies of notes (`curves.py`). Who follows a melody is told its register alone.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.sound import Dimension, Kind, Register, TimbreSpace

_RANGES = {
    "lowest_pitch": (0.0, 127.0),
    "highest_pitch": (0.0, 127.0),
    "softest_db": (-90.0, 0.0),
    "loudest_db": (-90.0, 0.0),
    "attack_s": (0.002, 1.0),
    "fall_db_s": (0.0, 120.0),
    "release_s": (0.01, 0.5),
}


class Manner(NamedTuple):
    """How an instrument plays notes: of one timbre, or a number for each of several.

    Attributes:
        lowest_pitch, highest_pitch, softest_db, loudest_db: of its register.
        attack_s: in which a note comes up.
        fall_db_s: how fast a held note falls.
        release_s: in which it dies away once its key is up.
    """

    lowest_pitch: Float[Tensor, "*notes"]
    highest_pitch: Float[Tensor, "*notes"]
    softest_db: Float[Tensor, "*notes"]
    loudest_db: Float[Tensor, "*notes"]
    attack_s: Float[Tensor, "*notes"]
    fall_db_s: Float[Tensor, "*notes"]
    release_s: Float[Tensor, "*notes"]

    @property
    def register(self) -> Register:
        """Of one timbre; mixed or drawn ends are put in order."""
        pitches = sorted((float(self.lowest_pitch), float(self.highest_pitch)))
        levels = sorted((float(self.softest_db), float(self.loudest_db)))
        return Register(*pitches, *levels)


class Layout:
    """Where a timbre's parts lie.

    Args:
        latent: numbers in the latent.

    >>> Layout(16).space.size
    23
    """

    def __init__(self, latent: int) -> None:
        self.latent = latent
        heard = (Dimension("latent", Kind.GAUSSIAN, latent),) if latent else ()
        manner = (Dimension(name, Kind.RANGE, 1, *ends) for name, ends in _RANGES.items())
        self.space = TimbreSpace((*heard, *manner))

    def latent_of(self, timbre: Float[Tensor, "*notes params"]) -> Float[Tensor, "*notes latent"]:
        """What the decoder is told."""
        return timbre[..., : self.latent]

    def manner_of(self, timbre: Float[Tensor, "*notes params"]) -> Manner:
        """How notes are played."""
        return Manner(*timbre[..., self.latent :].unbind(-1))

    def timbre(
        self, latent: Float[Tensor, "*notes latent"], manner: Manner
    ) -> Float[Tensor, "*notes params"]:
        """The vector of both, each number held to its range."""
        return self.space.project(torch.cat([latent, torch.stack(manner, -1)], -1))
