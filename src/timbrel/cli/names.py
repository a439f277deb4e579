"""What results are called: by the words that made them, so that no two sounds share a file.

    blend flute                                       flute
    blend "violin + bright" --pitch C3                violin+bright-C3
    blend flute.wav --bank my.safetensors             flute_wav-my
    morph takes/a.wav b.wav --model sine              morph_takes_a_wav_b_wav-sine
    render song.mid --timbre "lead=flute,bass=cello"  song-lead=flute-bass=cello

A sound file is its whole path from here: two called alike are told apart, and from a sound in a
bank. What was not said is not in the name; neither are levels, lengths and the like.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from timbrel.cli.arguments import DEFAULT_MODEL, Using
from timbrel.errors import BadInput
from timbrel.synths.files import PATCH_SUFFIXES
from timbrel.timbre import WeightedSum, parse
from timbrel.units import pitch_name

_AUDIO = {".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif", ".opus", ".w64", ".au", ".caf"}
_OTHERS = {".safetensors", *PATCH_SUFFIXES}


def result_name(
    what: str, using: Using, *, timbres: Iterable[str] = (), pitch: float | None = None
) -> str:
    """The name of a result; `places.file_name` makes it a file's.

    Args:
        what: is played.
        using: what was said of the model and of the user's bank.
        timbres: further words for how it sounds.
        pitch: MIDI number of the note, where one was asked for.
    """
    words = [what, *timbres]
    if pitch is not None:
        words.append(f"{pitch:g}" if pitch % 1 else pitch_name(round(pitch)))
    if using.bank is not None:
        words.append(_undotted(path_name(using.bank.with_suffix(""))))
    if using.model != DEFAULT_MODEL:
        words.append(model_name(using.model))
    return "-".join(words)


def model_name(model: str) -> str:
    """A model's name, or the path of its folder."""
    return path_name(Path(model)) if os.sep in model else model


def path_name(path: Path) -> str:
    """A file's path from here, or from the root where it lies elsewhere.

    >>> path_name(Path("takes/../flute.wav"))
    'flute.wav'
    """
    whole = Path(os.path.abspath(path))  # noqa: PTH100 - a link is called as the user calls it
    here = Path.cwd()
    return (whole.relative_to(here) if whole.is_relative_to(here) else whole).as_posix()


def looks_like_file(text: str) -> bool:
    """Whether the text is a path, though perhaps of a file that is not there."""
    path = Path(text)
    try:
        is_there = path.is_file()
    except (OSError, ValueError):
        return False
    return is_there or (path.suffix.lower() in _AUDIO | _OTHERS and "'" not in text)


def looks_like_sound(text: str) -> bool:
    """Whether the text is a path of what may be a recording."""
    return looks_like_file(text) and Path(text).suffix.lower() not in _OTHERS


def is_patch_file(path: Path) -> bool:
    """Whether a word that may be a patch's name is a path of one, though perhaps of none."""
    return path.suffix.lower() in PATCH_SUFFIXES or path.exists()


def shown_name(text: str) -> str:
    """What a picture or a page calls an expression: sound files by their stems.

    >>> shown_name("recordings/door.wav"), shown_name("violin+0.5*'recordings/my door.wav'")
    ('door', "violin + 0.5*'my door'")
    """
    return _spelled(text, lambda path: path.stem)


def written_name(text: str) -> str:
    """What a result is called by an expression: sound files by their paths.

    >>> written_name("recordings/door.wav"), written_name("violin+0.5*'my door.wav'")
    ('recordings/door_wav', "violin + 0.5*'my door_wav'")
    """
    return _spelled(text, lambda path: _undotted(path_name(path)))


def _spelled(text: str, spell: Callable[[Path], str]) -> str:
    def each(name: str) -> str:
        return spell(Path(name)) if looks_like_file(name) else name

    try:
        weights = {} if looks_like_file(text) else parse(text).weights
    except BadInput:
        weights = {}
    if not weights:
        return each(text)
    return str(WeightedSum({each(name): weight for name, weight in weights.items()}))


def _undotted(path: str) -> str:
    """Without what would look like a second ending of the result's file."""
    return path.replace(".", "_")
