"""Verbs run in this process, in an empty folder of their own, with real files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile


@dataclass(frozen=True)
class Ran:
    code: int
    out: list[str]
    err: list[str]

    @property
    def paths(self) -> list[Path]:
        return [Path(line) for line in self.out]


Timbrel = Callable[..., Ran]


@pytest.fixture
def timbrel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Timbrel]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / ".home"))
    from timbrel.cli.app import run

    def call(*tokens: object) -> Ran:
        capfd.readouterr()
        code = run([str(token) for token in tokens])
        out, err = capfd.readouterr()
        return Ran(code, out.splitlines(), err.splitlines())

    yield call


def tone(f0_hz: float = 261.63, seconds: float = 1.0, sample_rate: int = 16000) -> np.ndarray:
    """Four harmonics with a soft attack and a fading end."""
    times_s = np.arange(round(seconds * sample_rate)) / sample_rate
    partials = [np.sin(2 * np.pi * f0_hz * k * times_s) / k for k in range(1, 5)]
    return 0.3 * sum(partials) * np.minimum(1, times_s * 50) * np.exp(-times_s)


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """A folder with good recordings: a.wav (C4), b.wav (C5), c.wav, d.wav, my door.wav."""
    folder = tmp_path / "sounds"
    folder.mkdir()
    for name, f0_hz in {"a": 261.63, "b": 523.25, "c": 196.0, "d": 329.63}.items():
        soundfile.write(folder / f"{name}.wav", tone(f0_hz), 16000)
    soundfile.write(folder / "my door.wav", tone(220.0), 44100)
    soundfile.write(folder / "stereo8k.wav", np.stack([tone(sample_rate=8000)] * 2, 1), 8000)
    return folder


def bad_wav(kind: str, folder: Path) -> Path:
    """A file named .wav with which nothing can be done."""
    path = folder / f"{kind}.wav"
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "silent":
        soundfile.write(path, np.zeros(16000), 16000)
    elif kind == "one_sample":
        soundfile.write(path, np.ones(1) * 0.5, 16000)
    elif kind == "not_finite":
        soundfile.write(path, np.full(16000, np.nan), 16000, subtype="FLOAT")
    elif kind == "cut_short":
        soundfile.write(path, tone(), 16000)
        path.write_bytes(path.read_bytes()[:9000])
    elif kind == "text":
        path.write_text("this is no sound\n" * 50, encoding="utf-8")
    elif kind == "folder":
        path.mkdir()
    else:
        assert kind == "missing"
    return path


BAD_WAVS = (
    "missing", "empty", "silent", "one_sample", "not_finite", "cut_short", "text", "folder",
)  # fmt: skip


def files_in(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
