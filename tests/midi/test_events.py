"""Bytes to events and back, held against bytes written by hand and against symusic."""

from __future__ import annotations

import io
import random
import struct

import pytest
import symusic
from hypothesis import given, settings
from hypothesis import strategies as st
from mido import KeySignatureError, Message, MetaMessage, MidiFile, MidiTrack, UnknownMetaMessage
from mido.midifiles.meta import build_meta_message

from timbrel.errors import BadScore
from timbrel.midi import Event, parse_events, write_events

NOTE = bytes.fromhex("00903c40 60803c40")
END = bytes.fromhex("00ff2f00")


def file_bytes(*tracks: bytes, count: int | None = None) -> bytes:
    header = struct.pack(">4sIHHH", b"MThd", 6, 1, len(tracks) if count is None else count, 96)
    return header + b"".join(struct.pack(">4sI", b"MTrk", len(t)) + t for t in tracks)


def test_bytes_become_events():
    track = bytes.fromhex(
        "00 ff0302c3a9 00 c528 8100 953c40 60 3c00 00 ff510307a120 00 f003010203 10 e50140"
    )
    (events,) = parse_events(file_bytes(track + END)).tracks
    assert events == [
        (0, 0xFF, b"\x03\xc3\xa9"),
        (0, 0xC5, b"\x28"),
        (128, 0x95, b"\x3c\x40"),
        (224, 0x95, b"\x3c\x00"),
        (224, 0xFF, b"\x51\x07\xa1\x20"),
        (240, 0xE5, b"\x01\x40"),
    ]


def test_events_become_bytes(tmp_path):
    track = [
        Event(300, 0x80, b"\x3c\x40"),
        Event(300, 0x80, b"\x40\x40"),
        Event(0, 0x90, b"\x3c\x40"),
        Event(0, 0xC0, b"\x05"),
        Event(0, 0xFF, b"\x60odd"),
        Event(300, 0xFF, b"\x03" + bytes(200)),
    ]
    write_events(tmp_path / "a.mid", [track], 96)
    body = "00 ff60036f6464 00 c005 00 903c40 822c ff038148" + "00" * 200
    body += "00 803c40 00 4040 00 ff2f00"
    assert (tmp_path / "a.mid").read_bytes() == file_bytes(bytes.fromhex(body))


CHANNEL_EVENTS = st.builds(
    lambda tick, status, a, b: Event(
        tick, status, bytes([a] if 0xC0 <= status < 0xE0 else [a, b])
    ),
    st.integers(0, 2**20), st.integers(0x80, 0xEF), st.integers(0, 127), st.integers(0, 127),
)  # fmt: skip
META_EVENTS = st.builds(
    lambda tick, data: Event(tick, 0xFF, data),
    st.integers(0, 2**20),
    st.binary(min_size=1, max_size=200).filter(lambda data: data[0] != 0x2F),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(CHANNEL_EVENTS, max_size=30), max_size=4), st.integers(1, 32767))
def test_events_survive_writing_and_reading(tmp_path_factory, tracks, division):
    path = write_events(tmp_path_factory.mktemp("e") / "a.mid", tracks, division)
    file = parse_events(path.read_bytes())
    assert (file.division, file.kind) == (division, 1)
    assert [sorted(track) for track in file.tracks] == [sorted(track) for track in tracks]


@settings(max_examples=100, deadline=None)
@given(st.lists(META_EVENTS, max_size=12))
def test_no_meta_event_moves_what_follows(tmp_path_factory, events):
    last = Event(2**20 + 1, 0x90, b"\x3c\x40")
    path = write_events(tmp_path_factory.mktemp("e") / "a.mid", [[*events, last]])
    (read,) = parse_events(path.read_bytes()).tracks
    assert read[-1] == last
    assert [(e.tick, e.data[0]) for e in read[:-1]] == [
        (e.tick, e.data[0]) for e in sorted(events, key=lambda event: event.tick)
    ]


def moves(draw: random.Random) -> list[Event]:
    """Tempos, wheels and controllers at random ticks, with a note on each channel for symusic."""
    events = [Event(tick, 0x90 | channel, bytes([60, velocity]))
              for channel in range(3) for tick, velocity in ((0, 64), (5000, 0))]  # fmt: skip
    for _ in range(draw.randrange(40)):
        tick, channel = draw.randrange(5000), draw.randrange(3)
        data = bytes([draw.randrange(1, 120), draw.randrange(128)])
        events.append(Event(tick, draw.choice([0xB0, 0xE0]) | channel, data))
        events.append(Event(draw.randrange(5000), 0xFF, b"\x51" + draw.randbytes(2) + b"\1"))
    return events


