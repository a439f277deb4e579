"""Verbs that make and show notes to train on: data nsynth, soundfont, folder, show."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from cyclopts import App

from timbrel.cli.arguments import Json, Out, Plot, Processes
from timbrel.cli.output import progress_bar, say_figures, say_json, say_paths
from timbrel.cli.patches.file_verbs import presets
from timbrel.cli.sets.phrase_verbs import guitarset, melodies, phrases

data = App(name="data", help="Make, fetch or look at notes, phrases and patches to train on.")
data.command(phrases)
data.command(melodies)
data.command(guitarset)
data.command(presets)


@data.command
def nsynth(
    out: Path = Path("data/nsynth"), *, splits: tuple[Literal["train", "valid", "test"], ...] = ()
) -> None:
    """Fetch NSynth (CC BY 4.0): 22 GB train, 1 GB valid, 0.3 GB test; a stopped call goes on.

    Args:
        out: Folder of the set.
        splits: Which of train, valid and test; all of them otherwise.
    """
    from timbrel.data.notes.nsynth import download_nsynth
    from timbrel.data.notes.nsynth_layout import SPLITS

    with progress_bar() as progress:
        say_paths(download_nsynth(out, splits or SPLITS, progress=progress))


@data.command
def soundfont(
    font: Path,
    out: Path,
    *overrides: str,
    config: Path | None = None,
    processes: Processes = None,
    json: Json = False,
    plot: Plot = False,
) -> None:
    """Render a SoundFont to a set; a stopped call goes on.

    Args:
        font: An .sf2 or .sf3 file.
        out: Folder of the set.
        overrides: Settings, such as splits.train.pitches.step=2.
        config: A TOML file with settings, such as configs/fluid.toml.
        processes: How many render at once; one a core otherwise, 0 uses this process.
    """
    from timbrel.cli.sets.note_reports import draw_set, soundfont_figures, soundfont_settings
    from timbrel.data.soundfonts.soundfont import render_soundfont

    settings = soundfont_settings(config, overrides)
    with progress_bar("rendering") as progress:
        report = render_soundfont(font, out, settings, processes=processes, progress=progress)
    pictures = {"picture": draw_set(report.folder)} if plot else {}
    say_figures(soundfont_figures(report) | pictures, as_json=json)


@data.command
def folder(
    *sources: str,
    out: Path = Path("data/recordings"),
    config: Path | None = None,
    processes: Processes = None,
    json: Json = False,
    plot: Plot = False,
) -> None:
    """Anybody's recordings as a set: pitch found, silence trimmed, and a report of refusals.

    Args:
        sources: Folders, files or patterns such as "data/**/*.wav"; and settings such as
            family=guitar.
        out: Folder of the set.
        config: A TOML file with settings.
        processes: How many files are heard at once; one a core otherwise, 0 uses this process.
    """
    from timbrel.cli.sets.note_reports import draw_set, folder_settings, print_report, recordings
    from timbrel.data.recordings.folder import collect_folder

    files, settings = recordings(sources), folder_settings(config, sources)
    with progress_bar("listening") as progress:
        report = collect_folder(files, out, settings, processes=processes, progress=progress)
    if plot:
        draw_set(report.folder)
    print(report.to_json(), end="") if json else print_report(report)


@data.command
def show(notes: Path, *, out: Out = None, json: Json = False, plot: Plot = False) -> None:
    """What a set holds: instruments, pitches, velocities, qualities; and as a picture.

    Args:
        notes: A set, or one of its splits, such as data/fluid/nsynth-train.
    """
    from timbrel.cli.names import path_name
    from timbrel.cli.places import place_for
    from timbrel.cli.sets.note_reports import flat, set_figures
    from timbrel.data import NoteSet

    opened = NoteSet.open(notes)
    figures, pictures = set_figures(opened), []
    if plot or out is not None:
        from timbrel.data.notes.overview import draw_note_set

        place = place_for(out, path_name(opened.folder), (".png", ".svg", ".pdf"))
        pictures = place.fill(lambda folder: [draw_note_set(opened, folder / place.file)])
    if json:
        return say_json(figures | ({"picture": pictures[0]} if pictures else {}))
    say_figures(flat(figures))
    return say_paths(pictures)
