"""Harmonics in groups: few numbers for many partials.

The ear tells the lowest harmonics apart and hears the higher ones in groups. So each of the first
32 has a slot of its own, and from there on slots widen by 7 %: 63 of them reach the 250th harmonic,
where a note at 32 Hz meets 8 kHz.
"""

from __future__ import annotations

from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.tracks.tracks import SILENT_DB
from timbrel.units import db_to_power, power_to_db

_SINGLE = 32
_WIDER = 1.07


class Slots:
    """Groups of harmonic numbers up to some highest one.

    Args:
        n_harmonics: how many harmonics the slots must hold.

    >>> slots = Slots(250)
    >>> slots.n_slots, slots.firsts[31:35].tolist()
    (63, [32, 33, 35, 37])
    """

    def __init__(self, n_harmonics: int) -> None:
        edges = list(range(1, min(n_harmonics, _SINGLE) + 2))
        while edges[-1] <= n_harmonics:
            edges.append(max(edges[-1] + 1, round(edges[-1] * _WIDER)))
        self._edges = torch.tensor(edges)

    @property
    def n_slots(self) -> int:
        """How many groups there are."""
        return len(self._edges) - 1

    @property
    def firsts(self) -> Tensor:
        """Lowest harmonic number of each slot."""
        return self._edges[:-1]

    @property
    def counts(self) -> Float[Tensor, " slots"]:
        """Harmonics in each slot."""
        return (self._edges[1:] - self._edges[:-1]).float()

    @cached_property
    def centres(self) -> Float[Tensor, " slots"]:
        """The middle harmonic number of each slot, fractional."""
        return (self._edges[:-1] + self._edges[1:] - 1) / 2

    def pooled(
        self, harmonic_db: Float[Tensor, "*batch harmonics"]
    ) -> Float[Tensor, "*batch slots"]:
        """Mean power of each slot's harmonics in dB; those that are missing count as silent.

        >>> Slots(40).pooled(torch.full((33,), -20.0))[[0, 32, 33]]
        tensor([ -20.,  -23., -120.])
        """
        power = db_to_power(harmonic_db) * (harmonic_db > SILENT_DB)
        # In single precision a running sum loses what lies 72 dB below its loudest term.
        total = torch.nn.functional.pad(power.double().cumsum(-1), (1, 0))
        edges = (self._edges - 1).clamp(max=power.shape[-1]).to(power.device)
        mean = (total[..., edges[1:]] - total[..., edges[:-1]]).to(power) / self.counts.to(power)
        return power_to_db(mean.clamp_min(1e-30)).clamp_min(SILENT_DB)

    def spread(
        self, slot_db: Float[Tensor, "*batch slots"], n_harmonics: int
    ) -> Float[Tensor, "*batch harmonics"]:
        """A level for every harmonic: its slot's, between slots linear in dB.

        >>> Slots(40).spread(torch.arange(36.0), 4)
        tensor([0., 1., 2., 3.])
        """
        return slot_db @ self.interpolation(n_harmonics).to(slot_db)

    def interpolation(self, n_harmonics: int) -> Float[Tensor, "slots harmonics"]:
        """Weight of each slot in each harmonic."""
        order = torch.arange(1, n_harmonics + 1).float()
        right = torch.searchsorted(self.centres, order).clamp(1, self.n_slots - 1)
        apart = self.centres[right] - self.centres[right - 1]
        share = ((order - self.centres[right - 1]) / apart).clamp(0, 1)
        weights = torch.zeros(self.n_slots, n_harmonics)
        column = torch.arange(n_harmonics)
        weights[right - 1, column] = 1 - share
        weights[right, column] += share
        return weights