@pytest.mark.parametrize("seed", range(10))
def test_tempos_wheels_and_controllers_agree_with_symusic(tmp_path, seed):
    draw = random.Random(seed)
    path = write_events(tmp_path / "a.mid", [moves(draw) for _ in range(2)])
    events = [event for track in parse_events(path.read_bytes()).tracks for event in track]
    theirs = symusic.Score.from_midi(path.read_bytes())
    tempos = {(e.tick, int.from_bytes(e.data[1:], "big")) for e in events if e.status == 0xFF}
    wheels = [(e.tick, (e.data[1] << 7 | e.data[0]) - 8192) for e in events if e.status >> 4 == 0xE]
    controls = [(e.tick, *e.data) for e in events if e.status >> 4 == 0xB]
    assert {(t.time, t.mspq) for t in theirs.tempos} - {(0, 500000)} == tempos
    assert sorted((b.time, b.value) for t in theirs.tracks for b in t.pitch_bends) == sorted(wheels)
    assert sorted((c.time, c.number, c.value) for t in theirs.tracks for c in t.controls) == sorted(
        controls
    )


@pytest.mark.parametrize("count", [0, 1, 7])
def test_the_headers_count_of_tracks_is_not_believed(count):
    data = file_bytes(NOTE + END, NOTE, count=count) + b"MTr"
    assert [len(track) for track in parse_events(data).tracks] == [2, 2]


DAMAGED = {
    "running status of nothing": (b"\x00\x3c\x40", r"no event in track 2, byte 35"),
    "an undefined status": (b"\x00\xf5\x40", r"no event in track 2, byte 35"),
    "half a note": (b"\x00\x90\x3c", r"an unfinished event in track 2, byte 36"),
    "a text longer than the track": (
        b"\x00\xff\x01\x09ab",
        "an unfinished event in track 2, byte 3",
    ),
    "a text longer than any": (b"\x00\xff\x01\xff\xff\xff\x7fab", "no event in track 2"),
    "a time of five bytes": (
        b"\x90\x80\x80\x80\x00" + NOTE[1:],
        "a time of more than four bytes in",
    ),
    "a time without end": (b"\xff" * 2_000_000, "no event in track 2, byte 34"),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_damage_is_named_with_its_place(damage):
    track, message = DAMAGED[damage]
    with pytest.raises(BadScore, match=rf"the file is damaged \({message}.*\): export it again"):
        parse_events(file_bytes(END, track))


def test_more_tracks_than_a_header_can_count_are_refused():
    with pytest.raises(BadScore, match="its header makes no sense"):
        parse_events(file_bytes() + b"MTrk\0\0\0\0" * 2**16)


@pytest.mark.parametrize("event", [
    Event(0, 0xC0, bytes([200])), Event(-1, 0xC0, b"\1"), Event(0, 0x90, b"\x3c"),
])  # fmt: skip
def test_events_that_do_not_fit_into_midi_are_refused(tmp_path, event):
    with pytest.raises(BadScore, match=r"Event\(tick=.* does not fit into MIDI \("):
        write_events(tmp_path / "a.mid", [[event]])
    assert not list(tmp_path.iterdir())


def test_other_users_of_mido_get_what_they_know():
    """Our registrations keep its classes and its exceptions, and only mend a lost time."""
    with pytest.raises(KeySignatureError):
        build_meta_message(0x59, [9, 0])
    with pytest.raises(IndexError):
        build_meta_message(0x51, [])
    assert build_meta_message(0x59, [1, 0], 3) == MetaMessage("key_signature", key="G", time=3)
    odd = build_meta_message(0x60, [1, 2], 7)
    assert type(odd) is UnknownMetaMessage
    assert odd == UnknownMetaMessage(0x60, [1, 2], 7)
    assert odd.copy(time=8) == UnknownMetaMessage(0x60, [1, 2], 8)
    file = MidiFile(tracks=[MidiTrack([odd, Message("note_on", note=60, time=1)])])
    buffer = io.BytesIO()
    file.save(file=buffer)
    assert MidiFile(file=io.BytesIO(buffer.getvalue())).tracks[0][:2] == file.tracks[0]
