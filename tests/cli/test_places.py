"""Where results go: what is read stays, what is not timbrel's stays, nothing old is left."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from timbrel.cli.places import LIST, Place, file_name
from timbrel.errors import BadInput
from timbrel.timbre import Bank

SINE = ("--model", "sine")
SHORT = ("--duration", "0.1", *SINE)


def put(**files: str) -> Any:
    """A `write` that leaves these files; `__` in a name is a folder's end."""

    def write(folder: Path) -> list[Path]:
        for name, text in files.items():
            path = folder / name.replace("__", "/")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return [folder / name.replace("__", "/") for name in files]

    return write


def texts(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != LIST)
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


def test_a_folder_holds_one_result_and_what_is_not_timbrel_s(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "morph"
    assert Place(folder).fill(put(a="1", b="1")) == [folder / "a", folder / "b"]
    (folder / "mine").write_text("mine", encoding="utf-8")
    Place(folder).fill(put(b="2", c="2"))
    assert texts(folder) == {"b": "2", "c": "2", "mine": "mine"}


def test_what_somebody_changed_is_kept(tmp_path: Path) -> None:
    Place(tmp_path).fill(put(a="1", b="1"))
    (tmp_path / "a").write_text("my own now", encoding="utf-8")
    with pytest.raises(BadInput, match=r"a is there, and not from timbrel: move it, or give"):
        Place(tmp_path).fill(put(a="2"))
    Place(tmp_path).fill(put(b="2"))
    assert texts(tmp_path) == {"a": "my own now", "b": "2"}


def test_results_with_names_of_their_own_lie_side_by_side(tmp_path: Path) -> None:
    Place(tmp_path, "a.wav").fill(put(**{"a.wav": "1", "a_stems__1": "1", "a_stems__2": "1"}))
    Place(tmp_path, "b.wav").fill(put(**{"b.wav": "1"}))
    Place(tmp_path, "a.wav").fill(put(**{"a.wav": "2", "a_stems__2": "2"}))
    assert texts(tmp_path) == {"a.wav": "2", "b.wav": "1", "a_stems/2": "2"}


@pytest.mark.parametrize("listed", ["", "[]", '{"../b": "x", "b": 3}', "\0"])
def test_a_damaged_list_counts_as_none(tmp_path: Path, listed: str) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / LIST).write_text(listed, encoding="utf-8")
    (tmp_path / "b").write_text("b", encoding="utf-8")
    Place(tmp_path / "new").fill(put(a="1"))
    assert texts(tmp_path) == {"b": "b", "new/a": "1"}


@pytest.mark.parametrize("failure", [KeyboardInterrupt, RuntimeError, BadInput("no")])
def test_a_failure_leaves_what_was(tmp_path: Path, failure: BaseException) -> None:
    Place(tmp_path).fill(put(a="1"))

    def fail(folder: Path) -> list[Path]:
        (folder / "a").write_text("2", encoding="utf-8")
        raise failure

    for folder in (tmp_path, tmp_path / "deep" / "new"):
        with pytest.raises(BaseException, match=r"no|^$"):
            Place(folder).fill(fail)
    assert texts(tmp_path) == {"a": "1"}
    assert sorted(path.name for path in tmp_path.iterdir()) == [LIST, "a"]


@given(st.text(max_size=300))
def test_every_name_becomes_a_file_s(name: str) -> None:
    safe = file_name(name)
    assert 1 <= len(safe) <= 100
    assert not set(safe) & set('<>:"/\\|?*\0 \n')
    assert safe[0] not in ".-+"
    assert safe[-1] != "."


def test_different_blends_have_different_names() -> None:
    said = ["violin + bright", "violin - bright", "violin + 0.5*bright", "violin + bright/2"]
    said += ["2*violin + piano", f"{'violin + ' * 30}a", f"{'violin + ' * 30}b"]
    assert len(set(map(file_name, said))) == len(said)


