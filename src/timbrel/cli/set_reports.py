"""What making a set was asked for, and what came of it, as plain figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from timbrel.config import Settings, make_settings, read_toml, with_overrides
from timbrel.data import NoteSet
from timbrel.data.folder import FolderSettings
from timbrel.data.folder_report import FolderReport
from timbrel.data.nsynth_layout import SPLITS
from timbrel.data.overview import draw_note_set
from timbrel.data.soundfont import SoundFontReport, SoundFontSettings
from timbrel.errors import BadInput

S = TypeVar("S", bound=Settings)


def soundfont_settings(config: Path | None, overrides: Sequence[str]) -> SoundFontSettings:
    """Settings of a SoundFont set."""
    return _settings(SoundFontSettings, config, overrides)


def folder_settings(config: Path | None, words: Sequence[str]) -> FolderSettings:
    """Settings of a set of recordings: those words that are no recordings."""
    return _settings(FolderSettings, config, [word for word in words if _is_setting(word)])


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


def _settings(cls: type[S], config: Path | None, overrides: Sequence[str]) -> S:
    """From a file, if one is given, and the overrides on top."""
    tables = read_toml(config) if config is not None else {}
    where = str(config) if config is not None else "settings"
    return make_settings(cls, with_overrides(tables, overrides), where)


def soundfont_figures(report: SoundFontReport) -> dict[str, Any]:
    """What a rendered set holds."""
    return {
        "folder": report.folder,
        **{f"notes_{split}": count for split, count in report.notes.items()},
        "silent": report.silent,
        "clipped": report.clipped,
        "absent": list(report.absent),
    }


def draw_set(folder: Path) -> Path:
    """A picture of a set's first split, in the set's folder."""
    split = next(s for s in SPLITS if (folder / f"nsynth-{s}").is_dir())
    return draw_note_set(NoteSet.open(folder, split), folder / "overview.png")


def print_report(report: FolderReport) -> None:
    """What became of a folder of recordings, as tables and the set's path."""
    from rich.console import Console

    Console().print(report)
    print(report.folder)
