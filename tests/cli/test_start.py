"""demo, doctor, models, train, evaluate, data: that each does its work, in small."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from timbrel.cli.output import say_tables
from timbrel.cli.start import health
from timbrel.cli.start.demo_song import compose
from timbrel.cli.start.health import Probe, examine
from timbrel.cli.tables import tables
from timbrel.midi import read_score


def test_demo_leaves_three_sounds_a_song_and_their_picture(timbrel: Any) -> None:
    ran = timbrel("demo", "--model", "sine")
    names = ["morph.wav", "blend.wav", "song.wav", "song.mid", "demo.png"]
    assert ran.paths == [Path("out/demo") / name for name in names]
    assert ran.written == set(ran.paths)
    for path in ran.paths[:3]:
        audio, _ = soundfile.read(path)
        assert 0.1 < np.abs(audio).max() <= 1
    assert read_score("out/demo/song.mid").n_notes == compose().n_notes
    assert ran.paths[-1].stat().st_size > 20000


def test_the_demo_s_song_is_in_tune_with_itself() -> None:
    """Each harp note belongs to its bar's chord, and no lead note clashes with the bass."""
    lead, harp, bass = compose().tracks
    in_c_major = {0, 2, 4, 5, 7, 9, 11}
    for track in (lead, harp, bass):
        assert {int(note.pitch) % 12 for note in track.notes} <= in_c_major
        assert all(0 < note.velocity < 1 for note in track.notes)
    ends = [note.end_s for note in lead.notes]
    assert all(end <= note.onset_s for end, note in zip(ends, lead.notes[1:], strict=False))


