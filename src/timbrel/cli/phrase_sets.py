"""Verbs that make, hear and show phrases to train on: data phrases."""

from __future__ import annotations

from pathlib import Path

from timbrel.cli.arguments import Json, Processes
from timbrel.cli.output import progress_bar, say_figures, say_json


def phrases(
    font: Path,
    out: Path,
    *overrides: str,
    config: Path | None = None,
    processes: Processes = None,
    json: Json = False,
) -> None:
    """Have a SoundFont play melodies, a folder for each instrument; a stopped call goes on.

    Args:
        font: An .sf2 or .sf3 file.
        out: Folder of the sets.
        overrides: Settings, such as 'programs=["violin"]' or minutes=5.
        config: A TOML file with settings, such as configs/phrases.toml.
        processes: How many render at once; one a core otherwise, 0 uses this process.
    """
    from timbrel.cli.phrase_reports import phrase_figures, phrase_settings
    from timbrel.data.phrases import render_phrases

    settings = phrase_settings(config, overrides)
    with progress_bar("rendering") as progress:
        report = render_phrases(font, out, settings, processes=processes, progress=progress)
    (say_json if json else say_figures)(phrase_figures(report))
