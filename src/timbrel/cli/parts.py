"""Which track of a song gets what: `--timbre flute.wav`, `--timbre "1=violin,bass=piano"`.

A track is named by its number from 1, its name, its General MIDI program or family; "drums" are
the drum tracks. A value without a track is for all those that have none of their own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from timbrel.cli.arguments import number
from timbrel.errors import BadInput
from timbrel.midi import Score, Track, program_family, program_name

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
    values: list[str | None] = [None] * len(score.tracks)
    fallback: str | None = None
    for key, value in (pair for text in texts for pair in _pairs(text)):
        if key is None:
            fallback = value
            continue
        tracks = _tracks(score, key)
        if not tracks:
            raise BadInput(f"{option} {key}={value}: no such track; {_listed(score)}")
        for track in tracks:
            values[track] = value
    for i, track in enumerate(score.tracks):
        if values[i] is None and not (track.is_drum and drums_by_name_only):
            values[i] = fallback
    return values


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


def _tracks(score: Score, key: str) -> list[int]:
    """Numbers of the tracks that a key means: exact names before parts of names."""
    if key.isdecimal():
        return [int(key) - 1] if 1 <= int(key) <= len(score.tracks) else []
    wanted = key.casefold()
    if wanted in ("drum", "drums"):
        return [i for i, track in enumerate(score.tracks) if track.is_drum]
    names = [_names(track) for track in score.tracks]
    exact = [i for i, known in enumerate(names) if wanted in known]
    return exact or [i for i, known in enumerate(names) if any(wanted in n for n in known)]


def _names(track: Track) -> tuple[str, ...]:
    if track.is_drum:
        return (track.label.casefold(),)
    program, family = program_name(track.program), program_family(track.program)
    return (track.label.casefold(), program.casefold(), family)


def _listed(score: Score) -> str:
    shown = [f"{i} {track.label}" for i, track in enumerate(score.tracks[:12], start=1)]
    more = f" and {len(score.tracks) - 12} more" if len(score.tracks) > 12 else ""
    return f"the song has {', '.join(shown)}{more}"


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
