"""What is said of a set: each clip, those that are doubtful, those that are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from rich.console import Console

from timbrel.audio import write_audio
from timbrel.data.phrases.melody_overview import draw_melodies
from timbrel.data.phrases.melody_report import report_melodies
from timbrel.data.phrases.phrase_set import PhraseSet

from .test_melody_quality import RATE, tone


@pytest.fixture
def phrases(tmp_path: Path) -> PhraseSet:
    folder = tmp_path / "oboe"
    (folder / "more").mkdir(parents=True)
    write_audio(folder / "clear.wav", tone(60), RATE)
    write_audio(folder / "more" / "chord.wav", tone(60) + tone(64) + tone(67), RATE)
    write_audio(folder / "silence.wav", torch.zeros(RATE), RATE)
    (folder / "broken.flac").write_bytes(b"fLaC no more")
    return PhraseSet.open(folder)


def test_every_clip_is_told_of(phrases):
    report = report_melodies(phrases, against="swift", processes=0)
    assert list(report.clips) == ["clear.wav", "more/chord.wav", "silence.wav"]
    assert list(report.doubtful) == ["more/chord.wav", "silence.wav"]
    assert report.doubtful["silence.wav"] == ("silent",)
    assert report.clips["clear.wav"].apart_share == 0
    assert report.refused["broken.flac"].startswith("is not audio that can be read")
    figures = report.figures()
    assert (figures["clips"], figures["doubtful"], figures["refused"]) == (3, 2, 1)
    assert (figures["heard_now"], figures["highest"]) == (3, "C4")
    details = json.loads(json.dumps(report.details(), default=str))
    assert [clip["file"] for clip in details["each"]] == list(report.clips)
    assert details["each"][2]["doubts"] == ["silent"]
    assert report_melodies(phrases, processes=0).new == 0


def test_the_table_names_what_is_to_be_looked_at(phrases, capsys):
    Console(width=200).print(report_melodies(phrases, processes=0))
    shown = capsys.readouterr().out
    assert "clear.wav" not in shown
    for name, why in (("silence.wav", "silent"), ("broken.flac", "is not audio")):
        assert any(name in line and why in line for line in shown.splitlines())


def test_a_picture_of_each_and_one_of_all(phrases, tmp_path):
    report = report_melodies(phrases, pictures=tmp_path / "drawn", processes=0)
    names = [path.relative_to(tmp_path / "drawn").as_posix() for path in report.pictures]
    assert names == ["clear.wav.png", "more/chord.wav.png", "silence.wav.png"]
    drawn = [*report.pictures, draw_melodies(report, tmp_path / "all.png")]
    assert all(path.read_bytes()[:4] == b"\x89PNG" for path in drawn)


def test_a_set_of_which_nothing_can_be_used_is_no_crash(tmp_path):
    (tmp_path / "a.wav").write_text("no sound")
    report = report_melodies(PhraseSet.open(tmp_path), processes=0)
    assert (report.figures()["clips"], report.figures()["refused"]) == (0, 1)
    assert report.figures()["lowest"] is None
