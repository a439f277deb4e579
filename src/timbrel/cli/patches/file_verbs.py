"""Verbs for patches: data presets show, convert, validate, build; `judging` has the others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from timbrel.cli.arguments import Json, Processes
from timbrel.cli.output import progress_bar, say_figures, say_json, say_paths, say_text
from timbrel.cli.patches.judging_verbs import collect, correct, feedback, rate

presets = App(
    name="presets", help="Patches: look, convert, check, judge, or make a set to learn from."
)
for _verb in (rate, correct, feedback, collect):
    presets.command(_verb)

Whose = Annotated[
    str | None,
    Parameter(help="Whose patches: a synthesizer, or the path of a plug-in or of its TOML."),
]


@presets.command
def show(*files: Path, synth: Whose = None, json: Json = False) -> None:
    """The patches in files: name, synthesizer, category, and the knobs away from their default.

    Args:
        files: .fxp, .fxb, banks of amsynth, .vital or .toml, or folders of them.
    """
    from timbrel.cli.patches.preset_files import loaded, overview, rows

    found = rows(files, loaded(synth))
    return say_json(found) if json else say_text(overview(found))


@presets.command
def convert(
    source: Path,
    out: Path,
    *,
    to: Literal["fxp", "toml", "vital"] | None = None,
    synth: Whose = None,
) -> None:
    """Write patches in another form; several become a file each, where that is a folder.

    Args:
        source: .fxp, .fxb, a bank of amsynth, .vital or .toml.
        out: A new file ending in .fxp, .fxb, .bank, .vital or .toml; else a folder.
        to: What the files in a folder are; what their synthesizer loads otherwise.
    """
    from timbrel.cli.patches.preset_files import converted, loaded

    say_paths(converted(source, out, to, loaded(synth)))


@presets.command
def validate(*places: Path, synth: Whose = None, json: Json = False) -> int:
    """Check files: each one is good, or one line says what is wrong; copies are named.

    The exit code is 2 where one is bad.

    Args:
        places: Files of patches, and folders to look through.
    """
    from timbrel.cli.patches.preset_files import loaded, verdicts

    found = list(verdicts(places, loaded(synth)))
    if json:
        say_json([vars(verdict) for verdict in found])
    else:
        say_text(verdict.line for verdict in found)
    return 0 if all(verdict.is_good for verdict in found) else 2


@presets.command
def build(
    config: Path,
    *overrides: str,
    out: Path | None = None,
    processes: Processes = None,
    json: Json = False,
) -> None:
    """Render patches to a set for `timbrel train`; a stopped call goes on.

    With around=0 between=0 crossed=0 it is half as many or fewer, and the same ones held out.

    Args:
        config: A TOML file with settings, such as configs/presets-subtractive.toml.
        overrides: Settings, such as random=2000.
        out: Folder of the set; data/presets/NAME of the synthesizer otherwise.
        processes: How many render at once; one a core otherwise, 0 uses this process.
    """
    from timbrel.cli.patches.built import preset_figures
    from timbrel.config import read_settings
    from timbrel.data.presets.building import build_presets
    from timbrel.data.presets.plan import PresetSetSettings

    settings = read_settings(PresetSetSettings, config, overrides)
    folder = out or Path("data/presets") / Path(settings.synth).stem
    with progress_bar("rendering") as progress:
        report = build_presets(folder, settings, processes=processes, progress=progress)
    say_figures(preset_figures(report), as_json=json)
