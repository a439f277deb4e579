"""Phrase sets: which recordings they hold, and that each is heard once."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from timbrel.audio import write_audio
from timbrel.data.phrase_set import PhraseSet, hear_melody
from timbrel.errors import BadInput

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


@pytest.mark.parametrize("tracker", ["light", "swift", "pyin"])
def test_all_trackers_tell_the_same_frames(tracker) -> None:
    melody = hear_melody(tone(seconds=0.6), RATE, tracker)
    assert len(melody.f0_hz) == len(melody.loudness_db) == len(melody.confidence) == 121
    assert float(melody.f0_hz[60]) == pytest.approx(220, rel=0.01)


def test_what_is_no_set_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no folder of recordings at"):
        PhraseSet.open(tmp_path / "none")
    with pytest.raises(BadInput, match=r"holds no recordings \(wav, flac"):
        PhraseSet.open(tmp_path)
