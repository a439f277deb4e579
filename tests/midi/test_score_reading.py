"""MIDI files composed event by event, and what a musician would hear in them."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import mido
import pytest
import symusic
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mido import Message, MetaMessage, MidiFile, MidiTrack

from timbrel.errors import BadScore
from timbrel.midi import read_score

QUARTER = 480


def on(pitch, delta=0, velocity=64, channel=0):
    return Message("note_on", note=pitch, velocity=velocity, time=delta, channel=channel)


def off(pitch, delta=QUARTER, channel=0):
    return Message("note_off", note=pitch, time=delta, channel=channel)


def control(number, value, delta=0, channel=0):
    return Message("control_change", control=number, value=value, time=delta, channel=channel)


def wheel(value, delta=0, channel=0):
    return Message("pitchwheel", pitch=value, time=delta, channel=channel)


def program(number, delta=0, channel=0):
    return Message("program_change", program=number, time=delta, channel=channel)


def tempo(bpm, delta=0):
    return MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm), time=delta)


def midi_bytes(*tracks, kind=1) -> bytes:
    file = MidiFile(type=kind, ticks_per_beat=QUARTER)
    file.tracks.extend(MidiTrack(track) for track in tracks)
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


@pytest.fixture
def read(tmp_path):
    def read_tracks(*tracks, kind=1):
        (tmp_path / "a.mid").write_bytes(midi_bytes(*tracks, kind=kind))
        return read_score(tmp_path / "a.mid").tracks

    return read_tracks


def spans(track):
    return [(n.pitch, round(n.onset_s, 6), round(n.duration_s, 6)) for n in track.notes]


def test_notes_come_out_in_seconds_with_velocity_from_0_to_1(read):
    (track,) = read([MetaMessage("track_name", name="Lead"), program(40), on(60, velocity=127),
                     off(60), on(64, 0, 64), on(64, 240, 0)])  # fmt: skip
    assert (track.name, track.program, track.is_drum, track.channel) == ("Lead", 40, False, 1)
    assert spans(track) == [(60, 0.0, 0.5), (64, 0.5, 0.25)]
    assert [note.velocity for note in track.notes] == [1.0, 64 / 127]
    assert all(note.bend_semitones is None and note.gain_db == 0 for note in track.notes)


def test_the_tempo_map_of_any_track_moves_all_tracks(read):
    melody = [on(60), off(60, 4 * QUARTER), on(62), off(62)]
    first, second = read([tempo(120), *melody], [tempo(60, QUARTER), tempo(240, QUARTER), *melody])
    # 0.5 s at 120, 1 s at 60, then quarters of 0.25 s
    assert spans(first) == [(60, 0.0, 2.0), (62, 2.0, 0.25)]
    assert spans(second) == [(60, 1.5, 1.0), (62, 2.5, 0.25)]


def test_smpte_time_ignores_tempo(tmp_path):
    data = bytearray(midi_bytes([tempo(30), on(60), off(60, 500)]))
    data[12:14] = struct.pack(">bB", -25, 40)  # 25 frames of 40 subframes: a tick is 1 ms
    (tmp_path / "a.mid").write_bytes(data)
    assert spans(read_score(tmp_path / "a.mid").tracks[0]) == [(60, 0.0, 0.5)]


def test_the_pedal_lengthens_notes_until_it_is_lifted(read):
    (track,) = read([control(64, 127), on(60), off(60), on(64), off(64), control(64, 0, 240),
                     on(67), off(67)])  # fmt: skip
    assert spans(track) == [(60, 0.0, 1.25), (64, 0.5, 0.75), (67, 1.25, 0.5)]


def test_a_string_struck_again_under_the_pedal_ends_its_old_sound(read):
    (track,) = read([control(64, 127), on(60), off(60), on(60, QUARTER), off(60),
                     control(64, 0, QUARTER)])  # fmt: skip
    assert spans(track) == [(60, 0.0, 1.0), (60, 1.0, 1.0)]


def test_the_pedal_reaches_both_hands_of_a_piano_on_two_tracks(read):
    left, right = read([control(64, 100), on(40), off(40), control(64, 0, 3 * QUARTER)],
                       [on(72), off(72)])  # fmt: skip
    assert spans(left) == [(40, 0.0, 2.0)]
    assert spans(right) == [(72, 0.0, 2.0)]


def test_the_pedal_of_one_channel_leaves_the_others_alone(read):
    piano, flute = read([control(64, 127), on(60), off(60), control(64, 0, QUARTER)],
                        [on(72, channel=1), off(72, channel=1)])  # fmt: skip
    assert (spans(piano), spans(flute)) == ([(60, 0.0, 1.0)], [(72, 0.0, 0.5)])


def test_a_pedal_that_is_never_lifted_ends_with_the_file(read):
    (track,) = read([control(64, 127), on(60), off(60), on(62, QUARTER), off(62)])
    assert spans(track) == [(60, 0.0, 1.5), (62, 1.0, 0.5)]


def test_overlapping_notes_of_one_pitch_end_in_the_order_they_began(read):
    (track,) = read([on(60), on(60, 240), off(60, 240), off(60, 480)])
    assert spans(track) == [(60, 0.0, 0.5), (60, 0.25, 0.75)]


def test_notes_without_an_end_last_to_the_end_and_lone_ends_are_passed_over(read):
    (track,) = read([off(50, 0), on(60), on(62, QUARTER), off(62)])
    assert spans(track) == [(60, 0.0, 1.0), (62, 0.5, 0.5)]


def test_zero_length_notes_get_the_least_duration(read):
    (track,) = read([on(60), off(60, 0), on(62, QUARTER), off(62)])
    assert spans(track) == [(60, 0.0, 0.02), (62, 0.5, 0.5)]


def test_all_notes_off_lets_keys_go(read):
    (track,) = read([on(60), on(64), control(123, 0, QUARTER), on(67), off(67)])
    assert spans(track) == [(60, 0.0, 0.5), (64, 0.0, 0.5), (67, 0.5, 0.5)]


def test_the_wheel_bends_two_semitones_by_default(read):
    (track,) = read([wheel(4096), on(60), off(60), wheel(0), on(62), off(62)])
    assert track.notes[0].bend_semitones == (1.0,)
    assert track.notes[1].bend_semitones is None


def test_rpn_0_sets_the_range_of_the_wheel(read):
    (track,) = read([control(101, 0), control(100, 0), control(6, 12), control(38, 50),
                     control(101, 127), control(100, 127), control(6, 1), wheel(-8192),
                     on(60), off(60)])  # fmt: skip
    assert track.notes[0].bend_semitones == (-12.5,)


def test_an_nrpn_does_not_touch_the_range(read):
    (track,) = read([control(101, 0), control(100, 0), control(99, 0), control(98, 0),
                     control(6, 24), wheel(-8192), on(60), off(60)])  # fmt: skip
    assert track.notes[0].bend_semitones == (-2.0,)


def test_a_moving_wheel_is_sampled_a_hundred_times_a_second(read):
    # at 120 bpm and 480 ticks, 96 ticks are 0.1 s
    (track,) = read([on(60), wheel(4096, 96), wheel(-4096, 96), off(60, 96), wheel(0)])
    bend = track.notes[0].bend_semitones
    assert len(bend) == 31
    assert bend[:10] == (0.0,) * 10
    assert bend[10:20] == (1.0,) * 10
    assert bend[20:] == (-1.0,) * 11


def test_program_changes_split_a_track_and_state_carries_over(read):
    first, second = read([program(5), control(64, 127), wheel(8191), on(60), off(60),
                          program(10), on(61), off(61), control(64, 0, QUARTER)])  # fmt: skip
    assert (first.program, second.program) == (5, 10)
    assert spans(first) == [(60, 0.0, 1.5)]
    assert spans(second) == [(61, 0.5, 1.0)]
    assert second.notes[0].bend_semitones == pytest.approx((2.0,), abs=3e-4)


def test_a_held_note_keeps_the_program_it_began_with(read):
    first, second = read([program(5), on(60), program(10, 240), on(62), off(60, 240), off(62, 0)])
    assert spans(first) == [(60, 0.0, 0.5)]
    assert spans(second) == [(62, 0.25, 0.25)]


def test_a_program_set_in_another_track_counts(read):
    (track,) = read([program(40, channel=3)], [on(60, channel=3), off(60, channel=3)])
    assert track.program == 40


def test_a_type_0_file_is_split_by_channel_and_channel_10_is_drums(read):
    tracks = read([program(5), program(7, channel=1), on(60), on(62, channel=1),
                   on(38, channel=9), off(60), off(62, 0, 1), off(38, 0, 9)], kind=0)  # fmt: skip
    assert [(t.channel, t.program, t.is_drum) for t in tracks] == [
        (1, 5, False), (2, 7, False), (10, 0, True)]  # fmt: skip


def test_ports_hold_sixteen_channels_each(read):
    port = MetaMessage("midi_port", port=1)
    first, second = read([program(1), on(60), off(60)], [port, program(2), on(60), off(60)])
    assert (first.program, second.program) == (1, 2)


def test_volume_expression_and_pan_are_heard(read):
    first = [control(7, 50), on(60), off(60), control(11, 0), on(60), off(60)]
    second = [control(10, 127, channel=1), on(60, channel=1), off(60, channel=1)]
    quiet, right = read(first, second)
    assert quiet.notes[0].gain_db == pytest.approx(-12.04, abs=0.01)
    assert quiet.notes[1].gain_db == -96.0
    assert (quiet.pan, right.pan) == (0.0, 1.0)


def test_the_label_is_the_name_or_the_program(read):
    track, drums = read([program(40), on(60), off(60)], [on(60, channel=9), off(60, 9, 9)])
    assert (track.label, drums.label) == ("Violin", "Drums")


def test_names_are_one_printable_line(read):
    name = MetaMessage("track_name", name="Caf\xe9\n\x00 solo ")
    assert read([name, on(60), off(60)])[0].name == "Caf\xe9 solo"


QUIRKS = {
    "an odd key signature": b"\x00\xff\x59\x02\x09\x00",
    "an unknown meta event that takes time": b"\x60\xff\x60\x03abc",
    "an unfinished tempo": b"\x00\xff\x51\x00",
    "a system exclusive message": b"\x00\xf0\x03\x01\x02\xf7",
    "a tempo of 0": b"\x00\xff\x51\x03\x00\x00\x00",
    "a time signature of two bytes": b"\x00\xff\x58\x02\x04\x02",
    "an SMPTE offset of no known rate": b"\x00\xff\x54\x05\xe0\x00\x00\x00\x00",
    "a sequence number of one byte": b"\x00\xff\x00\x01\x05",
    "a channel prefix of none": b"\x00\xff\x20\x00",
    "a timing clock": b"\x00\xf8",
}


@pytest.mark.parametrize("quirk", QUIRKS)
def test_quirks_that_touch_no_note_are_passed_over(tmp_path, quirk):
    delay = 96 if quirk.startswith("an unknown") else 0
    body = QUIRKS[quirk] + b"\x00\x90\x3c\x40\x83\x60\x3c\x00"  # 480 ticks, running status
    for extra in (b"", b"\x00\xff\x2f\x00", b"\x00\xff\x2f\x00" + bytes(3)):
        track = struct.pack(">4sI", b"MTrk", len(body + extra)) + body + extra
        header = struct.pack(">4sIHHH", b"MThd", 6, 1, 1, 480)
        (tmp_path / "a.mid").write_bytes(header + b"XYZ!\x00\x00\x00\x02ab" + track)
        assert spans(read_score(tmp_path / "a.mid").tracks[0]) == [(60, delay / 960, 0.5)]


def test_data_bytes_above_127_are_clipped(tmp_path):
    data = midi_bytes([on(60), off(60)]).replace(bytes([0x90, 60, 64]), bytes([0x90, 60, 200]))
    (tmp_path / "a.mid").write_bytes(data)
    assert read_score(tmp_path / "a.mid").tracks[0].notes[0].velocity == 1.0


def test_a_riff_wrapper_is_opened(tmp_path):
    data = midi_bytes([on(60), off(60)])
    riff = struct.pack("<4sI4s4sI", b"RIFF", len(data) + 12, b"RMID", b"data", len(data))
    (tmp_path / "a.rmi").write_bytes(riff + data)
    assert read_score(tmp_path / "a.rmi").n_notes == 1


SONG = midi_bytes([program(40), on(60), off(60)])
BAD_FILES = {
    "missing": (None, r"no MIDI file at .*a\.mid: check the path"),
    "empty": (b"", r"a\.mid is empty \(0 bytes\): give a MIDI file"),
    "text": (b"la la la" * 99, r"a\.mid is not a MIDI file \(no MThd in it\): give a \.mid"),
    "cut": (SONG[:-5], r"a\.mid is cut short in track 1: copy it again"),
    "header": (SONG[:11], r"a\.mid is cut short in its header"),
    "division": (SONG[:12] + b"\0\0" + SONG[14:], r"damaged \(its header makes no sense\)"),
    "status": (SONG.replace(b"\xc0\x28", b"\xf5\x28"), r"damaged \(no event in track 1, byte 23\)"),
    "no notes": (midi_bytes([program(3)]), r"a\.mid has no notes: give a MIDI file with"),
    "type 2": (midi_bytes([on(60), off(60)], kind=2), r"independent patterns \(type 2\): export"),
    "too long": (
        midi_bytes([tempo(4), on(60), off(60, 2**24)]),
        r"lasts 145\.6 h, the longest is 6",
    ),
    "too large": (b"MThd" + bytes(8_000_001), r"has 8 MB, a MIDI file of at most 8 MB is wanted"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_file_is_one_line_that_says_what_to_do(tmp_path, kind):
    data, message = BAD_FILES[kind]
    if data is not None:
        (tmp_path / "a.mid").write_bytes(data)
    with pytest.raises(BadScore, match=message) as caught:
        read_score(tmp_path / "a.mid")
    assert "\n" not in str(caught.value)


def test_a_folder_is_no_score(tmp_path):
    with pytest.raises(BadScore, match=r"is a folder: give one MIDI file"):
        read_score(tmp_path)


def test_too_many_notes_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("timbrel.midi.reading.MOST_NOTES", 1)
    (tmp_path / "a.mid").write_bytes(midi_bytes([on(60), off(60), on(60), off(60)]))
    with pytest.raises(BadScore, match=r"has 2 notes, at most 1 are played: split it"):
        read_score(tmp_path / "a.mid")


ONE_FOLDER = [HealthCheck.function_scoped_fixture]
MESSAGES = st.one_of(
    st.builds(on, st.integers(58, 62), st.integers(0, 300), st.integers(0, 127), st.integers(0, 2)),
    st.builds(off, st.integers(58, 62), st.integers(0, 300), st.integers(0, 2)),
    st.builds(tempo, st.floats(20, 300), st.integers(0, 100)),
    st.builds(wheel, st.integers(-8192, 8191), st.integers(0, 100), st.integers(0, 2)),
)
TRACKS = st.lists(st.lists(MESSAGES, min_size=1, max_size=30), min_size=1, max_size=3)


@settings(max_examples=50, deadline=None, suppress_health_check=ONE_FOLDER)
@given(TRACKS)
def test_finished_notes_agree_with_symusic(tmp_path, tracks):
    """Where each press has its release; symusic drops other notes and knows no least duration."""
    closed = [[*track, *(off(p, 1, c) for p in range(58, 63) for c in range(3) for _ in range(30))]
              for track in tracks]  # fmt: skip
    data = midi_bytes(*closed)
    (tmp_path / "a.mid").write_bytes(data)
    theirs = symusic.Score.from_midi(data).to("second")
    expected = sorted((n.pitch, n.velocity, n.start, max(n.duration, 0.02))
                      for track in theirs.tracks for n in track.notes)  # fmt: skip
    if not expected:
        return
    notes = [note for track in read_score(tmp_path / "a.mid").tracks for note in track.notes]
    got = sorted((int(n.pitch), round(n.velocity * 127), n.onset_s, n.duration_s) for n in notes)
    assert len(got) == len(expected)
    for ours, other in zip(got, expected, strict=True):
        assert ours == pytest.approx(other, abs=1e-4)


@settings(max_examples=400, deadline=2000, suppress_health_check=ONE_FOLDER)
@given(
    changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=12),
    keep=st.floats(0.05, 1.0),
)
def test_damaged_files_are_read_or_refused_but_never_crash_or_hang(tmp_path, changes, keep):
    song = midi_bytes(
        [tempo(100), MetaMessage("track_name", name="x"), tempo(90, 960)],
        [control(101, 0), control(100, 0), control(6, 12), control(64, 127), wheel(1000),
         *[m for k in range(20) for m in (on(50 + k), wheel(k * 100, 20), off(50 + k))]],
    )  # fmt: skip
    data = bytearray(song)
    for place, value in changes:
        data[place % len(data)] = value
    path = Path(tmp_path / "a.mid")
    path.write_bytes(data[: int(len(data) * keep)])
    try:
        score = read_score(path)
    except BadScore:
        return
    for note in (note for track in score.tracks for note in track.notes):
        assert 0.02 <= note.duration_s <= 600
        assert 0 <= note.onset_s <= 6 * 3600
        assert 0 < note.velocity <= 1


def test_a_device_is_refused_before_it_is_read():
    with pytest.raises(BadScore, match="is a pipe or a device: give a MIDI file"):
        read_score("/dev/zero")
