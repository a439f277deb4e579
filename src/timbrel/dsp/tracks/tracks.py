"""A note as curves over time: harmonics, noise in bands, and a burst at its attack.

This is what analysis finds, what the `harmonic` family's decoder says, and what synthesis plays.
The curves are plain numbers in Hz and dB, so that they can be plotted, edited and averaged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.units import db_to_amplitude

FRAME_RATE = 200.0
"""Frames per second: one every 5 ms."""

TRANSIENT_RATE = 800.0
"""Ticks of the burst per second: one every 1.25 ms."""

TRANSIENT_TICKS = 64
"""The burst lasts 80 ms at most."""

SILENT_DB = -120.0
"""This level and all below it are silence."""


@dataclass(frozen=True, eq=False)
class Tracks:
    """A note, or a batch of notes, as curves over time.

    Attributes:
        frame_rate: frames per second; frame t stands at t / frame_rate seconds.
        f0_hz: fundamental; where it is 0 no harmonic sounds.
        harmonic_db: amplitude of partial 1, 2, ... re a sine of full scale.
        offset: partial k sounds at (k + offset_k) * f0, in (-0.5, 0.5]: bells, stiff strings.
        noise_db: RMS in each of `Bands`, re full scale.
        transient_db: extra noise in the same bands from 0 s on, `TRANSIENT_RATE` ticks a second.
    """

    frame_rate: float
    f0_hz: Float[Tensor, "*batch frames"]
    harmonic_db: Float[Tensor, "*batch frames harmonics"]
    offset: Float[Tensor, "*batch harmonics"]
    noise_db: Float[Tensor, "*batch frames bands"]
    transient_db: Float[Tensor, "*batch ticks bands"]

    @property
    def batch(self) -> tuple[int, ...]:
        """Shape of the batch; () for one note."""
        return tuple(self.f0_hz.shape[:-1])

    @property
    def n_frames(self) -> int:
        """Frames of each note."""
        return self.f0_hz.shape[-1]

    @property
    def n_harmonics(self) -> int:
        """Partials of each note, silent ones included."""
        return self.harmonic_db.shape[-1]

    @property
    def n_bands(self) -> int:
        """Bands of noise."""
        return self.noise_db.shape[-1]

    @property
    def duration_s(self) -> float:
        """Time from the first frame to the last."""
        return (self.n_frames - 1) / self.frame_rate

    def __getitem__(self, index: int | slice | Tensor) -> Tracks:
        """Notes of a batch."""
        return self.map(lambda curve: curve[index])

    def map(self, change: Callable[[Tensor], Tensor]) -> Tracks:
        """The same change made to every curve.

        >>> silence(3, frames=5, harmonics=4, bands=2).map(torch.Tensor.double).f0_hz.dtype
        torch.float64
        """
        return Tracks(self.frame_rate, *(change(curve) for curve in self._curves()))

    def _curves(self) -> list[Tensor]:
        return [getattr(self, field.name) for field in fields(self)[1:]]


def stack(notes: Sequence[Tracks]) -> Tracks:
    """A batch of notes of equal size.

    >>> stack([silence(frames=5, harmonics=4, bands=2)] * 3).batch
    (3,)
    """
    curves = zip(*(note._curves() for note in notes), strict=True)
    return Tracks(notes[0].frame_rate, *(torch.stack(curve) for curve in curves))


def silence(
    *batch: int, frames: int, harmonics: int, bands: int, frame_rate: float = FRAME_RATE
) -> Tracks:
    """Notes in which nothing sounds, to build others from (`dataclasses.replace`).

    >>> silence(2, frames=201, harmonics=100, bands=40).duration_s
    1.0
    """
    return Tracks(
        frame_rate,
        torch.zeros(*batch, frames),
        torch.full((*batch, frames, harmonics), SILENT_DB),
        torch.zeros(*batch, harmonics),
        torch.full((*batch, frames, bands), SILENT_DB),
        torch.full((*batch, TRANSIENT_TICKS, bands), SILENT_DB),
    )


def amplitude_of(level_db: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """Linear amplitude; silence is exactly 0.

    >>> amplitude_of(torch.tensor([-20.0, -120.0]))
    tensor([0.1000, 0.0000])
    """
    return torch.where(level_db > SILENT_DB, db_to_amplitude(level_db), level_db.new_zeros(()))
