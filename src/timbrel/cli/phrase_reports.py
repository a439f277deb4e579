"""What making and hearing phrases was asked for, and what came of it, as plain figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from timbrel.cli.set_reports import settings_of
from timbrel.data.phrase_plan import PhraseSettings
from timbrel.data.phrases import PhraseReport


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
