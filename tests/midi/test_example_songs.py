"""The songs beside the examples are what their program composes, and hold what they promise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from timbrel.midi import read_score

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_the_songs_are_what_the_program_composes(tmp_path):
    command = [sys.executable, str(EXAMPLES / "compose_song.py"), str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    for name in ("song.mid", "melody.mid"):
        assert (tmp_path / name).read_bytes() == (EXAMPLES / name).read_bytes()


def test_the_song_has_all_that_performing_must_bear():
    score = read_score(EXAMPLES / "song.mid")
    assert 235 < score.duration_s < 265
    assert score.n_notes > 4000
    assert sum(track.is_drum for track in score.tracks) == 1
    assert len({track.channel for track in score.tracks}) == 10
    programs = [track.program for track in score.tracks if track.name == "Lead"]
    assert programs == [40, 71, 73]
    bent = sum(note.bend_semitones is not None for track in score.tracks for note in track.notes)
    assert bent > 100
    piano = next(track for track in score.tracks if track.name == "Piano")
    assert max(note.duration_s for note in piano.notes) > 1.5  # quavers, under the pedal


def test_the_melody_is_half_a_minute():
    score = read_score(EXAMPLES / "melody.mid")
    assert 20 < score.duration_s < 32
    assert len(score.tracks) >= 5
