"""Standard MIDI files as events in ticks, and back, through mido: no musical meaning.

mido reads and writes the tracks. It is shown one track at a time, cut out of its file here, because
it knows no RIFF wrapper and no chunks but tracks, believes the header's count of them, and reads on
into the next track where one ends in the middle of an event.

Lenient where no note is in doubt: a wrapper, unknown chunks, data bytes above 127, running status
across meta events, odd meta events (see `timbrel.midi.metas`), a missing end of track or something
after it. Strict where one is: a track that ends in the middle of an event is an error.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from mido import Message, MidiFile, MidiTrack, UnknownMetaMessage

from timbrel.errors import BadScore
from timbrel.files import replacing
from timbrel.midi.metas import lenient_metas

META = 0xFF
NAME, PORT, END, TEMPO = 0x03, 0x21, 0x2F, 0x51
_END_OF_TRACK = bytes([META, END, 0])
_LONGEST_DELTA = 2**28 - 1
_MOST_TRACKS = 2**16 - 1

# mido takes numbers of any length, in time that grows with its square. Bytes above 127 come in rows
# in such numbers and in foreign text only, and a text has a sign or a line's end now and then.
_LONGEST_ROW = 4096
_IS_HIGH = bytes(128) + b"\1" * 128


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
    """The events of a MIDI file's bytes; system messages are left out.

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
    try:
        length, kind, _, division = struct.unpack_from(">IHHh", data, start + 4)
    except struct.error:
        raise BadScore(f"{name} is cut short in its header: copy it again") from None
    places = list(_track_places(data, start + 8 + length))
    if division == 0 or kind > 2 or len(places) > _MOST_TRACKS:
        raise BadScore(f"{name} is damaged (its header makes no sense): export it again")
    tracks = []
    for number, (place, length) in enumerate(places, start=1):
        if place + length > len(data):
            raise BadScore(f"{name} is cut short in track {number}: copy it again")
        try:
            tracks.append(_parse_track(data[place : place + length]))
        except _DamagedError as error:
            where = "" if error.place is None else f", byte {place + error.place}"
            what = f"{error} in track {number}{where}"
            raise BadScore(f"{name} is damaged ({what}): export it again") from None
    return EventFile(tracks, division, kind)


def _track_places(data: bytes, place: int) -> Iterator[tuple[int, int]]:
    """Where each track begins and how long it says it is."""
    while place + 8 <= len(data):
        chunk, length = struct.unpack_from(">4sI", data, place)
        if chunk == b"MTrk":
            yield place + 8, length
        place += 8 + length


class _DamagedError(Exception):
    def __init__(self, what: str, place: int | None = None) -> None:
        super().__init__(what)
        self.place = place


def _parse_track(data: bytes) -> list[Event]:
    row = data.translate(_IS_HIGH).find(b"\1" * _LONGEST_ROW)
    if row >= 0:
        raise _DamagedError("no event", row)
    try:
        return list(_events(_messages(data)))
    except _DamagedError:
        ended, mark, rest = data.partition(_END_OF_TRACK)
        if not rest:
            raise
        return list(_events(_messages(ended + mark)))  # whatever follows the end is no music


def _messages(track: bytes) -> MidiTrack:
    """What mido makes of one track, as a file of its own."""
    head = struct.pack(">4sIHHH4sI", b"MThd", 6, 1, 1, 480, b"MTrk", len(track))
    stream = io.BytesIO(head + track)
    try:
        with lenient_metas():
            return MidiFile(file=stream, clip=True).tracks[0]
    except Exception as error:  # mido promises no kinds: EOFError, OSError, ValueError, KeyError...
        what = "an unfinished event" if isinstance(error, EOFError) else "no event"
        raise _DamagedError(what, stream.tell() - len(head) - 1) from None


def _events(messages: MidiTrack) -> Iterator[Event]:
    tick = 0
    for message in messages:
        if message.time > _LONGEST_DELTA:
            raise _DamagedError("a time of more than four bytes")
        tick += message.time
        if message.type == "end_of_track":
            return
        status, *data = message.bytes()
        if message.is_meta:
            yield Event(tick, META, _without_length(data))
        elif status < 0xF0:
            yield Event(tick, status, bytes(data))


def _without_length(data: Sequence[int]) -> bytes:
    """A meta event's type and payload; its length, seven bits a byte, stands between them."""
    payload = next(k for k, byte in enumerate(data) if k and byte < 0x80) + 1
    return bytes([data[0], *data[payload:]])


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

    Raises:
        BadScore: a value is out of MIDI's range.
        BadInput: the folder cannot be written.
    """
    path = Path(path)
    messages = [MidiTrack(_to_messages(track)) for track in tracks]
    file = MidiFile(type=1, ticks_per_beat=ticks_per_quarter, tracks=messages)
    with replacing(path) as unfinished:
        file.save(str(unfinished))
    return path


def _to_messages(events: Iterable[Event]) -> Iterator[Message | UnknownMetaMessage]:
    now = 0
    for event in sorted(events, key=_order):
        delta, now = event.tick - now, event.tick
        if event.status == META:  # raw: mido then writes it as it stands
            yield UnknownMetaMessage(event.data[0], event.data[1:], delta)
            continue
        try:
            if delta < 0:
                raise ValueError("ticks are counted from 0")
            yield Message.from_bytes([event.status, *event.data], delta)
        except ValueError as error:
            raise BadScore(f"{event} does not fit into MIDI ({error})") from None


def _order(event: Event) -> tuple[int, int]:
    kind = event.status >> 4
    return event.tick, {0xF: 0, 0x8: 2, 0x9: 3}.get(kind, 1)
