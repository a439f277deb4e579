"""rate, correct, feedback, collect: a user says what is right, and `match` heeds it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from timbrel.instruments.preset import FeedbackStore
from timbrel.synths import Patch, load_synth
from timbrel.synths.files import write_patch

PATCH = "synth = 'subtractive'\nname = 'Plain'\n[values]\ncutoff_hz = 700.0\n"


@pytest.fixture(autouse=True)
def plain_file(timbrel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TIMBREL_FEEDBACK", raising=False)
    Path("plain.toml").write_text(PATCH)
    Path("other.toml").write_text(PATCH.replace("700", "5000").replace("Plain", "Other"))


def told(ran: Any) -> Any:
    assert ran.code == 0, ran
    return json.loads("\n".join(ran.out))


def test_what_is_said_is_kept_counted_and_heeded(timbrel: Any, sounds: Path) -> None:
    assert told(timbrel("data", "presets", "feedback", "--json"))["ratings"] == 0
    assert not Path(".home").exists()
    words = ("data", "presets", "rate", "sounds/a.wav", "plain.toml", "--liked", "-0.5", "--json")
    rated = told(timbrel(*words))
    assert (rated["liked"], rated["kind"], rated["key"]) == (-0.5, "rating", "C4")
    assert rated["distance_db"] > 0
    ran = timbrel("data", "presets", "correct", "sounds/b.wav", "other.toml")
    assert (ran.code, ran.err) == (0, [])
    assert [path.name for path in ran.written if path.suffix == ".sqlite"] == ["feedback.sqlite"]
    kept = told(timbrel("data", "presets", "feedback", "--json"))
    assert (kept["ratings"], kept["corrections"], kept["sounds"]) == (1, 1, 2)
    assert kept["newest"][0]["sound"] == "b.wav"
    assert kept["newest"][0]["patch"] == "Other"
    lines = timbrel("data", "presets", "feedback").out
    assert lines[1:5] == [
        "ratings      1", "corrections  1", "sounds       2", "synths       subtractive",
    ]  # fmt: skip
    assert lines[5].endswith("correction +1  b.wav: Other of subtractive")

    ran = timbrel("match", "sounds/b.wav", "--seconds", "0.2", "--count", "64", "--ask", "--json")
    ours = told(ran)
    assert "corrected" in [patch["by"] for patch in ours["patches"]]
    assert any("your feedback counts (" in line for line in ran.err)
    question = ran.err[-1]
    rate = "timbrel data presets rate sounds/b.wav out/sounds_b.wav-subtractive"
    assert question.startswith(f"timbrel: rate this one, from -1, not at all, to 1: {rate}")
    assert question.endswith(".toml --liked NUMBER")
    assert Path(ours["ask"]).is_file()
    ran = timbrel("match", "sounds/b.wav", "--seconds", "0.2", "--count", "9", "--no-feedback")
    assert not any("feedback" in line or "rate this" in line for line in ran.err)


def test_feedback_becomes_a_set(timbrel: Any, sounds: Path) -> None:
    refusal = timbrel("data", "presets", "collect").refusal
    assert "no corrections or ratings from 0.5 of subtractive in" in refusal
    assert timbrel("data", "presets", "correct", "sounds/a.wav", "plain.toml").code == 0
    words = ("around=0", "random=2", "activity=0", "notes.each=1", "--out", "mine", "--json")
    made = told(timbrel("data", "presets", "collect", *words))
    assert (made["real"], made["random"], made["folder"]) == (1, 2, "mine")
    assert Path("mine/parts/part-heard.safetensors").is_file()
    refusal = timbrel("data", "presets", "collect", "arround=3").refusal
    assert "unknown key 'arround', did you mean 'around'?" in refusal
    refusal = timbrel("data", "presets", "collect", "--out", "sounds").refusal
    assert "sounds holds something else than collected feedback" in refusal


def test_other_synthesizers_are_left_out_and_that_is_said(timbrel: Any, sounds: Path) -> None:
    assert timbrel("data", "presets", "correct", "sounds/a.wav", "plain.toml").code == 0
    (one,) = FeedbackStore().judgements()
    FeedbackStore().add(
        replace(one, synth="amsynth"), FeedbackStore().sounds([one.sound])[one.sound]
    )
    words = ("around=0", "random=2", "activity=0", "notes.each=1", "--out", "mine", "--json")
    ran = timbrel("data", "presets", "collect", *words)
    said = "timbrel: 1 of amsynth left out: --synth amsynth takes those"
    assert ran.err == [said]


def test_a_patch_of_the_bank_is_judged_by_name_and_0_takes_it_back(
    timbrel: Any, sounds: Path
) -> None:
    rate = ("data", "presets", "rate", "sounds/a.wav", "garage_stack", "--json", "--liked")
    assert told(timbrel(*rate, "1"))["patch"] == "garage_stack"
    match = ("match", "sounds/a.wav", "--seconds", "0.2")
    assert any("your feedback counts (1 " in line for line in timbrel(*match).err)
    (judgement,), synth = FeedbackStore().judgements(), load_synth("subtractive")
    values = synth.parameters.values(judgement.vector) | {"level_db": -20.0}
    write_patch("levelled.toml", Patch("x", "subtractive", values))  # as match would
    taken_back = (*rate[:4], "levelled.toml", "--liked", "0", "--json")
    assert told(timbrel(*taken_back))["liked"] == 0
    assert not any("feedback" in line for line in timbrel(*match).err)
    kept = told(timbrel("data", "presets", "feedback", "--json"))
    assert kept["ratings"] == 1
    refusal = timbrel(*rate[:4], "garage_stak", "--liked", "1").refusal
    assert (
        "no patch called 'garage_stak' comes with subtractive: did you mean 'garage_sta" in refusal
    )


def test_what_cannot_be_is_one_line(timbrel: Any, sounds: Path) -> None:
    rate = ("data", "presets", "rate")
    assert "--liked" in timbrel(*rate, "sounds/a.wav", "plain.toml").refusal
    words = (*rate, "sounds/a.wav", "plain.toml", "--liked", "2")
    assert "wanted a number from -1 to 1" in timbrel(*words).refusal
    Path("two.toml").write_text(
        "synth = 'subtractive'\n[[patches]]\nname = 'a'\n[patches.values]\n"
        "[[patches]]\nname = 'b'\n[patches.values]\n"
    )
    words = ("data", "presets", "correct", "sounds/a.wav", "two.toml")
    assert "two.toml" in timbrel(*words).refusal
    assert "no file of patches" in timbrel(*words[:-1], "gone.toml").refusal
    assert "gone.wav" in timbrel(*words[:3], "gone.wav", "plain.toml").refusal


def test_a_damaged_file_of_feedback_stops_no_match(
    timbrel: Any, sounds: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    Path("bad.sqlite").write_text("no database\n" * 99)
    monkeypatch.setenv("TIMBREL_FEEDBACK", str(tmp_path / "bad.sqlite"))
    refusal = timbrel("data", "presets", "feedback").refusal
    assert refusal.endswith(
        "(file is not a database): move it, or name another by TIMBREL_FEEDBACK"
    )
    ran = timbrel("match", "sounds/a.wav", "--seconds", "0.1")
    assert ran.code == 0
    assert any("feedback is left out: " in line for line in ran.err)


def test_a_bank_of_the_users_own_is_looked_through(timbrel: Any, sounds: Path) -> None:
    words = ("match", "sounds/b.wav", "--bank", "plain.toml", "--bank", "other.toml", "--json")
    ours = told(timbrel(*words, "--seconds", "0.2", "--count", "64"))
    assert {"Plain", "Other"} <= {patch["by"] for patch in ours["patches"]}
    assert len(list(Path(".cache").rglob("*.safetensors"))) == 2
    assert "--seconds is 0" in timbrel(*words, "--seconds", "0").refusal
    assert "gone.fxp" in timbrel("match", "sounds/b.wav", "--bank", "gone.fxp").refusal
    Path("empty").mkdir()
    assert "empty holds no file" in timbrel("match", "sounds/b.wav", "--bank", "empty").refusal


@pytest.mark.parametrize(
    "words",
    [
        ("match", "sounds/a.wav", "--synth"),
        ("match", "sounds/a.wav", "--model"),
        ("recommend", "plain.toml", "brighter", "--model"),
        ("blend", "sounds/a.wav", "--model"),
        ("data", "presets", "rate", "sounds/a.wav", "plain.toml", "--liked", "1", "--model"),
        ("data", "presets", "correct", "sounds/a.wav", "plain.toml", "--synth"),
        ("data", "presets", "collect", "--synth"),
        ("data", "presets", "show", "plain.toml", "--synth"),
    ],
    ids=lambda words: f"{words[0]} {words[2]} {words[-1]}",
)
def test_a_name_that_is_empty_is_refused(timbrel: Any, sounds: Path, words: tuple[str]) -> None:
    for empty in ("", " "):
        refusal = timbrel(*words, empty).refusal
        assert f"{words[-1]}: an empty word (a variable that is not set?): give one" in refusal


def test_where_nothing_can_be_kept_a_bank_is_heard_and_that_is_said(
    timbrel: Any, sounds: Path
) -> None:
    Path(".cache").write_text("no folder")
    words = ("match", "sounds/b.wav", "--bank", "plain.toml", "--bank", "other.toml", "--json")
    ran = timbrel(*words, "--seconds", "0.2", "--count", "64")
    assert {"Plain", "Other"} <= {patch["by"] for patch in told(ran)["patches"]}
    place = Path(".cache/timbrel/banks").absolute()
    line = f"timbrel: what was heard of the banks cannot be kept: let {place} be written"
    assert ran.err.count(line) == 1


def test_a_sound_whose_name_is_no_utf_8_is_rated(timbrel: Any, sounds: Path) -> None:
    odd = Path("fl\udcffte.wav")
    odd.write_bytes((sounds / "a.wav").read_bytes())
    words = ("data", "presets", "rate", odd, "plain.toml", "--liked", "1")
    assert timbrel(*words).code == 0
    kept = told(timbrel("data", "presets", "feedback", "--json"))
    assert kept["newest"][0]["sound"] == "fl?te.wav"


def test_a_model_of_another_synthesizer_is_refused(timbrel: Any, sounds: Path) -> None:
    ran = timbrel("match", "sounds/a.wav", "--synth", "vital", "--model", "preset-subtractive")
    assert "preset-subtractive has learned subtractive, not vital" in ran.refusal


@pytest.mark.parametrize("verb", ["rate", "correct"])
def test_what_a_patch_names_is_loaded_by_no_path(
    timbrel: Any, sounds: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    def loads(_self: object, path: str) -> None:
        pytest.fail(f"{path} was loaded")

    monkeypatch.setattr("timbrel.synths.plugin.Plugin.__init__", loads)
    Path("evil.so").write_bytes(b"")
    for number, path in enumerate(("evil.so", str(Path("evil.so").absolute()))):
        Path(f"{number}.toml").write_text(f"synth = '{path}'\n[values]\na = 1.0\n")
        liked = ("--liked", "1") if verb == "rate" else ()
        said = timbrel("data", "presets", verb, "sounds/a.wav", f"{number}.toml", *liked).refusal
        assert said.endswith(f"{path!r:.60}: give --synth, the path of that plug-in")


def test_a_name_that_means_no_file_to_sqlite_is_a_file(
    timbrel: Any, sounds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIMBREL_FEEDBACK", ":memory:")
    words = ("data", "presets", "rate", "sounds/a.wav", "plain.toml", "--liked", "1")
    assert timbrel(*words).code == 0
    assert Path(":memory:").is_file()
