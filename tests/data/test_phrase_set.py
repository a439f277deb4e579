"""Phrase sets: which recordings they hold, and that each is heard once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load_file, save_file

from timbrel.audio import resample, write_audio
from timbrel.data.phrases.melodies import hear_melody
from timbrel.data.phrases.phrase_set import PhraseSet, sets_in
from timbrel.errors import BadAudio, BadInput

RATE = 16000


def tone(f0_hz: float = 220.0, seconds: float = 0.3) -> torch.Tensor:
    time_s = torch.arange(round(seconds * RATE)) / RATE
    return 0.3 * sum((2 * torch.pi * k * f0_hz * time_s).sin() / k for k in (1, 2, 3))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "oboe"
    home.mkdir()
    for number in range(60):
        write_audio(home / f"take {number}.wav", tone(), RATE)
    (home / "notes.txt").write_text("no recording")
    (home / ".hidden").mkdir()
    write_audio(home / ".hidden" / "x.wav", tone(), RATE)
    return home


def test_a_folder_is_parted_by_the_names_of_its_files(folder: Path) -> None:
    splits = {split: PhraseSet.open(folder, split) for split in ("train", "valid", "test")}
    names = [path.name for phrases in splits.values() for path in phrases.paths]
    assert len(names) == len(set(names)) == 60
    assert len(splits["train"]) > 35
    assert min(map(len, splits.values())) >= 1
    (folder / "take 0.wav").unlink()
    again = PhraseSet.open(folder, "valid").paths
    assert set(again) == {path for path in splits["valid"].paths if path.name != "take 0.wav"}


def test_folders_of_splits_are_what_they_say(tmp_path: Path) -> None:
    for split, count in (("train", 2), ("test", 1)):
        (tmp_path / split).mkdir()
        for number in range(count):
            write_audio(tmp_path / split / f"{number}.flac", tone(), RATE)
    counts = {split: len(PhraseSet.open(tmp_path, split)) for split in ("train", "valid", "test")}
    assert counts == {"train": 2, "valid": 0, "test": 1}
    assert len(PhraseSet.open(tmp_path)) == 3


def test_its_name_and_length(folder: Path) -> None:
    phrases = PhraseSet.open(folder)
    assert phrases.name == "oboe"
    assert phrases.minutes == pytest.approx(60 * 0.3 / 60)
    assert phrases.audio(0, 48000).shape == (14400,)


def test_melodies_are_heard_once_and_anew_where_a_file_changes(folder: Path) -> None:
    phrases = PhraseSet.open(folder, "valid")
    first = phrases.melodies(processes=0)
    assert all(float(melody.f0_hz[30]) == pytest.approx(220, abs=0.5) for melody in first)
    kept = sorted((folder / ".melodies").iterdir())
    times = [path.stat().st_mtime_ns for path in kept]
    write_audio(phrases.paths[0], tone(330.0), RATE)
    told: list[tuple[str, int, int]] = []
    second = phrases.melodies(processes=0, progress=lambda *numbers: told.append(numbers))
    assert float(second[0].f0_hz[30]) == pytest.approx(330, abs=0.5)
    assert len(told) == 1
    assert [path.stat().st_mtime_ns for path in kept] == times
    assert len(list((folder / ".melodies").iterdir())) == len(kept) + 1


def test_what_cannot_be_used_is_left_out_and_said_why(folder: Path) -> None:
    (folder / "broken.wav").write_bytes(b"RIFF no sound")
    (folder / "folder.wav").mkdir()
    os.mkfifo(folder / "pipe.wav")
    heard = PhraseSet.open(folder).heard(processes=0)
    assert len(heard.melodies) == len(heard.phrases) == heard.new == 60
    (path, reason), *others = heard.refused.items()
    assert (path.name, others) == ("broken.wav", [])
    assert "is not audio that can be read" in reason
    assert PhraseSet.open(folder).heard(processes=0).new == 0
    with pytest.raises(BadAudio, match=r"broken\.wav is not audio"):
        PhraseSet.open(folder).melodies(processes=0)


def test_a_damaged_melody_is_heard_again(folder: Path) -> None:
    phrases = PhraseSet.open(folder, "valid")
    first = phrases.heard(processes=0).melodies[0]
    kept = next((folder / ".melodies").glob(f"{phrases.paths[0].stem}-*"))
    kept.write_bytes(kept.read_bytes()[:100])
    again = phrases.heard(processes=0)
    assert again.new == 1
    assert bool((again.melodies[0].f0_hz == first.f0_hz).all())


_DAMAGED = {
    "no numbers": lambda curve: torch.full_like(curve, float("nan")),
    "negative": lambda curve: -1 - curve.abs(),
    "short": lambda curve: curve[:-1],
    "long": lambda curve: torch.cat([curve, curve]),
    "two-dimensional": lambda curve: curve[None],
    "whole": lambda curve: curve.long(),
    "double": lambda curve: curve.double(),
    "empty": lambda curve: curve[:0],
}


@pytest.mark.parametrize("curves", [["f0_hz"], ["f0_hz", "loudness_db", "confidence"]])
@pytest.mark.parametrize("damage", _DAMAGED)
def test_a_kept_melody_that_cannot_be_is_heard_again(tmp_path: Path, damage, curves) -> None:
    write_audio(tmp_path / "a.wav", tone(), RATE)
    phrases = PhraseSet.open(tmp_path)
    (first,) = phrases.melodies(processes=0)
    (kept,) = (tmp_path / ".melodies").iterdir()
    told = load_file(kept)
    save_file(told | {name: _DAMAGED[damage](told[name]).contiguous() for name in curves}, kept)
    again = phrases.heard(processes=0)
    assert again.new == 1
    assert torch.equal(again.melodies[0].f0_hz, first.f0_hz)
    assert phrases.heard(processes=0).new == 0


def test_what_is_no_recording_is_not_read(tmp_path: Path) -> None:
    """However large it is: here more than any memory."""
    with (tmp_path / "huge.wav").open("wb") as file:
        file.truncate(1 << 40)
    write_audio(tmp_path / "a.wav", tone(), RATE)
    heard = PhraseSet.open(tmp_path).heard(processes=0)
    assert [path.name for path in heard.phrases.paths] == ["a.wav"]
    assert "is not audio that can be read" in heard.refused[tmp_path / "huge.wav"]


def test_recordings_may_be_of_any_kind(tmp_path: Path) -> None:
    for rate, ending in ((8000, "wav"), (44100, "ogg"), (96000, "flac"), (22050, "aiff")):
        sound = np.stack([resample(tone(), RATE, rate).numpy()] * 2, 1)
        (tmp_path / ending).mkdir()
        soundfile.write(tmp_path / ending / f"x.{ending}", sound, rate)
    write_audio(tmp_path / "silence.wav", torch.zeros(RATE), RATE)
    heard = PhraseSet.open(tmp_path).heard(processes=0)
    assert (len(heard.melodies), heard.refused) == (5, {})
    for path, melody in zip(heard.phrases.paths, heard.melodies, strict=True):
        wanted = 0 if path.name == "silence.wav" else 220
        assert float(melody.f0_hz[30]) == pytest.approx(wanted, abs=0.5), path


def test_a_folder_of_instruments_is_a_set_each(folder: Path, tmp_path: Path) -> None:
    assert [phrases.name for phrases in sets_in(folder)] == ["oboe"]
    (tmp_path / "phrases.toml").write_text("")
    (tmp_path / "flute" / "train").mkdir(parents=True)
    write_audio(tmp_path / "flute" / "train" / "a.wav", tone(), RATE)
    assert [phrases.name for phrases in sets_in(tmp_path)] == ["flute", "oboe"]


_HEAR = """
import sys, time
import timbrel.data.phrases.melodies as melodies
from timbrel.data.phrases.phrase_set import PhraseSet
slow = melodies.hear_melody
def hear_melody(*arguments):
    time.sleep(0.2)
    return slow(*arguments)
