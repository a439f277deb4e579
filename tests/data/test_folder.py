from __future__ import annotations

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from timbrel.data import NoteSet
from timbrel.data.claim import alone_in
from timbrel.data.recordings.folder import REPORT, collect_folder, find_recordings, velocity_of
from timbrel.data.recordings.hearing import FolderSettings, hear
from timbrel.data.recordings.instrument_names import instrument_names
from timbrel.errors import BadInput

from .test_recording import note, silence


def write(path: Path, audio: np.ndarray, rate: int = 16000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, audio, rate)
    return path


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    """Two instruments, five good notes, four files that hold none."""
    home = tmp_path_factory.mktemp("takes")
    violin, piano = home / "in" / "solo violin", home / "in" / "Grand Piano"
    write(violin / "a.wav", np.concatenate([silence(0.4), note(69, 1.0)]))
    write(violin / "b.flac", np.concatenate([note(64, 0.5), silence(0.4), note(67, 0.5)]))
    write(piano / "loud.wav", note(60, 5.0, 0.5, decay_db_s=4.0))
    stereo = 0.25 * note(60, 1.0)
    write(piano / "soft.wav", np.stack([stereo, stereo], 1))
    write(piano / "silent.wav", silence(1.0))
    write(piano / "phrase.wav", np.concatenate([note(60, 0.8, 0.001), note(65, 0.8, 0.001)]))
    (piano / "damaged.wav").write_bytes(b"RIFF1234WAVE")
    write(piano / "long.wav", silence(3.0), 8000)
    (piano / "notes.txt").write_text("no recording")
    told = []
    report = collect_folder(
        str(home / "in/**/*.*"), home / "set", FolderSettings(longest_s=7.0),
        processes=0, progress=lambda *p: told.append(p),
    )  # fmt: skip
    return home, report, told


def test_each_folder_is_an_instrument(collected):
    home, _, _ = collected
    notes = NoteSet.open(home / "set")
    assert notes.instruments == ("grand_piano", "solo_violin")
    assert {record.family for record in notes} == {"keyboard", "string"}
    assert sorted(notes.pitch.tolist()) == [60, 60, 64, 67, 69]
    assert notes.sample_rate == 16000
    assert notes.audio_batch(range(5)).shape == (5, 64000)


def test_velocity_follows_the_level_within_the_instrument(collected):
    home, _, _ = collected
    notes = NoteSet.open(home / "set")
    piano = notes.subset((notes.instrument == 0).nonzero()[:, 0])
    assert sorted(piano.velocity.tolist()) == [pytest.approx(50, abs=1), 100]
    assert velocity_of(-200.0) == 1


def test_long_notes_are_cut_and_their_hold_with_them(collected):
    home, _, _ = collected
    notes = NoteSet.open(home / "set")
    (loud,) = ((notes.velocity == 100) & (notes.pitch == 60)).nonzero()[:, 0].tolist()
    assert notes[loud].hold_s == 4.0
    audio = notes.audio(loud)
    assert audio[-400:-330].abs().max() > 0.01
    assert audio[-1].abs() < 1e-3
    (soft,) = (notes.velocity < 60).nonzero()[:, 0].tolist()
    assert notes[soft].hold_s == pytest.approx(1.0, abs=0.06)


def test_the_report_says_what_was_refused_and_why(collected):
    home, report, told = collected
    content = json.loads((home / "set" / REPORT).read_text())
    reasons = {Path(one["file"]).name: one["reason"] for one in content["refused"]}
    assert set(reasons) == {"silent.wav", "phrase.wav", "damaged.wav", "long.wav"}
    assert reasons["silent.wav"] == "silent, or over in less than 60 ms"
    assert reasons["phrase.wav"].startswith("its pitch moves from 60.0 to 65.0")
    assert reasons["damaged.wav"]
    assert len(content["notes"]) == len(report.notes) == 5
    first = next(one for one in content["notes"] if one["file"].endswith("a.wav"))
    assert (first["pitch"], first["start_s"]) == (69, pytest.approx(0.4, abs=0.03))
    assert ("listening", 8, 8) in told
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(report)
    shown = console.export_text()
    assert "solo violin" in shown
    assert "silent.wav" in shown


def test_nothing_unfinished_stays_behind(collected):
    home, _, _ = collected
    assert sorted(path.name for path in (home / "set").iterdir()) == ["nsynth-train", "report.json"]


def test_a_file_is_heard_once_as_long_as_it_and_the_settings_stay(tmp_path, monkeypatch):
    path = write(tmp_path / "a.wav", note(60, 0.5))
    kept = tmp_path / "kept"
    kept.mkdir()
    first = hear(path, kept, FolderSettings())
    monkeypatch.setattr("timbrel.data.recordings.hearing.read_audio", None)
    assert hear(path, kept, FolderSettings()) == first
    assert (kept / first["notes"][0]["sound"]).is_file()
    with pytest.raises(TypeError):
        hear(path, kept, FolderSettings(retune=False))
    write(path, note(60, 0.6))
    with pytest.raises(TypeError):
        hear(path, kept, FolderSettings())


