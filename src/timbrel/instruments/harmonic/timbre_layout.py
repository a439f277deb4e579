"""What the numbers of a `harmonic` timbre mean: a latent, and what it does not say of a recording.

| part              | what                                                                       |
|-------------------|----------------------------------------------------------------------------|
| `latent`          | what the decoder is told                                                   |
| `pitch`           | MIDI number of the recording                                               |
| `known_s`         | how long its key was held, or how much of that was recorded                |
| `offset`          | of the lowest partials, as in `Tracks`                                     |
| `partial`         | dB beyond the decoder, at `held_s` and then at `released_s`: slots in groups |
| `noise`           | the same of the bands of noise                                             |
| `wander`          | cents around the pitch, `MOVED_RATE` numbers a second                      |
| `swell`           | dB by which all partials move together, beyond `partial`                   |
| `burst`           | dB above `SOFTEST_DB` of the burst at the attack                           |

All but the first three are residuals: where they are 0 the decoder plays alone.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.tracks.tracks import TRANSIENT_TICKS
from timbrel.instruments.harmonic.course import LAST_RELEASE_S, LAST_S, ever_wider
from timbrel.instruments.harmonic.knots import hats
from timbrel.instruments.harmonic.said import SOFTEST_DB
from timbrel.sound import Dimension, Kind, TimbreSpace

N_OFFSETS = 32
"""The lowest partials, whose offsets are kept."""

MOVED_RATE = 40.0
"""Points a second of `wander` and `swell`."""

_N_MOVED = int(LAST_S * MOVED_RATE) + 1
_N_HELD, _N_NOISE_HELD, _N_RELEASED = 40, 32, 6
_N_GROUPS, _N_SINGLE, _N_BAND_GROUPS = 40, 24, 29
_BURST_TICKS, _BURST_BANDS = 16, 12
_DENSE_S, _DENSE_RELEASE_S = 0.1, 0.08

_KINDS = {"latent": Kind.GAUSSIAN, "pitch": Kind.RANGE, "known_s": Kind.RANGE}
_MOST_DB = 80.0
_RANGES = {
    "pitch": (0.0, 127.0),
    "known_s": (0.0, LAST_S),
    "offset": (-0.5, 0.5),
    "wander": (-100.0, 100.0),
    "swell": (-24.0, 24.0),
    "burst": (0.0, -SOFTEST_DB),
}
"""Lowest and highest number of a part; without an entry `_MOST_DB` either way."""


class Parts(NamedTuple):
    """A timbre's parts, or those of a batch: see the module's table."""

    latent: Float[Tensor, "*batch latent"]
    pitch: Float[Tensor, "*batch"]
    known_s: Float[Tensor, "*batch"]
    offset: Float[Tensor, "*batch offsets"]
    partial: Float[Tensor, "*batch held groups"]
    partial_released: Float[Tensor, "*batch released groups"]
    noise: Float[Tensor, "*batch noise_held band_groups"]
    noise_released: Float[Tensor, "*batch released band_groups"]
    wander: Float[Tensor, "*batch moved"]
    swell: Float[Tensor, "*batch moved"]
    burst: Float[Tensor, "*batch burst_ticks burst_bands"]

    def of_note(self, number: int) -> Parts:
        """Those of one note of a batch."""
        return Parts(*(part[number] for part in self))


class Layout:
    """Where a timbre's parts lie, and the knots that their numbers stand at.

    Args:
        latent: numbers in the latent.
        n_slots: of the model.
        n_bands: of the model.

    >>> layout = Layout(64, 63, 40)
    >>> layout.space.size, layout.n_band_groups
    (3546, 29)
    """

    def __init__(self, latent: int, n_slots: int, n_bands: int) -> None:
        self.n_slots, self.n_bands = n_slots, n_bands
        self.n_groups = min(_N_GROUPS, n_slots)
        self.n_band_groups = min(_N_BAND_GROUPS, n_bands)
        self.held_s = ever_wider(_N_HELD, _DENSE_S, LAST_S)
        self.noise_held_s = ever_wider(_N_NOISE_HELD, _DENSE_S, LAST_S)
        self.released_s = ever_wider(_N_RELEASED, _DENSE_RELEASE_S, LAST_RELEASE_S)
        self.moved_s = torch.arange(_N_MOVED) / MOVED_RATE
        self._shapes: dict[str, tuple[int, ...]] = {
            "latent": (latent,),
            "pitch": (),
            "known_s": (),
            "offset": (N_OFFSETS,),
            "partial": (_N_HELD, self.n_groups),
            "partial_released": (_N_RELEASED, self.n_groups),
            "noise": (_N_NOISE_HELD, self.n_band_groups),
            "noise_released": (_N_RELEASED, self.n_band_groups),
            "wander": (_N_MOVED,),
            "swell": (_N_MOVED,),
            "burst": (_BURST_TICKS, _BURST_BANDS),
        }
        self.space = TimbreSpace(tuple(self._dimension(name) for name in Parts._fields))

    @cached_property
    def of_slots(self) -> Float[Tensor, "slots groups"]:
        """Weight of each group in each slot: the lowest slots are groups of their own."""
        single = min(_N_SINGLE, self.n_groups - 1)
        rest = torch.linspace(single - 1, self.n_slots - 1, self.n_groups - single + 1)[1:]
        return hats(torch.arange(self.n_slots).float(), torch.cat([torch.arange(single), rest]))

    @cached_property
    def of_bands(self) -> Float[Tensor, "bands band_groups"]:
        """Weight of each group of bands in each band."""
        return _evenly(self.n_bands, self.n_band_groups)

    @cached_property
    def burst_of_bands(self) -> Float[Tensor, "bands burst_bands"]:
        """Weight of each of the burst's few bands in each band."""
        return _evenly(self.n_bands, _BURST_BANDS)

    @cached_property
    def burst_of_ticks(self) -> Float[Tensor, "ticks burst_ticks"]:
        """Weight of each of the burst's few ticks in each tick."""
        each = TRANSIENT_TICKS / _BURST_TICKS
        middles = (torch.arange(_BURST_TICKS) + 0.5) * each - 0.5
        return hats(torch.arange(TRANSIENT_TICKS).float(), middles)

    def parts(self, timbre: Float[Tensor, "*batch params"]) -> Parts:
        """A timbre taken apart."""
        sizes = [dimension.size for dimension in self.space.dimensions]
        shapes = self._shapes.values()
        batch = timbre.shape[:-1]
        return Parts(*(
            part.reshape((*batch, *shape))
            for part, shape in zip(timbre.split(sizes, -1), shapes, strict=True)
        ))  # fmt: skip

    def timbre(self, parts: Parts) -> Float[Tensor, "*batch params"]:
        """The vector of some parts, each held to its range."""
        batch = parts.pitch.shape
        return self.space.project(torch.cat([part.reshape(*batch, -1) for part in parts], -1))

    def zero(self) -> Parts:
        """A timbre without any residual, all else 0 too."""
        return self.parts(torch.zeros(self.space.size))

    def _dimension(self, name: str) -> Dimension:
        low, high = _RANGES.get(name, (-_MOST_DB, _MOST_DB))
        size = math.prod(self._shapes[name])
        return Dimension(name, _KINDS.get(name, Kind.RESIDUAL), size, low, high)


def _evenly(n_points: int, n_knots: int) -> Float[Tensor, "points knots"]:
    return hats(torch.arange(n_points).float(), torch.linspace(0, n_points - 1, n_knots))