VERBS = {
    "inspect": ["inspect", "in.wav"],
    "encode": ["encode", "in.wav", *SINE],
    "blend": ["blend", "in.wav", *SHORT],
    "sum": ["blend", "0.5*'in.wav' + 0.5*'b.wav'", *SHORT],
    "morph": ["morph", "b.wav", "in.wav", *SHORT],
    "steps": ["morph", "in.wav", "b.wav", "--steps", "2", *SHORT],
    "render": ["render", "song.mid", "--timbre", "in.wav", *SINE],
    "score": ["render", "in.wav", "--timbre", "b.wav", *SINE],
}
ENDINGS = {"inspect": "out.png", "encode": "out.safetensors"}


@pytest.mark.parametrize("link", ["same", "symlink", "hardlink", "through a folder"])
@pytest.mark.parametrize("verb", VERBS)
def test_what_is_read_is_not_written_over(
    timbrel: Any, sounds: Path, song: Path, verb: str, link: str
) -> None:
    (sounds / "b.wav").rename("b.wav")
    source = song if verb == "score" else sounds / "a.wav"
    source.rename("in.wav")
    out = Path(ENDINGS.get(verb, "out.wav"))
    if link == "same":
        out = out if verb in ENDINGS else Path("in.wav")
    if link == "same" and verb in ENDINGS:
        pytest.skip("their results have other endings")
    elif link == "symlink":
        out.symlink_to("in.wav")
    elif link == "hardlink":
        os.link("in.wav", out)
    elif link == "through a folder":
        Path("there").symlink_to(Path.cwd(), target_is_directory=True)
        os.link("in.wav", out)
        out = Path("there", out)
    before = Path("in.wav").read_bytes()
    assert f"{out} is what is read (in.wav)" in timbrel(*VERBS[verb], "--out", out).refusal
    assert Path("in.wav").read_bytes() == before


def test_a_name_of_timbrel_s_own_never_replaces_a_recording(timbrel: Any, sounds: Path) -> None:
    (sounds / "sounds_a_wav-sine.wav").write_bytes(b"a recording")
    refusal = timbrel("blend", "sounds/a.wav", "--out", "sounds", *SHORT).refusal
    assert refusal.startswith("sounds/sounds_a_wav-sine.wav is there, and not from timbrel")
    (sounds / "all.wav").write_bytes(b"a recording")
    words = ["morph", "sounds/a.wav", "sounds/b.wav", "--steps", "2", "--out", "sounds", *SHORT]
    assert timbrel(*words).refusal.startswith("sounds/all.wav is there, and not from timbrel")


def test_one_sound_into_a_folder(timbrel: Any, sounds: Path) -> None:
    words = ["blend", "sounds/a.wav", "--out", "mine", "--plot", *SHORT]
    a, b = (Path(f"mine/sounds_{name}_wav-sine.wav") for name in "ab")
    assert timbrel(*words).paths == [a, a.with_suffix(".png")]
    assert timbrel("blend", "sounds/b.wav", "--out", "mine", *SHORT).paths == [b]
    assert timbrel(*words).paths == [a, a.with_suffix(".png")]
    assert set(Path("mine").glob("*.wav")) == {a, b}
    with_dot = Path("my.sounds")
    with_dot.mkdir()
    words = ["generate", "--out", with_dot, *SHORT]
    assert timbrel(*words).paths[0] == with_dot / "generated_0_1-sine.wav"


@pytest.mark.parametrize("root", ["/", "sounds/../../../../../../../../../.."])
@pytest.mark.parametrize("verb", ["inspect", "encode", "blend", "steps", "pad", "demo", "render"])
def test_the_root_is_no_folder_for_results(
    timbrel: Any, sounds: Path, song: Path, verb: str, root: str
) -> None:
    (sounds / "a.wav").rename("in.wav")
    (sounds / "b.wav").rename("b.wav")
    pad = ["morph", "in.wav", "b.wav", "--grid", "2x2", *SHORT]
    words = {**VERBS, "pad": pad, "demo": ["demo", *SINE]}[verb]
    assert f"--out {root} is the root" in timbrel(*words, "--out", root).refusal


