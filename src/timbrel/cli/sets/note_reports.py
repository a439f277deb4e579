"""What making a set was asked for, and what came of it, as plain figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from timbrel.config import Settings, make_settings, read_settings, with_overrides
from timbrel.data import NoteSet
from timbrel.data.notes.nsynth_layout import SPLITS
from timbrel.data.notes.overview import draw_note_set
from timbrel.data.recordings.folder import FolderSettings
from timbrel.data.recordings.report import FolderReport
from timbrel.data.soundfonts.soundfont import SoundFontReport, SoundFontSettings
from timbrel.errors import BadInput
from timbrel.units import pitch_name

S = TypeVar("S", bound=Settings)


def soundfont_settings(config: Path | None, overrides: Sequence[str]) -> SoundFontSettings:
    """Settings of a SoundFont set."""
    return settings_of(SoundFontSettings, config, overrides)


def folder_settings(config: Path | None, words: Sequence[str]) -> FolderSettings:
    """Settings of a set of recordings: those words that are no recordings."""
    return settings_of(FolderSettings, config, [word for word in words if _is_setting(word)])


def recordings(words: Sequence[str]) -> list[str]:
    """Those words that are no settings.

    Raises:
        BadInput: there are none.
    """
    found = [word for word in words if not _is_setting(word)]
    if not found:
        raise BadInput("no recordings named: give a folder, or a pattern such as 'data/**/*.wav'")
    return found


def _is_setting(word: str) -> bool:
    return "=" in word and not Path(word).exists()


def settings_of(cls: type[S], config: Path | None, overrides: Sequence[str]) -> S:
    """From a file, if one is given, and the overrides on top."""
    if config is not None:
        return read_settings(cls, config, overrides)
    return make_settings(cls, with_overrides({}, overrides))


def soundfont_figures(report: SoundFontReport) -> dict[str, Any]:
    """What a rendered set holds."""
    return {
        "folder": report.folder,
        **{f"notes_{split}": count for split, count in report.notes.items()},
        "silent": report.silent,
        "clipped": report.clipped,
        "absent": list(report.absent),
    }


def set_figures(notes: NoteSet) -> dict[str, Any]:
    """What a set of notes holds."""
    records = [notes[i] for i in range(len(notes))]
    pitches = sorted(record.pitch for record in records)
    holds_s = sorted(record.hold_s for record in records)
    return {
        "folder": notes.folder,
        "notes": len(notes),
        "instruments": len(notes.instruments),
        "sample_rate_hz": notes.sample_rate,
        "lowest": pitch_name(pitches[0]),
        "highest": pitch_name(pitches[-1]),
        "velocities": sorted({record.velocity for record in records}),
        "shortest_hold_s": holds_s[0],
        "longest_hold_s": holds_s[-1],
        "families": dict(Counter(record.family for record in records).most_common()),
        "sources": dict(Counter(record.source for record in records).most_common()),
        "qualities": dict(Counter(q for record in records for q in record.qualities).most_common()),
    }


def flat(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Counts within figures as figures of their own.

    >>> flat({"notes": 2, "families": {"guitar": 2}})
    {'notes': 2, 'families: guitar': 2}
    """
    counts = {key: value for key, value in figures.items() if isinstance(value, Mapping)}
    within = {f"{key}: {name}": n for key, names in counts.items() for name, n in names.items()}
    return {key: value for key, value in figures.items() if key not in counts} | within


def draw_set(folder: Path) -> Path:
    """A picture of a set's first split, in the set's folder."""
    split = next(s for s in SPLITS if (folder / f"nsynth-{s}").is_dir())
    return draw_note_set(NoteSet.open(folder, split), folder / "overview.png")


def print_report(report: FolderReport) -> None:
    """What became of a folder of recordings, as tables and the set's path."""
    from rich.console import Console

    Console().print(report)
    print(report.folder)
