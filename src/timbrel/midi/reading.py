"""From a MIDI file to a score: tempo map, pedal, pitch wheel, volume, programs, channels.

A channel's state (program, pedal, wheel, volume) belongs to the channel, whichever track of the
file sets it; a key belongs to the track that pressed it. Notes are then gathered by track, channel
and the program at their onset, so that a file of type 0, or a player who changes instruments, comes
out as one track for each sound.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np

from timbrel.errors import BadScore
from timbrel.files import is_stream, unreadable
from timbrel.midi.channels import Channel, Key
from timbrel.midi.events import (
    META,
    NAME,
    PORT,
    TEMPO,
    Event,
    EventFile,
    parse_events,
    seconds_per_smpte_tick,
)
from timbrel.midi.score import Score, ScoreNote, Track

BEND_RATE = 100.0
"""Points per second of a note's bend, as `timbrel.sound` has it."""

LARGEST_BYTES = 8_000_000
MOST_NOTES = 200_000
MOST_BEND_POINTS = 5_000_000
LONGEST_S = 6 * 3600.0
SHORTEST_NOTE_S = 0.02
LONGEST_NOTE_S = 600.0
DRUM_CHANNEL = 9
_DEFAULT_QUARTER_S = 0.5


def read_score(path: str | Path) -> Score:
    """The notes of a MIDI file in seconds.

    The sustain pedal lengthens notes (a string struck again ends its old sound), the pitch wheel
    becomes their bend (RPN 0 sets its range, 2 semitones by default), notes last 0.02 to 600 s.

    Raises:
        BadScore: the file is missing, not MIDI, damaged, too large, or has no notes.
    """
    path = Path(path)
    file = parse_events(_read_bytes(path), str(path))
    if file.kind == 2:
        raise BadScore(f"{path} holds independent patterns (type 2): export it as type 0 or 1")
    clock = _Clock(file)
    channels = _play(file)
    keys = [key for channel in channels.values() for key in channel.finished]
    if not keys:
        raise BadScore(f"{path} has no notes: give a MIDI file with something to play")
    if len(keys) > MOST_NOTES:
        raise BadScore(f"{path} has {len(keys)} notes, at most {MOST_NOTES} are played: split it")
    length_s = clock.seconds(max(key.end for key in keys))
    if length_s > LONGEST_S:
        hours = f"{length_s / 3600:.1f} h"
        raise BadScore(f"{path} lasts {hours}, the longest is {LONGEST_S / 3600:.0f} h: cut it")
    return Score(tuple(_tracks(file, channels, clock)))


def _read_bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise BadScore(f"{path} is a folder: give one MIDI file")
        if is_stream(path):
            raise BadScore(f"{path} is a pipe or a device: give a MIDI file")
        if path.stat().st_size > LARGEST_BYTES:
            size = f"{path.stat().st_size / 1e6:.0f} MB"
            raise BadScore(f"{path} has {size}, a MIDI file of at most 8 MB is wanted")
        data = path.read_bytes()
    except FileNotFoundError:
        raise BadScore(f"no MIDI file at {path}: check the path") from None
    except (OSError, ValueError) as error:
        raise BadScore(unreadable(path, error, "give a MIDI file")) from None
    if not data:
        raise BadScore(f"{path} is empty (0 bytes): give a MIDI file")
    return data


class _Clock:
    """Ticks to seconds, through the tempo map of the whole file."""

    def __init__(self, file: EventFile) -> None:
        if file.division < 0:
            changes = {0: seconds_per_smpte_tick(file.division)}
        else:
            changes = {0: _DEFAULT_QUARTER_S / file.division}
            tempos = (e for track in file.tracks for e in track if _is_tempo(e))
            for event in sorted(tempos, key=lambda event: event.tick):
                changes[event.tick] = int.from_bytes(event.data[1:4], "big") * 1e-6 / file.division
        self._ticks = np.array(list(changes), dtype=np.float64)
        self._pace = np.array(list(changes.values()))
        lasting = np.diff(self._ticks) * self._pace[:-1]
        self._starts_s = np.concatenate([[0.0], np.cumsum(lasting)])

    def seconds(self, tick: int) -> float:
        """When a tick comes."""
        segment = int(np.searchsorted(self._ticks, tick, side="right")) - 1
        return float(self._starts_s[segment] + (tick - self._ticks[segment]) * self._pace[segment])


