"""The knobs of a synthesizer as data, and patches as vectors.

In a vector a continuous knob is its position 0..1, and a switch the number of its choice, counted
from 0: numbers that networks predict, searches vary, and timbres are made of.
"""

from __future__ import annotations

import difflib
import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from timbrel.errors import BadInput
from timbrel.sound import Control, Dimension, Kind, TimbreSpace
from timbrel.sound.control import number

UNTOUCHED = 1e-4
"""Of a knob's way: nearer to its default it has not been touched."""


@dataclass(frozen=True)
class Parameters:
    """All knobs of a synthesizer, in order.

    >>> cutoff = Control("cutoff", "Hz", 20.0, 20000.0, 2000.0, "log")
    >>> wave = Control("wave", "", 0, 2, 0, choices=("saw", "square", "sine"))
    >>> knobs = Parameters((cutoff, wave))
    >>> knobs.vector({"wave": 2})
    tensor([0.6667, 2.0000])
    >>> knobs.values(torch.tensor([1 / 3, 0.0]))
    {'cutoff': 200.0, 'wave': 0.0}
    """

    controls: tuple[Control, ...]

    def __iter__(self) -> Iterator[Control]:
        return iter(self.controls)

    def __len__(self) -> int:
        return len(self.controls)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """In order."""
        return tuple(control.name for control in self.controls)

    @cached_property
    def space(self) -> TimbreSpace:
        """What the numbers of a vector mean."""
        return TimbreSpace(tuple(map(_dimension, self.controls)))

    @cached_property
    def is_switch(self) -> Bool[Tensor, " params"]:
        """Which are switches."""
        return torch.tensor([bool(control.choices) for control in self.controls])

    @cached_property
    def defaults(self) -> Float[Tensor, " params"]:
        """The vector of all knobs untouched."""
        return self.vector({})

    def vector(self, values: Mapping[str, float]) -> Float[Tensor, " params"]:
        """Knobs by name as a vector; those not named stand at their default.

        Raises:
            BadInput: no knob of that name, or a value that is no number, or not finite.
        """
        if not isinstance(values, Mapping):
            got = type(values).__name__
            raise BadInput(f"the knobs are {got}, wanted a mapping of numbers by their names")
        for name, value in values.items():
            self._check(name, value)
        placed = (_to_number(c, values.get(c.name, c.default)) for c in self.controls)
        return torch.tensor(list(placed), dtype=torch.float32)

    def values(self, vector: Float[Tensor, " params"]) -> dict[str, float]:
        """A vector as knobs by name, each in its unit; what is out of range stands at its end.

        A number has no more digits than it takes to find the same place again.

        Raises:
            BadInput: it is no vector of as many numbers, or one is not finite.
        """
        if not isinstance(vector, Tensor) or vector.shape != (len(self),):
            is_tensor = isinstance(vector, Tensor)
            got = f"of shape {list(vector.shape)}" if is_tensor else type(vector).__name__
            raise BadInput(f"the patch is {got}, wanted a tensor of shape [{len(self)}]")
        if not bool(vector.isfinite().all()):
            raise BadInput("the patch holds NaN or infinity: wanted positions 0..1 and choices")
        legal = self.space.project(vector.detach().float().cpu()).tolist()
        return {c.name: _from_number(c, x) for c, x in zip(self.controls, legal, strict=True)}

    def named(self, values: Mapping[str, float]) -> dict[str, float | str]:
        """Values by name, of switches the names of their choices.

        >>> wave = Control("wave", "", 0, 2, 0, choices=("saw", "square", "sine"))
        >>> Parameters((wave,)).named({"wave": 1.0})
        {'wave': 'square'}
        """
        switches = {c.name: c for c in self.controls if c.choices}
        return {
            name: switches[name].choices[round(value - switches[name].minimum)]
            if name in switches
            else value
            for name, value in values.items()
        }

    def touched(self, vectors: Float[Tensor, "*batch params"]) -> Bool[Tensor, "*batch params"]:
        """Which knobs of patches stand elsewhere than at their defaults."""
        return (vectors - self.defaults).abs() > UNTOUCHED

    def typical(self, vectors: Float[Tensor, "patches params"]) -> Float[Tensor, " params"]:
        """The median of each knob, and the commonest choice of each switch."""
        middle, commonest = vectors.median(0).values, vectors.mode(0).values
        return torch.where(self.is_switch, commonest, middle)

    def unit_scaled(
        self, vectors: Float[Tensor, "*batch params"]
    ) -> Float[Tensor, "*batch params"]:
        """Patches with switches brought to 0..1 as well: so they can be compared.

        >>> wave = Control("wave", "", 0, 2, 0, choices=("saw", "square", "sine"))
        >>> Parameters((wave,)).unit_scaled(torch.tensor([[1.0]]))
        tensor([[0.5000]])
        """
        return vectors / torch.tensor([max(d.high, 1.0) for d in self.space.dimensions])

    def _check(self, name: str, value: float) -> None:
        if name not in self.names:
            near = difflib.get_close_matches(str(name)[:60], self.names, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(self.names)}"
            raise BadInput(f"no parameter {name!r:.60}: {hint}")
        if not math.isfinite(number(f"parameter {name}", value)):
            raise BadInput(f"parameter {name} is {value}, wanted a number")


def _dimension(control: Control) -> Dimension:
    if control.choices:
        return Dimension(control.name, Kind.CHOICE, 1, 0.0, len(control.choices) - 1.0)
    return Dimension(control.name, Kind.RANGE)


def _to_number(control: Control, value: float) -> float:
    return control.clip(value) - control.minimum if control.choices else control.to_knob(value)


def _from_number(control: Control, number: float) -> float:
    return number + control.minimum if control.choices else _plain(control, number)


def _plain(control: Control, place: float) -> float:
    """The value at a place as people write it: 7, where single precision makes it 6.99999928."""
    exact = control.from_knob(place)
    shorter = (float(f"{exact:.{digits}g}") for digits in range(6, 10))
    return next((x for x in shorter if _single(control.to_knob(x)) == place), exact)


def _single(number: float) -> float:
    (single,) = struct.unpack("f", struct.pack("f", number))
    return single