def test_a_morph_leaves_nothing_of_an_earlier_one(timbrel: Any, sounds: Path) -> None:
    for name in "ab":
        (sounds / f"{name}.wav").rename(f"{name}.wav")
    words = ["morph", "a.wav", "b.wav", *SHORT]
    timbrel(*words, "--steps", "4", "--plot")
    timbrel(*words, "--steps", "2")
    left = {path.name for path in Path("out/morph_a_wav_b_wav-sine").iterdir()} - {LIST}
    assert left == {"all.wav", "alpha_0.000.wav", "alpha_1.000.wav"}
    timbrel(*words, "--grid", "3x2")
    timbrel(*words, "--grid", "2x2")
    assert len(list(Path("out/pad_a_wav_b_wav-sine").glob("*.wav"))) == 4
    timbrel(*words, "--steps", "2", "--path", "spherical")
    assert Path("out/morph_a_wav_b_wav_spherical-sine/all.wav").is_file()


def test_corners_of_one_name_keep_a_file_each(timbrel: Any, sounds: Path) -> None:
    ran = timbrel("morph", *["sounds/a.wav"] * 3, "--steps", "3", *SHORT)
    assert [path.name for path in ran.paths[1:]] == [
        "1.000_a.wav",
        "1.000_a_2.wav",
        "1.000_a_3.wav",
    ]


def test_stems_of_an_earlier_run_go(timbrel: Any, sounds: Path, song: Path) -> None:
    words = ["render", song, "--stems", "--json", "--out", "mine.wav", *SINE]
    timbrel(*words, "--timbre", "sounds/a.wav")
    assert timbrel(*words, "--timbre", "low=sounds/a.wav").code == 0
    assert [path.name for path in Path("mine_stems").iterdir()] == ["02-low.wav"]


def test_encode_refuses_a_file_that_is_more_than_a_timbre(timbrel: Any, sounds: Path) -> None:
    import torch

    for name in ("x", "y"):
        timbrel("encode", "sounds/a.wav", "--name", name, "--bank", "two.safetensors", *SINE)
    other = Bank("0123456789abcdef")
    other.add("x", torch.ones(4))
    other.save("other.safetensors")
    Path("words.safetensors").write_text("no bank", encoding="utf-8")
    lines = {
        "two": "two.safetensors holds 2 timbres: add to them with --bank two.safetensors",
        "other": "other.safetensors belongs to another model (0123456789ab",
        "words": "words.safetensors is no bank",
    }
    for name, line in lines.items():
        words = ["encode", "sounds/a.wav", "--out", f"{name}.safetensors", *SINE]
        assert line in timbrel(*words).refusal
    assert timbrel("encode", "sounds/a.wav", "--out", "one.safetensors", *SINE).code == 0
    assert timbrel("encode", "sounds/b.wav", "--out", "one.safetensors", *SINE).code == 0
    assert list(Bank.load("one.safetensors")) == ["b"]
    both = ["--bank", "one.safetensors", "--out", "new.safetensors"]
    assert "--bank and --out exclude" in timbrel("encode", "sounds/a.wav", *both, *SINE).refusal


def test_a_bank_beside_a_sound_does_not_replace_one_of_the_user_s(
    timbrel: Any, sounds: Path
) -> None:
    timbrel("encode", "sounds/a.wav", "--bank", "mine.safetensors", *SINE)
    refusal = timbrel("generate", "--out", "mine.wav", *SHORT).refusal
    assert refusal.startswith("mine.safetensors is there, and not from timbrel")


def test_the_demo_writes_where_it_always_lies(timbrel: Any) -> None:
    Path("out/demo").mkdir(parents=True)
    Path("out/demo/song.wav").write_bytes(b"of an earlier timbrel")
    assert timbrel("demo", *SINE).code == 0
    soundfile.info("out/demo/song.wav")
    Path("mine").mkdir()
    Path("mine/song.wav").write_bytes(b"a recording")
    assert timbrel("demo", "--out", "mine", *SINE).refusal.startswith("mine/song.wav is there")


def test_what_is_in_the_way_is_said_before_the_work(tmp_path: Path) -> None:
    Place(tmp_path).fill(put(a="1", b="1"))
    (tmp_path / "a").write_text("my own now", encoding="utf-8")
    with pytest.raises(BadInput, match=r"a is there, and not from timbrel"):
        Place(tmp_path).require_free(["b", "a"])
    Place(tmp_path).require_free(["b", "c"])
