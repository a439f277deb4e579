"""What an instrument of somebody's recordings is called: as its folder is, or as its files are.

Grand Piano/C4.wav, Grand Piano/soft D4.wav      grand_piano
takes/violin_C4.wav, takes/glass 1.wav           violin, glass: "takes" says nothing
cello/wav/C2.wav                                 cello: "wav" says nothing either
pack/flute C4.wav, pack/trumpet C4.wav           flute, trumpet: not one instrument
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path, PurePath

from timbrel.data.notes.nsynth_layout import UNKNOWN
from timbrel.data.recordings.instrument_words import NOTE_IN_NAME, family_in

_FOLDERS_THAT_SAY_NOTHING = (
    "audio data desktop documents download downloads file files flac home in input inputs music "
    "note notes recording recordings sample samples sound sounds take takes temp tmp wav wave wavs"
)
_WORDS_THAT_SAY_NOTHING = (
    "ppp pp p mp mf f ff fff soft medium loud hard quiet take note rr vel velocity v mono stereo "
    "left right l r"
)
_LONGEST = 60


def instrument_names(files: Iterable[str]) -> dict[str, str]:
    """Each file's instrument, by a name that no instrument of another folder has.

    >>> instrument_names(["/a/Solo Violin/1.wav", "/a/Solo Violin/2.wav", "/a/takes/glass 2.wav"])
    {'/a/Solo Violin/1.wav': 'solo_violin', '/a/Solo Violin/2.wav': 'solo_violin',
     '/a/takes/glass 2.wav': 'glass'}
    """
    folders: dict[Path, list[str]] = {}
    for file in files:
        folders.setdefault(Path(file).parent, []).append(file)
    taken: set[str] = set()
    names: dict[str, str] = {}
    for folder, inside in sorted(folders.items()):
        called = {name: _free(name, taken) for name in sorted(set(_names_in(folder, inside)))}
        taken.update(called.values())
        names |= zip(inside, map(called.__getitem__, _names_in(folder, inside)), strict=True)
    return names


def _names_in(folder: Path, files: list[str]) -> list[str]:
    """The instruments that the files of one folder play."""
    said = [PurePath(Path(file).name) for file in files]
    families = {family_in(name) for name in said} - {UNKNOWN}
    whole = _folder_name(folder)
    if _says_nothing(folder.name) or len(families) > 1:
        return [file_name(name) or whole for name in said]
    return [whole] * len(files)


def _folder_name(folder: Path) -> str:
    """The nearest folder's name that says something."""
    telling = (at.name for at in (folder, *folder.parents) if not _says_nothing(at.name))
    return _name(next(telling, "")) or UNKNOWN


def _says_nothing(folder: str) -> bool:
    return (_name(folder) or "in") in _FOLDERS_THAT_SAY_NOTHING.split()


def file_name(path: PurePath) -> str:
    """What a file's name says beside its note, its loudness and the number of its take.

    >>> file_name(PurePath("Bowed Glass_C#4 soft 02.wav")), file_name(PurePath("bell3.wav"))
    ('bowed_glass', 'bell')
    """
    stem, notes = NOTE_IN_NAME.subn(" ", path.stem)
    words = re.findall(r"[^\W_]+", stem.lower())
    if words and not notes:
        words[-1] = words[-1].rstrip("0123456789")
    idle = _WORDS_THAT_SAY_NOTHING.split()
    return _name(" ".join(word for word in words if not word.isdigit() and word not in idle))


def _name(text: str) -> str:
    return "_".join(re.findall(r"[^\W_]+", text.lower()))[:_LONGEST].rstrip("_")


def _free(name: str, taken: set[str]) -> str:
    """The name, or the first of name_2, name_3 ... that nobody has."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free
