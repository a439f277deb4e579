"""data phrases: what is rendered, and what is said about it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ..data.tiny_font import tiny_font


@pytest.fixture
def font(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.sf2"
    path.write_bytes(tiny_font((40, 73)))
    return path


@pytest.mark.needs("soundfont")
def test_phrases_are_rendered_and_counted(timbrel: Any, font: Path) -> None:
    asked = ("data", "phrases", font, "out", 'programs=["violin", "flute"]', "minutes=0.2")
    ran = timbrel(*asked, "sample_rate=16000", "--processes", "0", "--json", "--plot")
    figures = json.loads("\n".join(ran.out))
    files = [path for path in ran.written if path.suffix == ".flac"]
    assert sum(n for key, n in figures.items() if key.startswith("phrases_")) == len(files) > 2
    assert figures["minutes_violin"] >= 0.2 <= figures["minutes_flute"]
    assert (figures["folder"], figures["silent"]) == ("out", 0)
    assert Path(figures["picture"]) in ran.written
    assert {path.parts[1] for path in files} == {"violin", "flute"}


@pytest.mark.needs("soundfont")
def test_what_cannot_be_rendered_is_refused(timbrel: Any, font: Path) -> None:
    asked = ("data", "phrases", font, "out")
    assert (
        "no General MIDI instrument is called 'violn'"
        in timbrel(*asked, 'programs=["violn"]').refusal
    )
    assert "did you mean 'minutes'?" in timbrel(*asked, "minuts=3").refusal
    assert "no.toml" in timbrel(*asked, "--config", "no.toml").refusal
    assert "is no SoundFont" in timbrel("data", "phrases", __file__, "out").refusal


def test_melodies_are_heard_doubted_and_drawn(timbrel: Any, sounds: Path) -> None:
    (sounds / "notes.wav").write_text("no sound", encoding="utf-8")
    asked = ("data", "melodies", "sounds", "--processes", "0")
    (told,) = json.loads("\n".join(timbrel(*asked, "--json").out))
    assert (told["clips"], told["heard_now"], told["refused"]) == (6, 6, 1)
    assert told["each_refused"][0]["file"] == "notes.wav"
    assert (told["lowest"], told["highest"]) == ("G3", "C5")
    ran = timbrel(*asked, "--plot")
    assert ran.paths[-1] == Path("out/melodies/sounds/overview.png")
    assert Path("out/melodies/sounds/my door.wav.png") in ran.written
    assert any("notes.wav" in line and "is not audio" in line for line in ran.out)
    assert any(line.split() == ["heard_now", "0"] for line in ran.out)


def test_pictures_of_other_sets_stay(timbrel: Any, sounds: Path) -> None:
    shutil.copytree(sounds, sounds.with_name("more"))
    for folder in ("sounds", "more"):
        assert timbrel("data", "melodies", folder, "--processes", "0", "--plot").code == 0
    for folder in ("sounds", "more"):
        assert Path(f"out/melodies/{folder}/my door.wav.png").is_file()
        assert Path(f"out/melodies/{folder}/overview.png").is_file()


def test_folders_without_recordings_are_refused(timbrel: Any, tmp_path: Path) -> None:
    assert "no folder of recordings at none" in timbrel("data", "melodies", "none").refusal
    (tmp_path / "empty").mkdir()
    assert "empty holds no recordings" in timbrel("data", "melodies", "empty").refusal
    (tmp_path / "empty" / "phrases.toml").write_text("", encoding="utf-8")
    assert "holds no instrument's" in timbrel("data", "melodies", "empty").refusal


def test_guitarset_is_taken_from_a_folder(timbrel: Any, sounds: Path) -> None:
    for player in range(6):
        shutil.copy(sounds / "a.wav", sounds / f"0{player}_Jazz2-187-F#_solo_mic.wav")
    ran = timbrel("data", "guitarset", "guitar", "--from", "sounds", "--json")
    figures = json.loads("\n".join(ran.out))
    assert [figures[f"takes_{split}"] for split in ("train", "valid", "test")] == [4, 1, 1]
    assert Path("guitar/test/05_Jazz2-187-F#_solo_mic.wav") in ran.written
    asked = ("data", "guitarset", "guitar", "--from")
    assert "no GuitarSet at none" in timbrel("data", "guitarset", "g", "--from", "none").refusal
    assert "other takes" in timbrel(*asked, "sounds", "--takes", "comp").refusal
