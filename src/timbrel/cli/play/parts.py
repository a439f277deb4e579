"""Which track of a song gets what: `--timbre flute.wav`, `--timbre "1=violin,bass=piano"`.

What tracks are called is `timbrel.perform.tracks`' to say. A value without a track is for all those
that have none of their own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from timbrel.cli.arguments import number
from timbrel.cli.names import written_name
from timbrel.errors import BadInput
from timbrel.midi import Score
from timbrel.perform import for_tracks

_NEXT = re.compile(r",(?=\s*[^,=]+=)")


def values_for_tracks(
    score: Score, texts: Sequence[str], option: str, *, drums_by_name_only: bool = False
) -> list[str | None]:
    """The value of each track, None where it has none.

    Args:
        score: the song.
        texts: what the user wrote, one for each time the option was given.
        option: its name, for messages.
        drums_by_name_only: whether a value for all tracks leaves drum tracks out.

    Raises:
        BadInput: a track that the song does not have.
    """
    pairs = [pair for text in texts for pair in _pairs(text)]
    fallback = next((value for key, value in reversed(pairs) if key is None), None)
    try:
        values = for_tracks(score, [(key, value) for key, value in pairs if key is not None])
    except BadInput as error:
        raise BadInput(f"{option}: {error}") from None
    return [
        fallback if value is None and not (track.is_drum and drums_by_name_only) else value
        for track, value in zip(score.tracks, values, strict=True)
    ]


def _pairs(text: str) -> list[tuple[str | None, str]]:
    """Track and value of each assignment in a text.

    >>> _pairs("1=violin, bass=0.5*piano"), _pairs("flute.wav")
    ([('1', 'violin'), ('bass', '0.5*piano')], [(None, 'flute.wav')])
    """
    if "=" not in text or Path(text).is_file():
        return [(None, text.strip())]
    pairs = []
    for part in _NEXT.split(text):
        key, equals, value = part.partition("=")
        if not (equals and key.strip() and value.strip()):
            raise BadInput(f"{part.strip()!r} assigns nothing: write TRACK=VALUE, as in 1=violin")
        pairs.append((key.strip(), value.strip()))
    return pairs


def spelled(texts: Sequence[str]) -> list[str]:
    """Assignments of timbres as results are called by them.

    >>> spelled(["1=violin, bass=takes/door.wav", "flute"])
    ['1=violin', 'bass=takes/door_wav', 'flute']
    """
    pairs = [pair for text in texts for pair in _pairs(text)]
    return [f"{key}={written_name(value)}" if key else written_name(value) for key, value in pairs]


def chosen_tracks(score: Score, texts: Sequence[str], option: str) -> list[bool]:
    """Whether each track is among those named: "1,lead", or all but the drums by "all".

    Raises:
        BadInput: a track that the song does not have.
    """
    keys = [key.strip() for text in texts for key in text.split(",")]
    if "all" in keys:
        return [not track.is_drum for track in score.tracks]
    try:
        return [bool(key) for key in for_tracks(score, [(key, key) for key in keys])]
    except BadInput as error:
        raise BadInput(f"{option}: {error}") from None


def numbers_for_tracks(
    score: Score, texts: Sequence[str], option: str, low: float, high: float
) -> list[float | None]:
    """The same for numbers.

    Raises:
        BadInput: a value is no number in range.
    """
    return [
        None if text is None else _number(text, option, low, high)
        for text in values_for_tracks(score, texts, option)
    ]


def _number(text: str, option: str, low: float, high: float) -> float:
    try:
        return number(text, low, high, low / 4)
    except ValueError as error:
        raise BadInput(f"{option} {error}") from None
