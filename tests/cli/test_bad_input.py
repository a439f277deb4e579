"""Every verb with bad input: one line on stderr, exit code 2, nothing written."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

SINE = ("--model", "sine")
WORDS = {
    "missing": "no audio file at {path}: check the path",
    "empty": "{path} is empty (0 bytes)",
    "silent": "{path} is silent (digital silence): give a recording with a sound in it",
    "one_sample": "{path} has 1 samples (0.1 ms), at least 20 ms are needed",
    "not_finite": "{path} holds NaN or infinity",
    "cut_short": "{path} is cut short",
    "text": "{path} is not audio that can be read: give WAV, FLAC, OGG, MP3 or AIFF",
    "folder": "{path} is a folder",
}


@pytest.mark.parametrize(
    "words",
    [
        ["inspect", "{bad}"],
        ["encode", "{bad}", *SINE],
        ["morph", "{good}", "{bad}", *SINE],
        ["morph", "--a", "{bad}", "--b", "{good}", "--alpha", "0.35", *SINE],
        ["blend", "0.5*'{bad}' + 0.5*'{good}'", *SINE],
        ["render", "{song}", "--timbre", "{bad}", *SINE],
    ],
    ids=["inspect", "encode", "morph", "morph_ab", "blend", "render"],
)
def test_a_sound_that_cannot_be_used(
    timbrel: Any, sounds: Path, song: Path, bad_wav: Path, words: list[str]
) -> None:
    given = {"bad": bad_wav, "good": sounds / "a.wav", "song": song}
    refusal = timbrel(*(word.format(**given) for word in words)).refusal
    assert WORDS[bad_wav.stem].format(path=bad_wav) in refusal


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["morph", "sounds/a.wav", *SINE], "a morph of 1 sounds: give two to four"),
        (["morph", *["sounds/a.wav"] * 5, *SINE], "a morph of 5 sounds"),
        (["morph", *["sounds/a.wav"] * 3, *SINE], "3 sounds: say --weights, --steps or --grid"),
        (
            ["morph", "sounds/a.wav", "sounds/b.wav", "--weights", "1,2,1", *SINE],
            "--weights has 3 numbers for 2 sounds",
        ),
        (
            ["morph", "sounds/a.wav", "sounds/b.wav", "--alpha", "0", "--steps", "3", *SINE],
            "--alpha and --steps exclude each other: give one of them",
        ),
        (
            ["morph", "sounds/a.wav", "sounds/b.wav", "--grid", "3x3", "--steps", "3", *SINE],
            "--steps and --grid exclude each other",
        ),
        (
            ["morph", "sounds/a.wav", "sounds/b.wav", "--grid", "3x3", "--out", "x.wav", *SINE],
            "--out x.wav: these are many files, name a folder",
        ),
        (
            ["generate", "--count", "256", "--duration", "60", *SINE],
            "256 notes of 60 s are 256 minutes, at most 60 are played at once",
        ),
        (["morph", "sounds/a.wav", "viloin", *SINE], "unknown sound 'viloin': the bank is empty"),
        (["blend", "violin +", *SINE], 'wanted a sound or a number, got the end (column 9 of "'),
        (["blend", "", *SINE], "an empty word"),
        (["blend", "0.5*bright + sounds/b.wav", *SINE], "quote a file in an expression, as in"),
        (["blend", "2*'sounds/a.wav'", *SINE], "takes 2 of one sound"),
        (["blend", "sounds/a.wav", "--out", "x.mp3", *SINE], "x.mp3 ends in '.mp3'"),
        (
            ["blend", "sounds/a.wav", "--out", "song.mid/x.wav", *SINE],
            "cannot write into song.mid (",
        ),
        (["blend", "sounds/a.wav", "--out", "/", *SINE], "--out / is the root"),
        (["blend", "sounds/a.wav", "--model", "sinus"], "no model 'sinus': did you mean 'sine'?"),
        (["blend", "sounds/a.wav", "--model", "sounds"], "sounds is no model folder"),
        (["blend", "sounds/a.wav", "--bank", "song.mid", *SINE], "song.mid is no bank"),
        (["blend", "x", "--bank", "none.safetensors", *SINE], "no bank at none.safetensors"),
        (
            ["encode", "sounds/a.wav", "--out", "x.wav", *SINE],
            "x.wav ends in '.wav': end it",
        ),
        (["encode", "sounds/a.wav", "--name", " x", *SINE], "' x' is no name for a timbre"),
        (
            ["inspect", "sounds/a.wav", "--out", "x.jpg"],
            "x.jpg ends in '.jpg': end it in .png",
        ),
        (["inspect", "sounds/a.wav", "--out", "song.mid/x.png"], "cannot write into song.mid ("),
        (["render", "none.mid", "--timbre", "sounds/a.wav", *SINE], "none.mid"),
        (["render", "sounds/a.wav", "--timbre", "sounds/a.wav", *SINE], "is not a MIDI file"),
        (["render", "song.mid", *SINE], "no timbre is named like the song's programs"),
        (
            ["render", "song.mid", "--timbre", "oboe=sounds/a.wav", *SINE],
            "--timbre: no track 'oboe' in this score: there are 1 lead, 2 low, 3 kit",
        ),
        (["render", "song.mid", "--timbre", "1=", *SINE], "'1=' assigns nothing"),
        (
            ["render", "song.mid", "--timbre", "sounds/a.wav", "--pan", "2", *SINE],
            "--pan '2': wanted a number from -1 to 1",
        ),
        (
            ["render", "song.mid", "--timbre", "sounds/a.wav", "--gain", "low=x", *SINE],
            "--gain 'x': wanted a number from -60 to 24",
        ),
        (["render", "song.mid", "--timbre", "sounds/a.wav", "--out", "x.ogg", *SINE], "x.ogg ends"),
        (
            ["render", "song.mid", "--timbre", "sounds/a.wav", "--out", "bad.toml/x.wav", *SINE],
            "bad",
        ),
        (["models", "sinus"], "no model 'sinus'"),
        (["evaluate", "sine", "--data", "none"], "none"),
        (["evaluate", "sine", "--of", "directions"], "sine knows no directions: evaluate quality"),
        (["train"], "nothing to train: give a CONFIG.toml, or --from MODEL"),
        (["train", "none.toml"], "no settings file at none.toml"),
        (["train", "bad.toml"], "bad.toml is not valid TOML"),
        (["train", "--from", "none"], "no model 'none'"),
        (["data", "soundfont", "song.mid", "set"], "song.mid is no SoundFont"),
        (["data", "soundfont", "none.sf2", "set"], "no SoundFont at none.sf2"),
        (["data", "soundfont", "song.mid", "set", "bank=x"], "bank"),
        (["data", "folder", "none/**/*.wav", "--out", "set"], "no recordings at none/**/*.wav"),
        (["data", "folder"], "no recordings named"),
        (["data", "folder", "sounds", "familly=organ"], "did you mean 'family'?"),
    ],
    ids=lambda value: " ".join(value[:3]) if isinstance(value, list) else "",
)
def test_words_that_mean_nothing(
    timbrel: Any, sounds: Path, song: Path, words: list[str], line: str
) -> None:
    Path("bad.toml").write_text("loop = [", encoding="utf-8")
    assert line in timbrel(*words).refusal


def test_a_song_that_is_cut_short(timbrel: Any, sounds: Path, song: Path) -> None:
    song.write_bytes(song.read_bytes()[:-20])
    words = ["render", song, "--timbre", sounds / "a.wav", "--out", "x.wav", *SINE]
    assert re.search(r"song\.mid is (cut short|damaged)", timbrel(*words).refusal)


def test_a_bank_of_another_model(timbrel: Any, sounds: Path) -> None:
    import torch

    from timbrel.timbre import Bank

    bank = Bank("0123456789abcdef")
    bank.add("x", torch.ones(4))
    bank.save("other.safetensors")
    for words in (["blend", "x", "--bank"], ["encode", "sounds/a.wav", "--bank"], ["blend"]):
        refusal = timbrel(*words, "other.safetensors", *SINE).refusal
        assert "other.safetensors belongs to another model (0123456789ab" in refusal


def test_what_a_folder_without_permission_says(
    timbrel: Any, sounds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    words = ["blend", sounds / "a.wav", *SINE]
    assert "cannot write into out (Permission denied): choose" in timbrel(*words).refusal


def test_a_disk_that_fills_up_leaves_nothing(
    timbrel: Any, sounds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("b.wav").write_bytes(b"before")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    refusal = timbrel("blend", sounds / "a.wav", "--out", "b.wav", *SINE).refusal
    assert refusal.startswith("cannot write b.wav (No space left on device)")
    assert Path("b.wav").read_bytes() == b"before"
    assert [path.name for path in Path().iterdir() if path.is_file()] == ["b.wav"]


def test_names_are_no_commands_to_the_terminal(timbrel: Any) -> None:
    line = r"no audio file at \x1b[2Jé\x07.wav: check the path"
    assert timbrel("inspect", "\x1b[2Jé\x07.wav").refusal == line


def test_endless_words_get_a_short_line(timbrel: Any) -> None:
    for words in (["blend", "(" * 9000, *SINE], ["x" * 9000], ["inspect", "a/" * 9000]):
        assert len(timbrel(*words).refusal) < 1100


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without named pipes")
def test_a_pipe_is_refused_and_not_waited_for(timbrel: Any) -> None:
    Path("set").mkdir()
    for pipe in ("a.sf2", "a.toml", "set/examples.json"):
        os.mkfifo(pipe)
    for words in (
        ["data", "soundfont", "a.sf2", "out"],
        ["train", "a.toml"],
        ["evaluate", "sine", "--data", "set"],
    ):
        assert re.search("is a pipe or a device|is no note set", timbrel(*words).refusal)
