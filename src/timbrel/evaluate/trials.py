"""Which notes are played: a fair draw that depends on the set and the seed alone.

A trial hears one note and plays another of the same instrument, struck as hard and held as long;
where both are one note, it plays back what it heard.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from timbrel.data import NoteSet

Item = TypeVar("Item")

INTERVALS: dict[str, tuple[int, ...]] = {
    "within": tuple(i for i in range(-11, 12) if i),
    "12": (12,),
    "minus_12": (-12,),
    "24": (24,),
    "minus_24": (-24,),
}
"""Semitones up from the note that is heard to the note that is played, by their figures' ending."""


@dataclass(frozen=True)
class Trial:
    """Places of two notes in a set: the one that is heard, and the one that is to be played."""

    source: int
    target: int


def self_trials(notes: NoteSet, count: int, seed: int = 0) -> list[Trial]:
    """Notes to play back as they were heard, from as many instruments as possible."""
    by_instrument: dict[int, list[int]] = defaultdict(list)
    for i, instrument in enumerate(notes.instrument.tolist()):
        by_instrument[instrument].append(i)
    chosen = spread(by_instrument.values(), count, seed)
    return [Trial(i, i) for i in chosen]


def interval_trials(notes: NoteSet, interval: str, count: int, seed: int = 0) -> list[Trial]:
    """Notes to play from another pitch, `INTERVALS[interval]` below them."""
    places: dict[tuple[int, int, float], dict[int, int]] = defaultdict(dict)
    columns = zip(notes.instrument.tolist(), notes.velocity.tolist(), notes.hold_s.tolist(),
                  notes.pitch.tolist(), strict=True)  # fmt: skip
    for i, (instrument, velocity, hold_s, pitch) in enumerate(columns):
        places[instrument, velocity, hold_s].setdefault(pitch, i)
    by_instrument: dict[int, list[Trial]] = defaultdict(list)
    for (instrument, _, _), by_pitch in places.items():
        for pitch, source in by_pitch.items():
            targets = (by_pitch.get(pitch + step) for step in INTERVALS[interval])
            by_instrument[instrument] += [Trial(source, t) for t in targets if t is not None]
    return spread(by_instrument.values(), count, seed)


def spread(groups: Iterable[Sequence[Item]], count: int, seed: int = 0) -> list[Item]:
    """Up to `count` items, one from each group in turn, both in random order.

    >>> sorted(spread([["a", "b", "c"], ["d"]], 2))[1]
    'd'
    """
    chance = random.Random(seed)
    shuffled = [chance.sample(group, len(group)) for group in groups]
    chance.shuffle(shuffled)
    longest = max(map(len, shuffled), default=0)
    in_turn = [group[i] for i in range(longest) for group in shuffled if i < len(group)]
    return in_turn[:count]
