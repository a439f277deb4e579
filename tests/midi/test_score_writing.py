"""What programs compose is read again, by us and by others."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import symusic
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import timbrel
from timbrel.errors import BadInput, BadScore
from timbrel.midi import (
    Score,
    ScoreNote,
    Track,
    program_family,
    program_name,
    read_score,
    write_score,
)
from timbrel.midi.programs import PROGRAM_NAMES

STEPS = st.tuples(st.integers(0, 127), st.integers(1, 127), st.floats(0.03, 2), st.floats(0, 1))
TRACKS = st.tuples(
    st.integers(0, 127), st.integers(-63, 63), st.lists(STEPS, min_size=1, max_size=8)
)
ONE_FOLDER = [HealthCheck.function_scoped_fixture]


def track_of(program: int, pan: int, steps) -> Track:
    """Notes one after another, so that none of one pitch overlap."""
    notes, onset_s = [], 0.0
    for pitch, velocity, duration_s, rest_s in steps:
        notes.append(ScoreNote(pitch, velocity / 127, onset_s, duration_s))
        onset_s += duration_s + rest_s
    return Track("a name", program, False, tuple(notes), pan / 63)


@settings(max_examples=60, deadline=None, suppress_health_check=ONE_FOLDER)
@given(st.lists(TRACKS, min_size=1, max_size=20))
def test_a_score_is_read_as_it_was_written(tmp_path, drawn):
    written = [track_of(*values) for values in drawn]
    write_score(tmp_path / "a.mid", Score(tuple(written)))
    read = read_score(tmp_path / "a.mid").tracks
    assert len(read) == len(written)
    for ours, theirs in zip(read, written, strict=True):
        assert (ours.name, ours.program) == (theirs.name, theirs.program)
        assert ours.pan == pytest.approx(theirs.pan, abs=1e-6)
        for a, b in zip(ours.notes, theirs.notes, strict=True):
            assert (a.pitch, a.velocity) == (b.pitch, pytest.approx(b.velocity))
            assert (a.onset_s, a.end_s) == pytest.approx((b.onset_s, b.end_s), abs=6e-4)


def test_bends_and_levels_survive(tmp_path):
    bend = tuple(k / 10 for k in range(-50, 51))
    notes = (ScoreNote(60, 1.0, 0.0, 1.0, bend, gain_db=-12.04), ScoreNote(62, 1.0, 1.5, 0.5))
    write_score(tmp_path / "a.mid", Score((Track("", 0, False, notes),)))
    first, second = read_score(tmp_path / "a.mid").tracks[0].notes
    assert first.bend_semitones == pytest.approx(bend, abs=0.11)  # a point may fall one step off
    assert first.gain_db == pytest.approx(-12.04, abs=0.01)
    assert (second.bend_semitones, second.gain_db) == (None, 0.0)


def test_symusic_reads_what_we_write(tmp_path):
    notes = (ScoreNote(60, 1.0, 0.5, 1.0), ScoreNote(64, 0.5, 1.0, 0.25))
    score = Score((Track("Lead", 40, False, notes), Track("Kit", 0, True, notes)))
    write_score(tmp_path / "a.mid", score)
    lead, kit = symusic.Score(str(tmp_path / "a.mid")).to("second").tracks
    assert (lead.name, lead.program, lead.is_drum, kit.is_drum) == ("Lead", 40, False, True)
    assert [(n.pitch, n.velocity, n.start, n.duration) for n in lead.notes] == [
        (60, 127, 0.5, 1.0), (64, 64, 1.0, 0.25)]  # fmt: skip


@pytest.mark.parametrize("note", [
    ScoreNote(128, 0.5, 0.0, 1.0), ScoreNote(60, 1.5, 0.0, 1.0), ScoreNote(60, 0.5, -1.0, 1.0),
])  # fmt: skip
def test_notes_that_do_not_fit_into_midi_are_refused(tmp_path, note):
    with pytest.raises(BadScore, match=r"track 'Violin': a note of pitch .* does not fit"):
        write_score(tmp_path / "a.mid", Score((Track("", 40, False, (note,)),)))
    assert not list(tmp_path.iterdir())


def test_an_unwritable_place_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match=r"cannot write .*a\.mid"):
        write_score(tmp_path / "file" / "a.mid", Score(()))


def test_all_programs_have_a_name_and_a_family():
    assert len(PROGRAM_NAMES) == len(set(PROGRAM_NAMES)) == 128
    expected = {0: "keyboard", 13: "mallet", 19: "organ", 24: "guitar", 32: "bass", 40: "string",
                52: "vocal", 56: "brass", 71: "reed", 73: "flute", 81: "synth_lead"}  # fmt: skip
    assert {program: program_family(program) for program in expected} == expected
    named = [program_name(p) for p in (0, 24, 40, 56, 73, 80, 104, 127)]
    assert named == ["Piano", "Guitar", "Violin", "Trumpet", "Flute", "Square Lead", "Sitar",
                     "Gunshot"]  # fmt: skip
    assert {program_family(program) for program in range(128)} <= {
        "bass", "brass", "flute", "guitar", "keyboard", "mallet", "organ", "reed", "string",
        "synth_lead", "vocal"}  # fmt: skip


def test_programs_are_called_as_the_note_sets_call_them():
    table = Path(timbrel.__file__).parent / "data" / "soundfonts" / "gm_programs.csv"
    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert tuple(row["short_name"] for row in rows) == PROGRAM_NAMES
    families = [(row["nsynth_family"], program_family(int(row["program"]))) for row in rows]
    assert [(theirs, ours) for theirs, ours in families if theirs and theirs != ours] == []
