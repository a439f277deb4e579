"""What making and hearing phrases was asked for, and what came of it, as plain figures."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from timbrel.audio import probe
from timbrel.cli.names import path_name
from timbrel.cli.output import say_figures
from timbrel.cli.places import Place, file_name, folder_for
from timbrel.cli.sets.note_reports import settings_of
from timbrel.data.phrases.guitarset import GuitarSetReport
from timbrel.data.phrases.melody_overview import draw_melodies
from timbrel.data.phrases.melody_report import MelodyReport, report_melodies
from timbrel.data.phrases.phrase_set import PhraseSet
from timbrel.data.phrases.plan import PhraseSettings
from timbrel.data.phrases.soundfont_phrases import PhraseReport
from timbrel.dsp.trackers import Tracker
from timbrel.picture import draw_takes
from timbrel.progress import Progress


def phrase_settings(config: Path | None, overrides: Sequence[str]) -> PhraseSettings:
    """Settings of sets that a SoundFont plays."""
    return settings_of(PhraseSettings, config, overrides)


def phrase_figures(report: PhraseReport) -> dict[str, Any]:
    """What was rendered."""
    return {
        "folder": report.folder,
        **{f"phrases_{split}": count for split, count in report.phrases.items()},
        **{f"minutes_{name}": minutes for name, minutes in report.minutes.items()},
        "silent": report.silent,
    }


def draw_phrases(report: PhraseReport) -> Path:
    """A phrase of each instrument side by side, in the folder of the sets."""
    sets = [PhraseSet.open(report.folder / name) for name in report.minutes]
    sample_rate = probe(sets[0].paths[0]).sample_rate
    sounds = [phrases.audio(0, sample_rate) for phrases in sets]
    path = report.folder / "overview.png"
    return draw_takes(path, list(report.minutes), sounds, sample_rate)


def look_at_sets(
    sets: Sequence[PhraseSet],
    tracker: Tracker,
    against: Tracker | None,
    out: Path | None,
    *,
    is_drawn: bool,
    processes: int | None,
    progress: Progress,
) -> tuple[list[MelodyReport], list[Path]]:
    """What the melodies of each set are like, and a picture of each set, where they are drawn.

    Each set has a folder of pictures to itself: those of sets looked at before stay.
    """
    reports: list[MelodyReport] = []
    home = folder_for(out, "melodies").folder

    def look(phrases: PhraseSet, pictures: Path | None) -> list[Path]:
        report = report_melodies(
            phrases, tracker, against, pictures=pictures, processes=processes, progress=progress
        )
        reports.append(report)
        if pictures is None or not report.clips:
            return []
        return [draw_melodies(report, pictures / "overview.png")]

    overviews: list[Path] = []
    for phrases in sets:
        place = Place(home / file_name(path_name(phrases.folder)))
        draw = partial(look, phrases)
        overviews += place.fill(draw) if is_drawn else draw(None)
    return reports, overviews


def print_reports(reports: Sequence[MelodyReport]) -> None:
    """What is doubtful in each set as a table, and its figures."""
    from rich.console import Console

    for number, report in enumerate(reports):
        if number:
            print()
        Console(width=None if sys.stdout.isatty() else 200).print(report)
        say_figures(report.figures())


def guitarset_figures(report: GuitarSetReport) -> dict[str, Any]:
    """What was taken of GuitarSet."""
    return {
        "folder": report.folder,
        **{f"takes_{split}": count for split, count in report.takes.items()},
        **{f"minutes_{split}": minutes for split, minutes in report.minutes.items()},
        "refused": list(report.refused.values()),
    }
