"""What making a set was asked for, and what came of it, as plain figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from timbrel.config import make_settings, read_toml, with_overrides
from timbrel.data.soundfont import SoundFontReport, SoundFontSettings


def soundfont_settings(config: Path | None, overrides: Sequence[str]) -> SoundFontSettings:
    """Settings from a file, if any, and the overrides on top."""
    tables = read_toml(config) if config is not None else {}
    where = str(config) if config is not None else "settings"
    return make_settings(SoundFontSettings, with_overrides(tables, overrides), where)


def soundfont_figures(report: SoundFontReport) -> dict[str, Any]:
    """What a rendered set holds."""
    return {
        "folder": report.folder,
        **{f"notes_{split}": count for split, count in report.notes.items()},
        "silent": report.silent,
        "clipped": report.clipped,
        "absent": list(report.absent),
    }
