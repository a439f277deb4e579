"""A named, ranged knob: the same object feeds sliders, the command line, MIDI CC and export."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from timbrel.errors import BadInput


def number(what: str, value: Any) -> float:
    """A value as a plain number, which may be NaN or infinite.

    Raises:
        BadInput: it is none.

    >>> number("gain", 3)
    3.0
    """
    try:
        math.isnan(value)  # takes all numbers and, unlike float, no text
        return float(value)
    except (TypeError, ValueError, OverflowError, RuntimeError):  # the last: of tensors
        raise BadInput(f"{what} is {value!r:.40}, wanted a number") from None


@dataclass(frozen=True)
class Control:
    """A knob with a unit and a range.

    Attributes:
        name: what the knob is called, in snake_case.
        unit: physical unit of its value ("s", "Hz", "dB", "" for a plain number).
        minimum, maximum: the ends of its range, in that unit.
        default: where it stands when nobody has touched it.
        curve: how knob travel maps to the value; `log` needs a positive minimum.
        choices: names of its values where it is a switch: minimum, minimum + 1, ... maximum.
    """

    name: str
    unit: str
    minimum: float
    maximum: float
    default: float
    curve: Literal["linear", "log"] = "linear"
    choices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.minimum < self.maximum:
            raise BadInput(f"control {self.name}: minimum {self.minimum} is not below its maximum")
        if self.curve == "log" and self.minimum <= 0:
            raise BadInput(f"control {self.name}: a log curve needs a minimum above 0")
        if self.choices and len(self.choices) != self.maximum - self.minimum + 1:
            raise BadInput(
                f"control {self.name}: {len(self.choices)} choices from {self.minimum:g} to "
                f"{self.maximum:g}: wanted one for each whole number"
            )

    def clip(self, value: float) -> float:
        """The nearest value in the range, whole where it is a switch; a NaN becomes the default.

        Raises:
            BadInput: it is no number.
        """
        value = number(self.name, value)
        if math.isnan(value):
            return self.default
        value = min(max(value, self.minimum), self.maximum)
        return float(round(value)) if self.choices else value

    def from_knob(self, position: float) -> float:
        """The value at a knob position 0..1.

        >>> Control("cutoff", "Hz", 20.0, 20000.0, 1000.0, "log").from_knob(1 / 3)
        200.0
        """
        position = min(max(position, 0.0), 1.0)
        if self.curve == "log":
            return self.clip(self.minimum * (self.maximum / self.minimum) ** position)
        return self.clip(self.minimum + (self.maximum - self.minimum) * position)

    def to_knob(self, value: float) -> float:
        """The knob position 0..1 of a value; the inverse of `from_knob`."""
        value = self.clip(value)
        if self.curve == "log":
            return math.log(value / self.minimum) / math.log(self.maximum / self.minimum)
        return (value - self.minimum) / (self.maximum - self.minimum)
