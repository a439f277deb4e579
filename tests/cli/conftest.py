"""Verbs run in this process, in an empty folder of their own, with real files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

from timbrel.cli.app import run
from timbrel.cli.places import LIST


@dataclass(frozen=True)
class Ran:
    """How a command line ended."""

    code: int
    out: list[str]
    err: list[str]
    written: set[Path]

    @property
    def paths(self) -> list[Path]:
        return [Path(line) for line in self.out]

    @property
    def refusal(self) -> str:
        """The one line of a run that bad input ended; nothing was written."""
        assert (self.code, self.out, self.written) == (2, [], set()), self
        assert len(self.err) == 1, self.err
        assert self.err[0].startswith("timbrel: ")
        return self.err[0].removeprefix("timbrel: ")


def _files(folder: Path) -> dict[Path, int]:
    """Files with their times, but for lists of results and what others keep in the user's cache."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != LIST)
    return {path: path.stat().st_mtime_ns for path in files if ".cache" not in path.parts}


@pytest.fixture
def timbrel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Ran]:
    """Runs a command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / ".home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / ".cache"))

    def call(*tokens: object) -> Ran:
        before = _files(tmp_path)
        capfd.readouterr()
        code = run([str(token) for token in tokens])
        out, err = capfd.readouterr()
        changed = {path for path, time in _files(tmp_path).items() if before.get(path) != time}
        written = {path.relative_to(tmp_path) for path in changed}
        return Ran(code, out.splitlines(), err.splitlines(), written)

    return call


def tone(f0_hz: float = 261.63, seconds: float = 0.8, sample_rate: int = 16000) -> np.ndarray:
    """Four harmonics with a soft attack and a fading end."""
    times_s = np.arange(round(seconds * sample_rate)) / sample_rate
    partials = [np.sin(2 * np.pi * f0_hz * k * times_s) / k for k in range(1, 5)]
    return 0.3 * sum(partials) * np.minimum(1, times_s * 50) * np.exp(-times_s)


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """Good recordings: a.wav (C4), b (C5), c (G3), d (E4), my door (A3, 44.1 kHz), stereo8k."""
    folder = tmp_path / "sounds"
    folder.mkdir()
    for name, f0_hz in {"a": 261.63, "b": 523.25, "c": 196.0, "d": 329.63}.items():
        soundfile.write(folder / f"{name}.wav", tone(f0_hz), 16000)
    soundfile.write(folder / "my door.wav", tone(220.0, sample_rate=44100), 44100)
    soundfile.write(folder / "stereo8k.wav", np.stack([tone(sample_rate=8000)] * 2, 1), 8000)
    return folder


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """A MIDI file of two tracks and drums: four notes on "lead", two on "low"."""
    from timbrel.midi import Score, ScoreNote, Track, write_score

    lead = tuple(ScoreNote(60.0 + 2 * i, 0.8, 0.3 * i, 0.25) for i in range(4))
    low = tuple(ScoreNote(36.0, 0.7, 0.6 * i, 0.5) for i in range(2))
    drums = (ScoreNote(38.0, 1.0, 0.3, 0.1),)
    tracks = (
        Track("lead", 40, False, lead), Track("low", 32, False, low), Track("kit", 0, True, drums),
    )  # fmt: skip
    return write_score(tmp_path / "song.mid", Score(tracks))


def _cut(path: Path) -> None:
    soundfile.write(path, tone(), 16000)
    path.write_bytes(path.read_bytes()[:9000])


_BAD_WAVS: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: None,
    "empty": lambda path: path.write_bytes(b""),
    "silent": lambda path: soundfile.write(path, np.zeros(16000), 16000),
    "one_sample": lambda path: soundfile.write(path, np.ones(1) * 0.5, 16000),
    "not_finite": lambda path: soundfile.write(path, np.full(999, np.nan), 16000, subtype="FLOAT"),
    "cut_short": _cut,
    "text": lambda path: path.write_text("this is no sound\n" * 50, encoding="utf-8"),
    "folder": lambda path: path.mkdir(),
}


@pytest.fixture(params=_BAD_WAVS)
def bad_wav(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A file named .wav that no verb can use, one kind after the other."""
    path = tmp_path / f"{request.param}.wav"
    _BAD_WAVS[request.param](path)
    return path
