"""A MIDI file played live: its notes go into a ring shortly before they are due."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest

from timbrel.live.events import NOTE_OFF, NOTE_ON, Event, EventRing
from timbrel.midi import Score, ScoreNote

_AHEAD_S = 0.5
_IDLE_S = 0.05


def song_events(score: Score, start_s: float = 0.0) -> list[Event]:
    """The keys of a song in the order of their times, without its drums.

    At equal times keys come up before they go down, and a key that is struck again comes up first:
    on one channel a key is one note. Bends and programs are left out: one instrument plays all
    tracks.

    Args:
        score: the song.
        start_s: when it begins, on the clock of `time.perf_counter`.
    """
    keys: dict[tuple[int, int], list[ScoreNote]] = {}
    for track in score.tracks:
        for note in () if track.is_drum else track.notes:
            keys.setdefault((track.channel, round(note.pitch)), []).append(note)
    events = []
    for key, notes in keys.items():
        notes.sort(key=lambda note: note.onset_s)
        for note, following in zip_longest(notes, notes[1:]):
            end_s = min(note.end_s, following.onset_s) if following else note.end_s
            force = max(1, round(127 * note.velocity))
            events.append(Event(start_s + note.onset_s, NOTE_ON, *key, force))
            events.append(Event(start_s + end_s, NOTE_OFF, *key))
    # at the same time, keys come up (0x80) before they go down (0x90)
    return sorted(events)


@contextmanager
def feeding(ring: EventRing, events: Sequence[Event]) -> Iterator[threading.Event]:
    """A thread that puts events into a ring, each half a second before it is due.

    A song waits where the ring is full: a note whose end was dropped would sound for ever.

    Yields:
        What is set when the last one was put in.
    """
    done, closed = threading.Event(), threading.Event()

    def feed() -> None:
        for event in events:
            while event.time_s > time.perf_counter() + _AHEAD_S or ring.is_full:
                if closed.wait(_IDLE_S):
                    return
            ring.push(event)
        done.set()

    thread = threading.Thread(target=feed, daemon=True, name="feed a song")
    thread.start()
    try:
        yield done
    finally:
        closed.set()
        thread.join()
