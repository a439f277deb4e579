"""Which notes a SoundFont set holds: settings in, a list of notes out. Nothing sounds here."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from timbrel.config import Settings
from timbrel.data.notes.nsynth_layout import HOLD_S, LENGTH_S, SAMPLE_RATE, note_name
from timbrel.data.soundfonts.gm_programs import Program

ProgramNumber = Annotated[int, Field(ge=0, le=127)]
Split = Literal["train", "valid", "test"]


class PitchRange(Settings):
    """Every `step`-th pitch from `lowest` to `highest`, both included."""

    lowest: int = Field(default=21, ge=0, le=127)
    highest: int = Field(default=108, ge=0, le=127)
    step: int = Field(default=1, ge=1)

    @property
    def numbers(self) -> range:
        """The pitches."""
        return range(self.lowest, self.highest + 1, self.step)


class SplitSettings(Settings):
    """One split of a set.

    Attributes:
        instruments: the programs that are not held out ("seen"), those that are, or "all".
        pitches: MIDI numbers.
        velocities: MIDI velocities, 1..127.
        short_holds: extra notes with a short hold, as a share of the others; each repeats a
            random one of them, held for 0.05 to 2 s (log-uniform).
    """

    instruments: Literal["seen", "held_out", "all"] = "seen"
    pitches: PitchRange = PitchRange()
    velocities: tuple[Annotated[int, Field(ge=1, le=127)], ...] = (25, 50, 75, 100, 127)
    short_holds: float = Field(default=0.0, ge=0.0, le=1.0)


class SoundFontSettings(Settings):
    """What `render_soundfont` makes of a font.

    Attributes:
        programs: General MIDI numbers; None for the 92 that have a family in NSynth's table.
        held_out: programs that "seen" splits leave out.
        families: NSynth family of a program that has none, or another than the table's.
        bank: the font's bank.
        sample_rate: in Hz.
        hold_s, length_s: seconds that the key is held, and that the note lasts in all.
        gain_db: one gain for every note; notes are never normalised, so velocity stays audible.
        quietest: notes with a lower peak are left out: they lie beyond the program's range.
        short_hold_range_s: between which the short holds are drawn.
        seed: of that draw.
        splits: which notes each split holds.
    """

    programs: tuple[ProgramNumber, ...] | None = None
    held_out: tuple[ProgramNumber, ...] = ()
    families: dict[ProgramNumber, str] = Field(default_factory=dict)
    bank: int = Field(default=0, ge=0, le=127)
    sample_rate: int = Field(default=SAMPLE_RATE, ge=8000, le=192000)
    hold_s: float = Field(default=HOLD_S, gt=0, le=60)
    length_s: float = Field(default=LENGTH_S, gt=0, le=120)
    gain_db: float = Field(default=-3.0, ge=-60, le=20)
    quietest: float = Field(default=1e-3, ge=0, lt=1)
    short_hold_range_s: tuple[
        Annotated[float, Field(ge=0.001, le=60)], Annotated[float, Field(ge=0.001, le=60)]
    ] = (0.05, 2.0)
    seed: int = 0
    splits: dict[Split, SplitSettings] = Field(default={"train": SplitSettings()}, min_length=1)


@dataclass(frozen=True)
class PlannedNote:
    """One note to render; `hold_s` None holds it as long as the set's settings say."""

    split: Split
    program: Program
    pitch: int
    velocity: int
    hold_s: float | None = None

    @property
    def note_str(self) -> str:
        """Its name in the set."""
        return note_name(self.program.instrument_str, self.pitch, self.velocity, self.hold_s)


def plan_notes(
    settings: SoundFontSettings, programs: tuple[Program, ...]
) -> tuple[PlannedNote, ...]:
    """All notes of a set, program by program within each split."""
    return tuple(
        note
        for name, split in settings.splits.items()
        for note in _with_short_holds(_grid(name, split, settings, programs), split, settings)
    )


def _grid(
    name: Split, split: SplitSettings, settings: SoundFontSettings, programs: tuple[Program, ...]
) -> list[PlannedNote]:
    chosen = [
        program
        for program in programs
        if split.instruments == "all"
        or (program.number in settings.held_out) == (split.instruments == "held_out")
    ]
    return [
        PlannedNote(name, program, pitch, velocity)
        for program in chosen
        for pitch in split.pitches.numbers
        for velocity in dict.fromkeys(split.velocities)
    ]


def _with_short_holds(
    notes: list[PlannedNote], split: SplitSettings, settings: SoundFontSettings
) -> list[PlannedNote]:
    """The notes, and behind each chosen one its double with a short hold.

    Holds are whole milliseconds, because the note's name tells them.
    """
    chance = random.Random(f"{settings.seed} short holds")
    chosen = set(chance.sample(range(len(notes)), round(split.short_holds * len(notes))))
    shortest, longest = (math.log(hold_s) for hold_s in settings.short_hold_range_s)
    result = []
    for place, note in enumerate(notes):
        result.append(note)
        if place in chosen:
            hold_s = round(math.exp(chance.uniform(shortest, longest)), 3)
            result.append(PlannedNote(note.split, note.program, note.pitch, note.velocity, hold_s))
    return result
