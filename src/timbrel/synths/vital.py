"""Vital: a wavetable synthesizer, hosted by vita in child processes; under the GPL, an extra.

A patch is where its knobs stand. A .vital preset also holds wavetables, LFO shapes, samples and
cables of modulation, which are no knobs: a patch plays the initial ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from timbrel.sound import Control
from timbrel.synths.hosting import Host, HostedSynth
from timbrel.synths.hosting.hosted import TAIL_S
from timbrel.synths.hosting.worker import VITAL, PlugIn
from timbrel.synths.parameters import Parameters

_MOST_CHOICES = 128


class Vital(HostedSynth):
    """Vital's 772 knobs; renders are repeatable, for which random phases are kept at 0.

    Args:
        processes: how many render at once; None is one a core.
        tail_s: how long a note is listened to after its key went up.

    Raises:
        MissingExtra: vita is not installed.
    """

    name = "vital"
    furthest_bend = 0.0

    def __init__(self, *, processes: int | None = None, tail_s: float = TAIL_S) -> None:
        super().__init__(Host(PlugIn(self.name, VITAL, "", "vital"), processes), tail_s=tail_s)
        self.parameters = Parameters(tuple(map(_control, self.host.controls())))

    def turned(self, values: Mapping[str, float]) -> list[tuple[int | str, float]]:
        """Knobs by name in Vital's own values."""
        return list(values.items())

    def preset(self, values: Mapping[str, float]) -> str:
        """The text of a .vital with the initial preset but for these knobs."""
        _, text = self.host.ask({"values": list(values.items())})
        return text.decode()


def _control(told: dict[str, Any]) -> Control:
    low, high = told["minimum"], told["maximum"]
    return Control(told["name"], "", low, high, told["default"], choices=_choices(told, low, high))


def _choices(told: dict[str, Any], low: float, high: float) -> tuple[str, ...]:
    """Names of a switch's values; its numbers where it has none.

    The order of effects, and quantized transposition, have as many values as combinations: they are
    turned as if they had no steps.
    """
    if not told["is_switch"] or high - low >= _MOST_CHOICES:
        return ()
    numbers = [f"{number:g}" for number in range(round(low), round(high) + 1)]
    named = told["choices"][: len(numbers)]
    return (*named, *numbers[len(named) :])
