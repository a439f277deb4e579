"""The family's controls while it plays: each is followed for some 40 ms from where it was."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np

from timbrel.dsp.compiling import kernel
from timbrel.errors import BadInput
from timbrel.instruments.ddsp.knobs import CONTROLS, Knobs

KNOB_S = 0.015
"""Time constant with which knobs are followed."""

NUMBER = {control.name: number for number, control in enumerate(CONTROLS)}
BEND = len(CONTROLS)
"""Number of what is no control, and moves as one: semitones."""

FROM, TO, AT = range(3)


class Turning:
    """Where the controls stand.

    Args:
        sample_rate: of the clock, in Hz.

    Attributes:
        knobs: where each knob was when it was turned, to what, and when; last the bend, and in
            the first row behind it the time constant, in samples.
    """

    def __init__(self, sample_rate: int) -> None:
        self.knobs = np.zeros((3, BEND + 2))
        self.knobs[FROM:AT, :BEND] = [control.default for control in CONTROLS]
        self.knobs[FROM, -1] = KNOB_S * sample_rate
        # so that no later call compiles
        knob_at(self.knobs, 0, 0.0)

    @classmethod
    def at(cls, knobs: Knobs, sample_rate: int) -> Turning:
        """Controls that stand, and are not moved."""
        turning = cls(sample_rate)
        turning.knobs[FROM:AT, :BEND] = astuple(knobs)
        return turning

    def goal(self, control: str) -> float:
        """What a control was turned to."""
        return float(self.knobs[TO, NUMBER[control]])

    def set(self, control: str, value: float, clock: int, *, is_heard: bool) -> None:
        """Turn a control; where nothing is heard nobody hears it move.

        Raises:
            BadInput: there is no such control, or the value is no number.
        """
        if not isinstance(control, str) or control not in NUMBER:
            raise BadInput(f"no control {control!r}: this instrument has {', '.join(NUMBER)}")
        number = NUMBER[control]
        self.move(number, CONTROLS[number].clip(value), clock, is_heard=is_heard)

    def move(self, number: int, goal: float, clock: int, *, is_heard: bool) -> None:
        """The same of a knob by its number, to a value in its range."""
        here = knob_at(self.knobs, number, float(clock)) if is_heard else goal
        self.knobs[:, number] = here, goal, clock


@kernel
def knob_at(knobs, knob, at):
    """Where a knob stands at a sample of the clock."""
    start, goal = knobs[FROM, knob], knobs[TO, knob]
    if start == goal:
        return goal
    since = max(at - knobs[AT, knob], 0.0)
    return goal + (start - goal) * np.exp(-since / knobs[FROM, -1])
