"""Timbre spaces: what each number of a timbre vector means, and how timbres mix.

A timbre is always a plain vector. The space knows which of its dimensions are Gaussian latents
(mix linearly or along the sphere that their mass lies on), points on a sphere, ranged knobs,
choices (the strongest corner decides), fixed facts such as a recorded pitch, or residuals: what a
model could not say of one recording, nothing where nothing was recorded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from timbrel.errors import BadInput

MorphPath = Literal["linear", "spherical"]
"""How timbres are mixed: along a line, or along the sphere that Gaussian latents lie on."""

FURTHEST = 1e3
"""No number of any timbre is so far from 0: more is a mistake, and not brought to what is legal."""

FURTHEST_LATENT = 20.0
"""No Gaussian latent is so far from 0; networks that are told much more answer with NaN."""


class Kind(Enum):
    """What a dimension of a timbre is."""

    GAUSSIAN = "gaussian"
    SPHERE = "sphere"
    RANGE = "range"
    CHOICE = "choice"
    FIXED = "fixed"
    RESIDUAL = "residual"


@dataclass(frozen=True)
class Dimension:
    """A run of `size` neighbouring numbers of one kind, legal between `low` and `high`.

    Gaussian ones are legal up to `FURTHEST_LATENT` either way, and those on a sphere have no range.
    """

    name: str
    kind: Kind
    size: int = 1
    low: float = 0.0
    high: float = 1.0


@dataclass(frozen=True)
class TimbreSpace:
    """The meaning of a timbre vector: its dimensions, in order."""

    dimensions: tuple[Dimension, ...]

    @classmethod
    def gaussian(cls, size: int) -> TimbreSpace:
        """A latent space with a standard normal prior."""
        return cls((Dimension("latent", Kind.GAUSSIAN, size),))

    @property
    def size(self) -> int:
        """Numbers in a timbre of this space."""
        return sum(dimension.size for dimension in self.dimensions)

    @property
    def is_learned(self) -> Bool[Tensor, " params"]:
        """Which numbers say what a sound is like, and not what was left over of one recording.

        >>> space = TimbreSpace((Dimension("z", Kind.GAUSSIAN, 2), Dimension("r", Kind.RESIDUAL)))
        >>> space.is_learned
        tensor([ True,  True, False])
        """
        facts = (Kind.RESIDUAL, Kind.FIXED)
        return torch.cat([torch.full((d.size,), d.kind not in facts) for d in self.dimensions])

    def check(self, timbre: Tensor, name: str = "timbre") -> Tensor:
        """The timbre itself, if it fits.

        Raises:
            BadInput: it is no tensor of floats, its last axis has the wrong size, or a value is not
                finite or absurdly large.
        """
        if not isinstance(timbre, Tensor) or not timbre.is_floating_point():
            got = getattr(timbre, "dtype", type(timbre).__name__)
            raise BadInput(f"{name} is {got}, wanted a tensor of floats")
        if timbre.ndim not in (1, 2) or timbre.shape[-1] != self.size:
            got = tuple(timbre.shape)
            raise BadInput(f"{name} has shape {got}, wanted [{self.size}] or [notes {self.size}]")
        if not bool(timbre.isfinite().all()):
            raise BadInput(f"{name} holds NaN or infinity: encode the sound again")
        largest = float(timbre.detach().abs().max()) if timbre.numel() else 0.0
        if largest > FURTHEST:
            raise BadInput(
                f"{name} holds {largest:g}, wanted numbers up to {FURTHEST:g}: take less of a "
                "direction"
            )
        return timbre

    def for_player(self, timbre: Tensor) -> Float[Tensor, " params"]:
        """The nearest legal timbre, of one that is for all notes.

        Raises:
            BadInput: as `check`, or it is no single one.
        """
        timbre = self.check(timbre)
        if timbre.ndim != 1:
            raise BadInput(f"timbre has shape {tuple(timbre.shape)}, wanted [{self.size}]")
        return self.project(timbre.detach().float())

    def for_notes(self, timbre: Tensor, count: int) -> Float[Tensor, "notes params"]:
        """A row for each of so many notes, of one timbre or of as many, each the nearest legal one.

        Raises:
            BadInput: as `check`, or there are neither one nor as many, or there is no note.
        """
        timbre = self.check(timbre)
        if count == 0:
            raise BadInput("there is no note to render: give one or more")
        if timbre.ndim == 2 and len(timbre) not in (1, count):
            raise BadInput(f"{len(timbre)} timbres for {count} notes: give one, or one each")
        return self.project(timbre.float()).expand(count, -1)

    def sample(
        self, count: int, *, generator: torch.Generator | None = None
    ) -> Float[Tensor, "count params"]:
        """Random timbres: normal, uniform on the sphere or from low to high; residuals are 0."""
        parts = []
        for d in self.dimensions:
            if d.kind in (Kind.GAUSSIAN, Kind.SPHERE):
                part = torch.randn(count, d.size, generator=generator)
            elif d.kind is Kind.RESIDUAL:
                part = torch.zeros(count, d.size)
            elif d.kind is Kind.CHOICE:
                choices = (int(d.low), int(d.high) + 1)
                part = torch.randint(*choices, (count, d.size), generator=generator).float()
            else:
                part = torch.rand(count, d.size, generator=generator) * (d.high - d.low) + d.low
            parts.append(part)
        return self.project(torch.cat(parts, dim=1))

    def project(self, timbre: Float[Tensor, "*batch params"]) -> Float[Tensor, "*batch params"]:
        """The nearest legal timbre: on the sphere, within its range, a whole choice."""
        low, high = (limits.to(timbre) for limits in self._limits)
        parts = list(self._split(timbre.clamp(low, high)))
        for i, d in enumerate(self.dimensions):
            if d.kind is Kind.SPHERE:
                parts[i] = parts[i] / parts[i].norm(dim=-1, keepdim=True).clamp_min(1e-9)
            elif d.kind is Kind.CHOICE:
                parts[i] = parts[i].round()
        return torch.cat(parts, dim=-1)

    def mix(
        self,
        corners: Float[Tensor, "corners params"],
        weights: Float[Tensor, "*batch corners"],
        path: MorphPath = "linear",
    ) -> Float[Tensor, "*batch params"]:
        """Morph: the mixture of two or more timbres by weights that sum to 1.

        A weight of exactly 1 returns its corner unchanged, whatever the path.

        Args:
            corners: the timbres to mix.
            weights: one weight for each corner; they must sum to 1.
            path: `linear`, or `spherical`, which mixes directions and lengths apart, so that a
                half-way Gaussian timbre is as long as its corners (linear mixing shortens it by
                up to sqrt(2), towards the average, duller sound).

        >>> space = TimbreSpace.gaussian(2)
        >>> space.mix(torch.eye(2), torch.tensor([0.5, 0.5]), "spherical").norm().item()
        1.0
        """
        self.check(corners, "corners")
        if weights.shape[-1] != len(corners):
            raise BadInput(f"{weights.shape[-1]} weights for {len(corners)} timbres")
        if not bool(torch.isclose(weights.sum(-1), torch.ones(()), atol=1e-4).all()):
            raise BadInput("the weights of a mixture must sum to 1")
        heaviest = weights.argmax(-1)
        parts = []
        for d, part in zip(self.dimensions, self._split(corners), strict=True):
            if d.kind in (Kind.CHOICE, Kind.FIXED):
                mixed = part[heaviest]
            else:
                mixed = weights @ part
                if d.kind is Kind.SPHERE or (d.kind is Kind.GAUSSIAN and path == "spherical"):
                    mixed = _relengthened(mixed, part, weights)
            parts.append(mixed)
        mixed = torch.cat(parts, dim=-1)
        alone = (weights == 1.0).any(-1, keepdim=True) & ((weights != 0).sum(-1, keepdim=True) == 1)
        return torch.where(alone, corners[heaviest], mixed)

    @cached_property
    def _limits(self) -> tuple[Float[Tensor, " params"], Float[Tensor, " params"]]:
        """The lowest and the highest legal value of each number."""
        wide = {Kind.GAUSSIAN: FURTHEST_LATENT, Kind.SPHERE: math.inf}
        ranges = [(-wide[d.kind], wide[d.kind]) if d.kind in wide else (d.low, d.high)
                  for d in self.dimensions]  # fmt: skip
        sizes = torch.tensor([d.size for d in self.dimensions])
        low, high = torch.tensor(ranges).repeat_interleave(sizes, 0).unbind(1)
        return low, high

    def _split(self, timbre: Tensor) -> tuple[Tensor, ...]:
        return timbre.split([dimension.size for dimension in self.dimensions], dim=-1)


def _relengthened(mixed: Tensor, corners: Tensor, weights: Tensor) -> Tensor:
    """`mixed` with the length that its corners have on average.

    For two corners a and b at the angle w this is spherical interpolation up to the speed along
    the arc (normalised linear interpolation), and unlike slerp it is defined for any number of
    corners. Opposite corners have no arc between them: the mixture stays short there.
    """
    length = weights @ corners.norm(dim=-1, keepdim=True)
    norm = mixed.norm(dim=-1, keepdim=True)
    return torch.where(norm > 1e-6, mixed * (length / norm.clamp_min(1e-6)), mixed)
