"""General MIDI's programs as NSynth instruments.

`gm_programs.csv` was made for FluidR3Mono_GM.sf3 by playing every program over the keyboard: its
family and source in NSynth's tables (none for pads, effects and drums, which NSynth has no family
for), the range in which it sounds, and the pitches at which a pitch tracker agrees with the label.
Families and sources hold for any General MIDI font; ranges and pitches are FluidR3Mono's.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files

from timbrel.data.notes.nsynth_layout import FAMILIES, instrument_name
from timbrel.errors import BadConfig


@dataclass(frozen=True)
class Program:
    """A General MIDI program; `family` is None where NSynth has none for it.

    `short_name` is what a bank of timbres calls it: one word that needs no quotes.
    """

    number: int
    name: str
    short_name: str
    family: str | None
    source: str

    @property
    def instrument_str(self) -> str:
        """Its name as an NSynth instrument: the program's number within its family."""
        return instrument_name(self.family or "unknown", self.source, self.number)


@lru_cache(maxsize=1)
def gm_programs() -> tuple[Program, ...]:
    """All 128 programs, in order.

    >>> sum(program.family is not None for program in gm_programs())
    92
    """
    text = files("timbrel.data.soundfonts").joinpath("gm_programs.csv").read_text(encoding="utf-8")
    return tuple(
        Program(
            int(row["program"]),
            row["name"],
            row["short_name"],
            row["nsynth_family"] or None,
            row["nsynth_source"],
        )
        for row in csv.DictReader(text.splitlines())
    )


def chosen_programs(
    numbers: tuple[int, ...] | None, families: Mapping[int, str]
) -> tuple[Program, ...]:
    """The programs of those numbers (None: all that have a family), families replaced as given.

    Raises:
        BadConfig: a program has no family in NSynth's table and none was given.
    """
    for number, family in families.items():
        if family not in FAMILIES:
            raise BadConfig(f"families.{number} = {family!r}: wanted one of {', '.join(FAMILIES)}")
    known = [
        replace(p, family=families.get(p.number, p.family))
        for p in gm_programs()
    ]  # fmt: skip
    if numbers is None:
        return tuple(program for program in known if program.family)
    for number in numbers:
        if known[number].family is None:
            raise BadConfig(
                f"program {number} ({known[number].name}) has no NSynth family: leave it out, or "
                f"give it one, as families.{number} = 'synth_lead'"
            )
    return tuple(known[number] for number in sorted(set(numbers)))
