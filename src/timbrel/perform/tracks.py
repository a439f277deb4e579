"""What tracks are called: one grammar for parts, timbres, levels and seats.

    "3"          its number, from 1
    "Lead"       its name; a track without one is called as its program
    "violin"     what General MIDI calls its program; "drums" for any drum track
    "string"     the program's family
    "organ"      a part of these, where no track is called just that

Capitals do not matter. A word means every track that is called so. Where two words mean the same
track, the one that stands higher here counts, and of two alike the later.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from timbrel.errors import BadInput
from timbrel.midi import Score, Track, program_family, program_name

Value = TypeVar("Value")

_PARTLY = 4
"""How particular a part of a name is: less so than number, name, program and family, 0 to 3."""
_MOST_LISTED = 12


def for_tracks(score: Score, said: Iterable[tuple[str, Value]]) -> list[Value | None]:
    """What is said for each track, None where nothing is.

    Args:
        score: whose tracks they are.
        said: what a track is called, and the value that it gets.

    Raises:
        BadInput: no track of this score is called so.
    """
    values: list[Value | None] = [None] * len(score.tracks)
    nearest = [_PARTLY] * len(score.tracks)
    for word, value in said:
        for i, rank in _meant(score, word):
            if rank <= nearest[i]:
                values[i], nearest[i] = value, rank
    return values


def _meant(score: Score, word: str) -> list[tuple[int, int]]:
    """The tracks that a word means, each with how particular it is about them: 0 is most."""
    wanted = " ".join(word.split()).casefold()
    if wanted.isdecimal():
        wanted = wanted.lstrip("0")
    names = [_names(number, track) for number, track in enumerate(score.tracks, 1)]
    exact = [(i, known.index(wanted)) for i, known in enumerate(names) if wanted in known]
    numbered = [(i, rank) for i, rank in exact if rank == 0]
    partly = [
        (i, _PARTLY)
        for i, known in enumerate(names)
        if wanted and any(wanted in name for name in known[1:])
    ]
    found = numbered or exact or partly
    if not found:
        raise BadInput(f"no track {word!r} in this score: there are {_listed(score)}")
    return found


def _names(number: int, track: Track) -> tuple[str, ...]:
    """Everything that a track is called, the most particular first."""
    called = (str(number), track.label.casefold())
    if track.is_drum:
        return (*called, "drums", "drum")
    return (*called, program_name(track.program).casefold(), program_family(track.program))


def _listed(score: Score) -> str:
    tracks = score.tracks
    shown = [f"{i} {track.label}" for i, track in enumerate(tracks[:_MOST_LISTED], 1)]
    more = f" and {len(tracks) - len(shown)} more" if len(tracks) > len(shown) else ""
    return f"{', '.join(shown)}{more}"