melodies.hear_melody = hear_melody
PhraseSet.open(sys.argv[1]).heard(processes=0, progress=lambda *told: print(told[1], flush=True))
"""


def test_a_run_that_was_killed_goes_on_where_it_was(folder: Path) -> None:
    run = subprocess.Popen([sys.executable, "-c", _HEAR, folder], stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    for wanted in ("1", "2", "3"):
        assert run.stdout.readline().strip() == wanted
    run.kill()
    run.communicate()
    kept = {path: path.stat().st_mtime_ns for path in (folder / ".melodies").glob("*.safetensors")}
    assert 3 <= len(kept) < 60
    heard = PhraseSet.open(folder).heard(processes=0)
    assert heard.new == 60 - len(kept)
    assert all(path.stat().st_mtime_ns == time for path, time in kept.items())


@pytest.mark.parametrize(
    "tracker",
    ["light", "swift", "pyin", pytest.param("crepe-tiny", marks=pytest.mark.needs("crepe"))],
)
def test_all_trackers_tell_the_same_frames(tracker) -> None:
    melody = hear_melody(tone(seconds=0.6), RATE, tracker)
    assert len(melody.f0_hz) == len(melody.loudness_db) == len(melody.confidence) == 121
    assert float(melody.f0_hz[60]) == pytest.approx(220, rel=0.01)


def test_what_is_no_set_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no folder of recordings at"):
        PhraseSet.open(tmp_path / "none")
    with pytest.raises(BadInput, match=r"holds no recordings \(wav, flac"):
        PhraseSet.open(tmp_path)
