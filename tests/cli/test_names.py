"""What results are called: no two sounds share a file, and the same words find the same one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from timbrel.cli.arguments import Using
from timbrel.cli.names import model_name, path_name, result_name, written_name
from timbrel.cli.places import file_name

SHORT = ("--duration", "0.1", "--model", "sine")


@pytest.mark.parametrize(
    ("name", "called"),
    [
        (result_name("flute", Using()), "flute"),
        (result_name("flute", Using(), pitch=48.0), "flute-C3"),
        (result_name("flute", Using(), pitch=54.0), "flute-F#3"),
        (result_name("flute", Using(), pitch=60.5), "flute-60.5"),
        (result_name("flute", Using("mel_vae")), "flute-mel_vae"),
        (result_name("flute", Using("runs/a/model")), "flute-runs_a_model"),
        (result_name("a", Using("sine", Path("my.safetensors")), pitch=60.0), "a-C4-my-sine"),
        (result_name("song", Using(), timbres=["1=violin", "bass=0.5*piano"]),
         "song-1=violin-bass=0.5piano"),
        (written_name("flute.wav"), "flute_wav"),
        (written_name("0.5*'x/a.wav' + 0.5*'y/a.wav'"), "0.5x_a_wav+0.5y_a_wav"),
    ],
)  # fmt: skip
def test_a_result_is_called_by_its_words(name: str, called: str) -> None:
    assert file_name(name) == called


def test_a_file_is_its_path_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    inside = [Path("a.wav"), Path("./a.wav"), Path("x/../a.wav"), Path.cwd() / "a.wav"]
    assert {path_name(path) for path in inside} == {"a.wav"}
    assert path_name(Path("../a.wav")) == (tmp_path / "a.wav").as_posix()
    assert model_name("mel_vae") == "mel_vae"


def test_sounds_are_compared_without_writing_over_each_other(
    timbrel: Any, sounds: Path, song: Path
) -> None:
    (sounds / "a.wav").rename("a.wav")
    Path("other").mkdir()
    (sounds / "b.wav").rename("other/a.wav")
    words = ("--name", "a", "--bank", "my.safetensors", "--model", "sine")
    assert timbrel("encode", "sounds/c.wav", *words).code == 0
    bank = ("--bank", "my.safetensors")
    runs = [
        ("blend", "a.wav", *SHORT),
        ("blend", "other/a.wav", *SHORT),
        ("blend", "a", *bank, *SHORT),
        ("blend", "a", *bank, "--pitch", "C3", *SHORT),
        ("morph", "a.wav", "other/a.wav", *SHORT),
        ("morph", "a.wav", "a.wav", *SHORT),
        ("morph", "a.wav", "a", *bank, *SHORT),
        ("generate", *SHORT),
        ("generate", "--pitch", "C3", *SHORT),
        ("render", song, "--timbre", "a.wav", "--model", "sine"),
        ("render", song, "--timbre", "other/a.wav", "--model", "sine"),
        ("render", song, "--timbre", "a", *bank, "--model", "sine"),
        ("inspect", "a.wav"),
        ("inspect", "other/a.wav"),
    ]
    written: set[Path] = set()
    for tokens in runs:
        ran = timbrel(*tokens)
        assert ran.code == 0
        assert not written & ran.written
        written |= ran.written
    played = next(path for path in written if path.name.startswith("a_wav"))
    assert timbrel("blend", "a.wav", "--plot", *SHORT).code == 0
    assert timbrel("inspect", played).written.isdisjoint(written | {played.with_suffix(".png")})
