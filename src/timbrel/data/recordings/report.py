"""What became of a folder of recordings: which notes were made, what was refused and why."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console, ConsoleOptions
from rich.table import Table
from rich.text import Text

_REFUSED_SHOWN = 30


@dataclass(frozen=True)
class UsedNote:
    """A note of the set and where it comes from.

    Attributes:
        file: the recording.
        note_str, instrument_str: its names in the set.
        folder: the recording's.
        family, source: the instrument's classes.
        number: the instrument's.
        velocity: MIDI velocity, by its level under the instrument's loudest note.
        pitch: MIDI number.
        cents: how far off that key it was recorded.
        hold_s: when its key went up, estimated.
        start_s: where in the recording it begins.
        pitch_from: "sound", or "name" where none could be heard.
    """

    file: str
    note_str: str
    instrument_str: str
    folder: str
    family: str
    source: str
    number: int
    velocity: int
    pitch: int
    cents: float
    hold_s: float
    start_s: float
    pitch_from: str


@dataclass(frozen=True)
class RefusedSound:
    """A sound that is in no set: its file, where in it the sound begins, and what is wrong."""

    file: str
    start_s: float
    reason: str


@dataclass(frozen=True)
class FolderReport:
    """All of it; `print(report)` with rich shows two tables, `report.json` holds the same.

    Attributes:
        folder: the set.
        sources: the patterns, folders and files that it was made of.
        notes: what is in it.
        refused: what is not.
    """

    folder: Path
    sources: tuple[str, ...]
    notes: tuple[UsedNote, ...]
    refused: tuple[RefusedSound, ...]

    def to_json(self) -> str:
        """The report as `report.json` has it."""
        content = {
            "sources": self.sources,
            "notes": [asdict(note) for note in self.notes],
            "refused": [asdict(sound) for sound in self.refused],
        }
        return json.dumps(content, indent=1) + "\n"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Table]:
        """A row for each instrument, and one for each refusal."""
        yield self._instruments()
        if self.refused:
            yield self._refusals()

    def _instruments(self) -> Table:
        table = Table(
            "instrument", "folder", "notes", "pitches", "velocities", "hold (s)", "detuned"
        )
        for name, count in Counter(note.instrument_str for note in self.notes).items():
            notes = [note for note in self.notes if note.instrument_str == name]
            table.add_row(
                name,
                Text(Path(notes[0].folder).name),
                str(count),
                _span([note.pitch for note in notes]),
                _span([note.velocity for note in notes]),
                _span([round(note.hold_s, 1) for note in notes]),
                f"{max(abs(note.cents) for note in notes):.0f} cents",
            )
        return table

    def _refusals(self) -> Table:
        table = Table("refused", "at (s)", "why")
        for sound in self.refused[:_REFUSED_SHOWN]:
            table.add_row(Text(Path(sound.file).name), f"{sound.start_s:.1f}", Text(sound.reason))
        left = len(self.refused) - _REFUSED_SHOWN
        if left > 0:
            table.add_row(f"and {left} more", "", "see report.json")
        return table


def _span(values: list[int] | list[float]) -> str:
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low}-{high}"
