"""What is different each time that a note is played: little enough, and never nothing.

Equal takes one after another sound like a machine. Each take has phases, a place in the noise,
and a fraction of a dB and of a few cents of its own.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.sound import Notes

_DETUNE_CENTS, DRIFT_CENTS, _LEVEL_DB = 1.0, 1.5, 0.3
DRIFTS_HZ = (0.17, 0.41, 0.73)
_NOISE_STARTS = 1 << 20


@dataclass(frozen=True, eq=False)
class Take:
    """The chances of one take.

    Attributes:
        seed: of the phases.
        noise_start: sample of the noise bank to begin at.
        turn: where vibrato begins, in cycles.
        level_db, detune_cents: off the level and the pitch.
        drifts: where each slow drift of the pitch begins, in cycles.
    """

    seed: int
    noise_start: int
    turn: float
    level_db: float
    detune_cents: float
    drifts: Float[Tensor, " drifts"]

    def phases(self, n_harmonics: int) -> Float[Tensor, " harmonics"]:
        """Where each partial begins, in cycles."""
        return torch.rand(n_harmonics, generator=torch.Generator().manual_seed(self.seed))

    def drift_cents(self, time_s: Float[Tensor, " frames"]) -> Float[Tensor, " frames"]:
        """Cents off the pitch, slowly moving."""
        angle = 2 * math.pi * (time_s[:, None] * torch.tensor(DRIFTS_HZ) + self.drifts)
        return self.detune_cents + DRIFT_CENTS / len(DRIFTS_HZ) * angle.sin().sum(1)


def takes_of(notes: Notes, generator: torch.Generator | None) -> list[Take]:
    """A take for each note, the same in any batch; with a generator equal notes differ.

    Without one, equal notes sound equal: what is compared should differ in one thing only.
    """
    salt = 0 if generator is None else int(torch.randint(1 << 31, (), generator=generator))
    seen: dict[tuple[int, ...], int] = {}
    takes = []
    for numbers in zip(notes.pitch.tolist(), notes.velocity.tolist(), notes.duration_s.tolist(),
                       strict=True):  # fmt: skip
        note = tuple(round(number * 1000) for number in numbers)
        again = seen.get(note, 0)
        seen[note] = again + 1
        takes.append(take_of(salt, 0 if generator is None else again, *note))
    return takes


def take_of(*numbers: int) -> Take:
    """The take that belongs to some numbers."""
    digest = hashlib.blake2b(repr(numbers).encode(), digest_size=8).digest()
    seed = int.from_bytes(digest, "little") >> 1
    generator = torch.Generator().manual_seed(seed)
    turn, *drifts = torch.rand(1 + len(DRIFTS_HZ), generator=generator).tolist()
    level, detune = (torch.randn(2, generator=generator).clamp(-2, 2) / 2).tolist()
    noise_start = int(torch.randint(_NOISE_STARTS, (), generator=generator))
    return Take(
        seed, noise_start, turn, _LEVEL_DB * level, _DETUNE_CENTS * detune, torch.tensor(drifts)
    )