def _is_tempo(event: Event) -> bool:
    """Whether this sets a tempo; a tempo of 0 would stop the time and is passed over."""
    return event.status == META and event.data[0] == TEMPO and any(event.data[1:4])


class _Placed(NamedTuple):
    """A channel event with what it needs from its track."""

    tick: int
    rank: int
    track: int
    port: int
    event: Event


def _play(file: EventFile) -> dict[tuple[int, int], Channel]:
    """All channels, by port and number, after the whole file went through them."""
    channels: dict[tuple[int, int], Channel] = defaultdict(Channel)
    for placed in sorted(_placed(file), key=lambda placed: placed[:2]):
        number = placed.event.status & 0x0F
        channels[placed.port, number].receive(placed.event, placed.track)
    ends = [track[-1].tick if track else 0 for track in file.tracks]
    for channel in channels.values():
        channel.finish(max(ends))
    return channels


def _placed(file: EventFile) -> Iterator[_Placed]:
    """All channel events. At one tick, what prepares a note goes before notes of other tracks."""
    for number, track in enumerate(file.tracks):
        port = 0
        for event in track:
            if event.status == META:
                if event.data[0] == PORT and len(event.data) > 1:
                    port = event.data[1]
            else:
                rank = 1 if event.status < 0xB0 or event.data[0] == 64 else 0
                yield _Placed(event.tick, rank, number, port, event)


def _tracks(
    file: EventFile, channels: dict[tuple[int, int], Channel], clock: _Clock
) -> Iterator[Track]:
    found = [
        (key.track, *address, key.program, key)
        for address, channel in channels.items()
        for key in channel.finished
    ]
    found.sort(key=lambda row: (*row[:4], row[4].start))
    names = [_name(track) for track in file.tracks]
    wheels = {address: _Wheel(channel, clock) for address, channel in channels.items()}
    for (number, port, channel, program), rows in groupby(found, key=lambda row: row[:4]):
        keys = [row[4] for row in rows]
        yield Track(
            name=names[number],
            program=program,
            is_drum=channel == DRUM_CHANNEL,
            notes=tuple(_note(key, clock, wheels[port, channel]) for key in keys),
            pan=keys[0].pan,
            channel=channel + 1,
        )


def _name(track: Sequence[Event]) -> str:
    """The track's name in printable characters; old files are not in UTF-8."""
    for event in track:
        if event.status == META and event.data[0] == NAME:
            try:
                text = event.data[1:].decode("utf-8")
            except UnicodeDecodeError:
                text = event.data[1:].decode("latin-1")
            return " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return ""


def _note(key: Key, clock: _Clock, wheel: _Wheel) -> ScoreNote:
    onset_s = clock.seconds(key.start)
    duration_s = min(max(clock.seconds(key.end) - onset_s, SHORTEST_NOTE_S), LONGEST_NOTE_S)
    bend = wheel.during(onset_s, duration_s)
    return ScoreNote(key.pitch, key.velocity / 127, onset_s, duration_s, bend, key.gain_db)


class _Wheel:
    """A channel's pitch wheel over time."""

    def __init__(self, channel: Channel, clock: _Clock) -> None:
        self._times_s = [clock.seconds(tick) for tick, _ in channel.bends]
        self._values = [semitones for _, semitones in channel.bends]
        self._points = 0

    def during(self, onset_s: float, duration_s: float) -> tuple[float, ...] | None:
        """The bend of one note; None where the wheel rests in the middle."""
        first = bisect_right(self._times_s, onset_s + 1e-9) - 1
        last = bisect_left(self._times_s, onset_s + duration_s)
        before = self._values[first] if first >= 0 else 0.0
        values = [before, *self._values[first + 1 : last]]
        if not any(values):
            return None
        if len(values) == 1:
            return (before,)
        points = np.arange(math.ceil(duration_s * BEND_RATE) + 1) / BEND_RATE + onset_s + 1e-9
        points = np.minimum(points, onset_s + duration_s - 1e-9)
        self._points += len(points)
        if self._points > MOST_BEND_POINTS:
            raise BadScore("the pitch wheel moves under hours of held notes: thin the score out")
        place = np.searchsorted(self._times_s[first + 1 : last], points, side="right")
        return tuple(np.asarray(values)[place].tolist())
