"""The notes that models are judged by: held-out pitches, held-out instruments.

Either a folder in NSynth's layout, or the set that the shipped models were trained beside,
rendered again from its SoundFont and kept in the user's cache.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import platformdirs

from timbrel.config import to_toml
from timbrel.data import NoteSet
from timbrel.data.soundfonts.font import RENDERING
from timbrel.data.soundfonts.soundfont import (
    PitchRange,
    SoundFontSettings,
    SplitSettings,
    render_soundfont,
)
from timbrel.errors import BadInput
from timbrel.progress import Progress

FONT_VARIABLE = "TIMBREL_SOUNDFONT"
_FONTS = (
    "/usr/share/sounds/sf3/FluidR3Mono_GM.sf3",
    "/usr/share/fluidr3mono-gm-soundfont/FluidR3Mono_GM.sf3",
    "/usr/share/sounds/sf2/FluidR3_GM.sf2",
)

HELD_OUT = SoundFontSettings(
    held_out=(4, 11, 22, 25, 42, 57, 71, 73),
    splits={
        "valid": SplitSettings(
            instruments="seen", pitches=PitchRange(lowest=25, highest=95, step=6), velocities=(85,)
        ),
        "test": SplitSettings(
            instruments="held_out",
            pitches=PitchRange(lowest=24, highest=96, step=3),
            velocities=(50, 85, 120),
        ),
    },
)
"""The held-out splits of configs/fluid.toml: a test holds the two together."""

SPLITS = {"": "valid", "_unseen": "test"}
"""A figure's ending for each split: held-out notes of known instruments, held-out instruments."""


def find_soundfont() -> Path | None:
    """FluidR3Mono: from TIMBREL_SOUNDFONT, or from where Linux distributions put it."""
    given = os.environ.get(FONT_VARIABLE)
    places = (given,) if given else _FONTS
    return next((Path(place) for place in places if Path(place).is_file()), None)


def held_out_sets(
    data: NoteSet | str | Path | None = None, progress: Progress | None = None
) -> dict[str, NoteSet]:
    """Note sets by their figures' ending: "" for held-out notes, "_unseen" for instruments.

    Args:
        data: a folder with `nsynth-valid` and `nsynth-test`, or one set alone, open or not; None
            renders the default set once (about 15 s) and finds it in the cache after that.
        progress: told how many notes are rendered.

    Raises:
        BadInput: the folder holds no set, or nothing was given and the SoundFont is not there.
    """
    if isinstance(data, NoteSet):
        return {"": data}
    folder = default_set(progress) if data is None else Path(data)
    there = {end: s for end, s in SPLITS.items() if (folder / f"nsynth-{s}").is_dir()}
    if not there:
        return {"": NoteSet.open(folder)}
    return {end: NoteSet.open(folder, split) for end, split in there.items()}


def default_set(progress: Progress | None = None) -> Path:
    """The folder of the default held-out set, rendered if it is not there yet.

    Raises:
        BadInput: the SoundFont is not there.
        MissingExtra: tinysoundfont is not installed.
    """
    # Named by all that it is made of: a set of another version of timbrel is another set.
    made_of = f"{RENDERING} {to_toml(HELD_OUT)}"
    digest = hashlib.sha256(made_of.encode()).hexdigest()[:8]
    folder = Path(platformdirs.user_cache_dir("timbrel")) / f"held_out-{digest}"
    if all((folder / f"nsynth-{split}" / "examples.json").is_file() for split in SPLITS.values()):
        return folder
    font = find_soundfont()
    if font is None:
        raise BadInput(
            "no notes to judge by: give a note set (--data DIR), or install FluidR3Mono_GM.sf3 "
            f"(Debian: fluidr3mono-gm-soundfont) or name a copy in {FONT_VARIABLE}"
        )
    render_soundfont(font, folder, HELD_OUT, progress=progress)
    return folder
