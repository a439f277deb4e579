"""Verbs for phrases to train on: data phrases and guitarset make or fetch them, melodies hears."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from timbrel.cli.arguments import Json, Out, Plot, Processes
from timbrel.cli.output import progress_bar, say_figures, say_json, say_paths
from timbrel.dsp.trackers import Tracker


def phrases(
    font: Path,
    out: Path,
    *overrides: str,
    config: Path | None = None,
    processes: Processes = None,
    json: Json = False,
    plot: Plot = False,
) -> None:
    """Have a SoundFont play melodies, a folder for each instrument; a stopped call goes on.

    Args:
        font: An .sf2 or .sf3 file.
        out: Folder of the sets.
        overrides: Settings, such as 'programs=["violin"]' or minutes=5.
        config: A TOML file with settings, such as configs/phrases.toml.
        processes: How many render at once; one a core otherwise, 0 uses this process.
    """
    from timbrel.cli.sets.phrase_reports import draw_phrases, phrase_figures, phrase_settings
    from timbrel.data.phrases.soundfont_phrases import render_phrases

    settings = phrase_settings(config, overrides)
    with progress_bar("rendering") as progress:
        report = render_phrases(font, out, settings, processes=processes, progress=progress)
    pictures = {"picture": draw_phrases(report)} if plot else {}
    say_figures(phrase_figures(report) | pictures, as_json=json)


def melodies(
    folder: Path,
    *more: Path,
    tracker: Tracker = "light",
    against: Tracker | None = None,
    out: Out = None,
    processes: Processes = None,
    json: Json = False,
    plot: Plot = False,
) -> None:
    """Hear the pitch and loudness of recordings, keep them beside these, and say what is doubtful.

    What was heard before is not heard again: a stopped or killed call goes on.

    Args:
        folder: Of one instrument's recordings, or a set of several from `data phrases`.
        more: Others.
        tracker: Who hears the pitch; the light one hears live too.
        against: Who hears it as well, to name clips on which both disagree.
        processes: How many hear at once; one a core otherwise, 0 uses this process.
    """
    from timbrel.cli.sets.phrase_reports import look_at_sets, print_reports
    from timbrel.data.phrases.phrase_set import sets_in

    sets = [phrases for path in (folder, *more) for phrases in sets_in(path)]
    with progress_bar("hearing melodies") as progress:
        reports, overviews = look_at_sets(
            sets, tracker, against, out, is_drawn=plot or out is not None,
            processes=processes, progress=progress,
        )  # fmt: skip
    if json:
        return say_json([report.details() for report in reports])
    print_reports(reports)
    return say_paths(overviews)


def guitarset(
    out: Path = Path("data/guitarset"),
    *,
    source: Annotated[Path | None, Parameter(name="--from")] = None,
    takes: Literal["solo", "comp", "all"] = "solo",
    json: Json = False,
) -> None:
    """Fetch GuitarSet's microphone takes (0.7 GB) as phrases; a stopped call goes on.

    Args:
        out: Folder of the set, with splits by player.
        source: A folder or an archive of it that is here already.
        takes: Melodies (solo), chords (comp), or both; a model follows one pitch.
    """
    from timbrel.cli.sets.phrase_reports import guitarset_figures
    from timbrel.data.phrases.guitarset import collect_guitarset, download_guitarset

    with progress_bar() as progress:
        if source is None:
            report = download_guitarset(out, takes, progress=progress)
        else:
            report = collect_guitarset(source, out, takes, progress)
    say_figures(guitarset_figures(report), as_json=json)