def test_patterns_folders_and_files_name_recordings(tmp_path, monkeypatch):
    a, b = write(tmp_path / "x/a.wav", silence(0.1)), write(tmp_path / "x/y/b.FLAC", silence(0.1))
    write(tmp_path / "out/nsynth-train/audio/c.wav", silence(0.1))
    write(tmp_path / "x/.hidden.wav", silence(0.1))
    monkeypatch.chdir(tmp_path)
    out = Path("out")
    assert find_recordings("x", out) == [a, b]
    assert find_recordings("x/*.wav", out) == [a]
    assert find_recordings([tmp_path / "x/**/*", "x/a.wav"], out) == [a, b]
    assert find_recordings(".", out) == [a, b]
    for nothing in ("nowhere", "x/*.mp3", "out/**/*.wav", "x/**.wav/["):
        with pytest.raises(BadInput, match=r"no recordings at|is no pattern"):
            find_recordings(nothing, out)


def files_of(home: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in home.rglob("*") if path.is_file()}


def test_other_recordings_want_another_folder_and_the_same_make_the_set_anew(tmp_path):
    write(tmp_path / "bowed glass/a.wav", note(60, 0.5))
    write(tmp_path / "other/a.wav", note(64, 0.5))
    home = tmp_path / "set"
    collect_folder(tmp_path / "bowed glass", home, processes=0)
    before = files_of(home)
    with pytest.raises(BadInput, match=r"holds a set of other recordings \(/.*bowed glass\): "):
        collect_folder(tmp_path / "other", home, processes=0)
    assert files_of(home) == before
    write(tmp_path / "bowed glass/b.wav", note(67, 0.5))
    collect_folder(tmp_path / "bowed glass", home, processes=0)
    assert NoteSet.open(home).pitch.tolist() == [60, 67]


def test_a_stopped_run_is_no_one_elses(tmp_path, monkeypatch):
    write(tmp_path / "one/a.wav", note(60, 0.5))
    write(tmp_path / "two/a.wav", note(60, 0.5))
    with monkeypatch.context() as patched:
        patched.setattr("timbrel.data.recordings.folder._write_set", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            collect_folder(tmp_path / "one", tmp_path / "set", processes=0)
    with pytest.raises(BadInput, match="holds a set of other recordings"):
        collect_folder(tmp_path / "two", tmp_path / "set", processes=0)
    assert len(collect_folder(tmp_path / "one", tmp_path / "set", processes=0).notes) == 1


def test_two_processes_do_not_write_one_set(tmp_path):
    write(tmp_path / "in/a.wav", note(60, 0.5))
    with (
        alone_in(tmp_path / "set"),
        pytest.raises(BadInput, match=r"another process is making a set in .*set: wait for it"),
    ):
        collect_folder(tmp_path / "in", tmp_path / "set", processes=0)
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["Pad/C4.wav", "Pad/soft D4.wav"], ["pad", "pad"]),
        (["takes/violin_C4.wav", "takes/glass 1.wav"], ["violin", "glass"]),
        (["takes/bell1.wav", "takes/bell2.wav"], ["bell", "bell"]),
        (["takes/dx7_C4.wav", "takes/dx7_Fs4_ff.wav"], ["dx7", "dx7"]),
        (["cello/wav/C2.wav", "cello/wav/01.wav"], ["cello", "cello"]),
        (["pack/flute C4.wav", "pack/trumpet C4.wav", "pack/1.wav"], ["flute", "trumpet", "pack"]),
        (["a/Violin/C4.wav", "b/violin/C4.wav"], ["violin", "violin_2"]),
        (["Ünsicher Ön/a.wav", "日本/a.wav"], ["ünsicher_ön", "日本"]),
        (["/C4.wav"], ["unknown"]),
    ],
)
def test_instruments_are_called_as_a_user_would(files, names):
    assert list(map(instrument_names(files).__getitem__, files)) == names


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).map("/x/{}".format)))
def test_any_name_becomes_one_that_a_set_can_hold(files):
    for name in instrument_names(files).values():
        assert re.fullmatch(r"\w{1,64}", name)


def test_another_set_is_not_touched(tmp_path):
    write(tmp_path / "in/a.wav", note(60, 0.5))
    (tmp_path / "set/nsynth-train").mkdir(parents=True)
    with pytest.raises(BadInput, match=r"holds a set that is not of recordings: choose another"):
        collect_folder(tmp_path / "in", tmp_path / "set")


def test_when_nothing_can_be_used_nothing_is_written(tmp_path):
    write(tmp_path / "in/a.wav", silence(0.5))
    with pytest.raises(BadInput, match=r"none of 1 recordings can be used; .*a.wav: silent"):
        collect_folder(tmp_path / "in", tmp_path / "set", processes=1)
    assert not (tmp_path / "set").exists()
