"""Standard MIDI files as events in ticks, and back: bytes only, no musical meaning.

Read here rather than by a library, because performing needs what the libraries lose. symusic
forgets channels, so the pedal of a piano written on two tracks would reach one hand only. mido
loses the time before each meta event that it does not know, and refuses a whole song for one odd
key signature. The tests hold this reader against both.

Lenient where no note is in doubt: a RIFF wrapper, unknown chunks, data bytes above 127, running
status across meta events, a missing end of track. Strict where one is: a track that ends in the
middle of an event is an error.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from timbrel.errors import BadScore
from timbrel.files import replacing

META = 0xFF
NAME, PORT, END, TEMPO = 0x03, 0x21, 0x2F, 0x51


class Event(NamedTuple):
    """Something at a tick.

    Attributes:
        tick: from the start of the file.
        status: 0x80 to 0xEF for a channel message, 0xFF for a meta event.
        data: its data bytes; a meta event's type comes first.
    """

    tick: int
    status: int
    data: bytes


@dataclass(frozen=True)
class EventFile:
    """A file's tracks.

    Attributes:
        tracks: events of each, by tick.
        division: ticks per quarter note; negative for SMPTE time (see `seconds_per_smpte_tick`).
        kind: 0 one track of all channels, 1 tracks that play together, 2 independent patterns.
    """

    tracks: Sequence[Sequence[Event]]
    division: int = 480
    kind: int = 1


def parse_events(data: bytes, name: str = "the file") -> EventFile:
    """The events of a MIDI file's bytes; system exclusive messages are left out.

    Raises:
        BadScore: it is no MIDI file, or it is damaged.

    >>> track = bytes.fromhex("00903c40 60803c00 00ff2f00")
    >>> header = b"MThd" + struct.pack(">IHHH", 6, 0, 1, 96)
    >>> parse_events(header + b"MTrk" + struct.pack(">I", len(track)) + track).tracks[0][1].tick
    96
    """
    start = data.find(b"MThd", 0, 1024)
    if start < 0:
        raise BadScore(f"{name} is not a MIDI file (no MThd in it): give a .mid file")
    place = start + 8
    tracks = []
    try:
        length, kind, _, division = struct.unpack_from(">IHHh", data, start + 4)
        place += length
        while place + 8 <= len(data):
            chunk, length = struct.unpack_from(">4sI", data, place)
            if chunk == b"MTrk":
                if place + 8 + length > len(data):
                    raise BadScore(f"{name} is cut short in track {len(tracks) + 1}: copy it again")
                tracks.append(_parse_track(data[place + 8 : place + 8 + length]))
            place += 8 + length
    except _DamagedError as error:
        where = f"track {len(tracks) + 1}, byte {place + 8 + error.place}"
        raise BadScore(f"{name} is damaged ({error} in {where}): export it again") from None
    except struct.error:
        raise BadScore(f"{name} is cut short in its header: copy it again") from None
    if division == 0 or kind > 2:
        raise BadScore(f"{name} is damaged (its header makes no sense): export it again")
    return EventFile(tracks, division, kind)


class _DamagedError(Exception):
    def __init__(self, what: str, place: int) -> None:
        super().__init__(what)
        self.place = place


def _parse_track(data: bytes) -> list[Event]:
    events = []
    place = tick = status = 0
    while place < len(data):
        started = place
        try:
            delta, place = _read_length(data, place)
            tick += delta
            if data[place] >= 0x80:
                first = data[place]
                place += 1
            else:
                first = status
            if first in (META, 0xF0, 0xF7):
                kind = data[place : place + 1] if first == META else b""
                length, place = _read_length(data, place + len(kind))
                if place + length > len(data):
                    raise IndexError
                if first == META:
                    if kind[0] == END:
                        break
                    events.append(Event(tick, META, kind + data[place : place + length]))
                place += length
            elif 0x80 <= first < 0xF0:
                status = first
                length = 1 if 0xC0 <= status < 0xE0 else 2
                values = bytes(min(data[place + k], 127) for k in range(length))
                events.append(Event(tick, status, values))
                place += length
            else:
                raise _DamagedError("no event", started)
        except IndexError:
            raise _DamagedError("an unfinished event", started) from None
    return events


def _read_length(data: bytes, place: int) -> tuple[int, int]:
    """A number of seven bits a byte, and the place after it."""
    value = 0
    for count in range(4):
        byte = data[place + count]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + count + 1
    raise _DamagedError("a number of more than four bytes", place)


def seconds_per_smpte_tick(division: int) -> float:
    """Length of a tick where the header counts frames (minus 24, 25, 29 or 30) and subframes."""
    frames = -(division >> 8)
    return 1.0 / ((29.97 if frames == 29 else frames) * max(division & 0xFF, 1))


def write_events(
    path: str | Path, tracks: Iterable[Iterable[Event]], ticks_per_quarter: int = 480
) -> Path:
    """Writes a MIDI file, whole or not at all; events may come in any order.

    At equal ticks meta events come first, then what the notes need, then notes off before notes
    on; otherwise the given order holds.
    """
    path = Path(path)
    chunks = [b"MTrk" + _prefixed(_track_bytes(track)) for track in tracks]
    header = struct.pack(">HHH", 1, len(chunks), ticks_per_quarter)
    with replacing(path) as unfinished:
        unfinished.write_bytes(b"MThd" + _prefixed(header) + b"".join(chunks))
    return path


def _track_bytes(events: Iterable[Event]) -> bytes:
    result = bytearray()
    now = status = 0
    for event in sorted(events, key=_order):
        result += _length_bytes(event.tick - now)
        now = event.tick
        if event.status == META:
            result += bytes([META, event.data[0]]) + _length_bytes(len(event.data) - 1)
            result += event.data[1:]
            status = 0
        else:
            result += event.data if event.status == status else bytes([event.status]) + event.data
            status = event.status
    return bytes(result) + bytes([0, META, END, 0])


def _order(event: Event) -> tuple[int, int]:
    kind = event.status >> 4
    return event.tick, {0xF: 0, 0x8: 2, 0x9: 3}.get(kind, 1)


def _prefixed(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _length_bytes(value: int) -> bytes:
    septets = [value & 0x7F]
    while value := value >> 7:
        septets.append(value & 0x7F | 0x80)
    return bytes(reversed(septets))