def test_doctor_tries_each_part(timbrel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = timbrel("doctor", "--json")
    findings = {finding["part"]: finding for finding in json.loads("\n".join(ran.out))}
    for part in ("python", "audio files", "midi files", "torch", "numba", "pitch tracker"):
        assert findings[part]["works"], findings[part]
        assert findings[part]["needed"]
    assert not findings["wandb"]["needed"]
    broken = [f for f in findings.values() if f["needed"] and not f["works"]]
    assert ran.code == bool(broken)


def test_doctor_tells_what_a_missing_part_would_add(
    timbrel: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent() -> str:
        raise ModuleNotFoundError("No module named 'torchcrepe'", name="torchcrepe")

    def broken() -> str:
        raise OSError("libsndfile.so: cannot open\nshared object")

    probes = (
        Probe("crepe", absent, "a second pitch tracker", "pip install 'timbrel[crepe]'"),
        Probe("python", lambda: "3.11", "everything", needed=True),
    )
    monkeypatch.setattr(health, "PROBES", probes)
    ran = timbrel("doctor")
    assert (ran.code, ran.err) == (0, [])
    assert ran.out == [
        "missing  crepe          not installed (torchcrepe)",
        "                        it is for a second pitch tracker: pip install 'timbrel[crepe]'",
        "ok       python         3.11",
    ]
    monkeypatch.setattr(health, "PROBES", (*probes, Probe("audio", broken, "sounds", needed=True)))
    ran = timbrel("doctor")
    assert ran.code == 1
    assert ran.out[-2:] == [
        "BROKEN   audio          OSError: libsndfile.so: cannot open",
        "                        it is for sounds",
    ]
    assert [finding.works for finding in examine()] == [False, True, False]


def test_models_are_listed_with_what_they_can_do(timbrel: Any) -> None:
    rows = {row["name"]: row for row in json.loads("\n".join(timbrel("models", "--json").out))}
    can = ["render", "bend", "differentiable", "encode", "generate", "play", "velocity"]
    assert rows["sine"]["can"] == can
    assert (rows["sine"]["timbre"], rows["sine"]["rate_hz"]) == (4, 16000)
    table = timbrel("models")
    assert (table.code, table.err) == (0, [])
    start = table.out.index(
        "sine: Harmonics 1 to 4 at given amplitudes, with a straight attack and release"
    )
    assert table.out[start + 1 : start + 4] == [
        f"    can {', '.join(can)}",
        "    0 named timbres of 4 numbers, 16000 Hz, 0.0 MB",
        "    needs no files",
    ]


def test_one_model_is_shown_with_its_timbres(timbrel: Any) -> None:
    ran = timbrel("models", "sine")
    assert "family      sine" in ran.out
    assert "directions  -" in ran.out
    assert json.loads("\n".join(timbrel("models", "sine", "--json").out))["sounds"] == []


def test_a_damaged_model_is_listed_as_such(timbrel: Any, tmp_path: Path) -> None:
    folder = tmp_path / ".home" / "timbrel" / "models" / "mine"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text('family = "mel_vae"\nformat = 1\n', encoding="utf-8")
    rows = {row["name"]: row for row in json.loads("\n".join(timbrel("models", "--json").out))}
    assert rows["mine"]["about"].startswith("broken: ")
    assert "has no weights.safetensors" in rows["mine"]["about"]


@pytest.mark.needs("soundfont")
def test_data_soundfont_makes_a_set_that_evaluate_reads(timbrel: Any, soundfont: Path) -> None:
    ran = timbrel(
        "data", "soundfont", soundfont, "set", "programs=[0]", "splits.train.pitches.lowest=60",
        "splits.train.pitches.highest=60", "splits.train.velocities=[85]", "length_s=1.0",
        "--processes", "0", "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert json.loads("\n".join(ran.out))["notes_train"] == 1
    assert Path("set/nsynth-train/examples.json").is_file()


def test_data_folder_makes_a_set_and_says_what_it_refused(timbrel: Any, sounds: Path) -> None:
    (sounds / "bad.wav").write_text("no sound", encoding="utf-8")
    words = ("data", "folder", "sounds/*.wav", "family=organ", "--out", "set", "--processes", "0")
    report = json.loads("\n".join(timbrel(*words, "--json").out))
    assert {(note["pitch"], note["family"]) for note in report["notes"]} == {
        (pitch, "organ") for pitch in (55, 57, 60, 64, 72)
    }
    assert [Path(refused["file"]).name for refused in report["refused"]] == ["bad.wav"]
    ran = timbrel(*words, "--plot")
    assert Path("set/overview.png") in ran.written
    assert ran.out[-1] == "set"
    assert any("bad.wav" in line and "not audio" in line for line in ran.out)
    assert (Path("set") / "nsynth-train" / "examples.json").is_file()


def test_evaluate_prints_what_was_measured(timbrel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from timbrel.cli.learning import measuring

    def measure(instrument: Any, data: Any, *, notes: int, progress: Any) -> dict[str, float]:
        progress("judging notes", 1, 2)
        return {"notes": float(notes), "mss_self": float("nan"), "family": instrument.family}

    monkeypatch.setattr(measuring, "evaluate_instrument", measure)
    ran = timbrel("evaluate", "sine", "--quick", "--json")
    assert json.loads("\n".join(ran.out)) == {"notes": 15.0, "mss_self": None, "family": "sine"}
    assert ran.err == [
        "timbrel: judging quality by 15 notes of each set: fewer (--notes, --quick) are sooner"
    ]
    ran = timbrel("evaluate", "sine", "--notes", "7", "--json")
    assert json.loads("\n".join(ran.out))["notes"] == 7
    refusal = timbrel("evaluate", "sine", "--notes", "7", "--quick").refusal
    assert refusal == "--notes and --quick exclude each other: give one of them"
    lines = timbrel("evaluate", "sine").out
    assert [line.split() for line in lines[-7:]] == [
        ["known"], ["sine"], ["mss"], ["self", "-"], [], ["notes", "60"], ["family", "sine"]
    ]  # fmt: skip


def test_evaluate_s_tables_hold_every_figure_beside_its_baselines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    figures: dict[str, float] = {}
    for name, prefix in (
        ("mel_vae_quality", ""),
        ("morph", "morph_"),
        ("directions", "direction_"),
    ):
        bench = Path(__file__).parents[2] / "bench" / "results" / f"{name}.json"
        measured = json.loads(bench.read_text(encoding="utf-8"))["figures"]
        figures |= {prefix + key: value for key, value in measured.items()}
    rest = dict(figures)
    heads = [column.header for table in tables("mel_vae", rest) for column in table.columns]
    assert len(figures) > 300
    assert len(rest) < 4
    assert {"known\npitch_shift", "unseen\nceiling", "cross-fade"} <= set(heads)
    say_tables("mel_vae", figures)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert len(lines) < 100
    start = lines.index(["mss"])
    row = [f"{figures[f'mss_12{end}']:.3g}" for end in (
        "", "_shifted", "_ceiling", "_unseen", "_unseen_shifted", "_unseen_ceiling"
    )]  # fmt: skip
    assert ["12", *row] in lines[start : start + 9]
    assert [
        "one_sound",
        *(f"{figures[f'morph_{fade}one_sound']:.3g}" for fade in ("", "crossfade_")),
    ] in lines


def test_train_passes_on_what_it_was_told(timbrel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from timbrel.cli.learning import runs

    calls = []

    def run(*given: Any) -> Path:
        calls.append(given)
        return Path("runs/x/model")

    monkeypatch.setattr(runs, "run", run)
    assert timbrel("train", "x.toml", "loop.steps=2", "size=tiny").paths == [Path("runs/x/model")]
    Path("mine").mkdir()
    timbrel("train", "--from", "mine", "loop.steps=3", "--out", "runs/y")
    assert calls == [
        ("x.toml", ("loop.steps=2", "size=tiny"), None, None),
        (None, ["loop.steps=3"], Path("runs/y"), Path("mine")),
    ]
