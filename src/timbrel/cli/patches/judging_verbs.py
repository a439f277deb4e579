"""Verbs by which a user teaches `match`: data presets rate, correct, feedback, collect."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from timbrel.cli.arguments import DEFAULT_SYNTH, Json, Liked, Pitch, Processes
from timbrel.cli.output import progress_bar, say_figures, say_json, say_note, say_text

WhosePatch = Annotated[
    str | None, Parameter(help="Whose patch: needed for plug-ins, their path or their TOML's.")
]
Hears = Annotated[
    str | None, Parameter(help="What has learned the synthesizer; preset-SYNTH otherwise.")
]
Key = Annotated[Pitch | None, Parameter(help="The key that plays it; found by listening.")]


def rate(
    sound: Path,
    patch: Path,
    *,
    liked: Liked,
    synth: WhosePatch = None,
    model: Hears = None,
    pitch: Key = None,
    json: Json = False,
) -> None:
    """Say how much a patch is liked for a sound; later matches heed it.

    Of one patch and one sound the last word counts; 0 takes it back. What is said stays on this
    machine, in the file that `timbrel data presets feedback` names. A 1 counts as 3 dB nearer.

    Args:
        sound: One note or stroke, as a sound file.
        patch: A file of one patch, such as one that `timbrel match` wrote, or the name of one that
            comes with the model.
        liked: From -1, not at all, to 1.
    """
    from timbrel.cli.patches.feedback import judge

    figures = judge(sound, patch, "rating", liked, synth, model, pitch)
    say_figures(figures, as_json=json)


def correct(
    sound: Path,
    patch: Path,
    *,
    synth: WhosePatch = None,
    model: Hears = None,
    pitch: Key = None,
    json: Json = False,
) -> None:
    """Say that a patch is the right one for a sound; later matches try it.

    It is tried for sounds like it too, counts as 4.8 dB nearer, and is trained on by
    `timbrel data presets collect`.

    Args:
        sound: One note or stroke, as a sound file.
        patch: A file of one patch, or the name of one that comes with the model.
    """
    from timbrel.cli.patches.feedback import judge

    figures = judge(sound, patch, "correction", 1.0, synth, model, pitch)
    say_figures(figures, as_json=json)


def feedback(*, json: Json = False) -> None:
    """What was said of patches: how much of it, the newest, and the file that keeps it.

    TIMBREL_FEEDBACK names another file. Who deletes it has everything forgotten.
    """
    from timbrel.cli.patches.feedback import kept, overview

    figures = kept()
    return say_json(figures) if json else say_text(overview(figures))


def collect(
    *overrides: str,
    synth: str = DEFAULT_SYNTH,
    out: Path = Path("data/presets/mine"),
    processes: Processes = 0,
    json: Json = False,
) -> None:
    """Make a set for `timbrel train --from` of corrections and good ratings.

    Corrections are taken, and ratings from 0.5 on of sounds without one; patches around them
    (around=50) and random ones (random=500) are added. Then it goes on with
    timbrel train --from preset-subtractive data.train=data/presets/mine --out runs/mine

    Args:
        overrides: Settings, such as random=1000: patches of random knobs beside them.
        synth: Whose patches: a synthesizer, or the path of a plug-in.
        out: Folder of the set; one that was collected before is replaced.
        processes: How many render at once; 0 uses this process.
    """
    from timbrel.cli.patches.built import preset_figures
    from timbrel.cli.patches.feedback import collected, collecting, left_out

    settings = collecting(synth, overrides)
    for line in left_out(settings):
        say_note(line)
    with progress_bar("rendering") as progress:
        report = collected(out, settings, processes, progress)
    say_figures(preset_figures(report), as_json=json)
