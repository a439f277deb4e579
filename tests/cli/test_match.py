"""match: patches, what is said of them, and that they can be played like any timbre."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from timbrel.audio import read_audio, write_audio
from timbrel.synths.files import read_patch, write_patch

MODEL = ("--model", "preset-subtractive")


@pytest.fixture
def found(timbrel: Any, sounds: Path) -> dict[str, Any]:
    ran = timbrel("match", "sounds/a.wav", "--seconds", "0.2", "--count", "3", "--json")
    assert ran.code == 0, ran
    return json.loads("\n".join(ran.out)) | {"said": ran.err}


def test_patches_are_ordered_as_they_are_told(found: dict[str, Any]) -> None:
    distances = [one["mss_db"] for one in found["patches"]]
    assert len(distances) == 3
    assert distances == sorted(distances)
    said = [line for line in found["said"] if "dB away" in line]
    assert said == [
        f"timbrel: {number}: {one['mss_db']:.1f} dB away, by {one['by']}"
        for number, one in enumerate(found["patches"], 1)
    ]
    assert any(line.startswith(f"timbrel: played by {found['key']} ") for line in found["said"])


def test_files_are_named_and_hold_what_is_told(found: dict[str, Any]) -> None:
    assert Path(found["sound"]).is_file()
    assert Path(found["picture"]).is_file()
    for number, one in enumerate(found["patches"], 1):
        patch = read_patch(one["files"][0])
        assert patch.name == f"{number} a"
        assert patch.values["cutoff_hz"] == pytest.approx(one["values"]["cutoff_hz"], rel=1e-4)
        assert isinstance(one["values"]["osc1_waveform"], str)
    assert set(found["doubt"]) == set(found["patches"][0]["values"])
    assert all(0 <= doubt <= 1 for doubt in found["doubt"].values())


def test_what_an_earlier_run_left_is_gone(timbrel: Any, found: dict[str, Any]) -> None:
    before = sorted(path.name for path in Path("out").glob("*.toml"))
    assert len(before) == 3
    assert timbrel("match", "sounds/a.wav", "--seconds", "0.2", "--count", "1").code == 0
    (after,) = (path.name for path in Path("out").glob("*.toml"))
    assert after not in before


def test_a_patch_is_played_like_any_timbre(timbrel: Any, found: dict[str, Any]) -> None:
    (patch,) = found["patches"][0]["files"]
    ran = timbrel("blend", patch, *MODEL, "--out", "played.wav", "--duration", "0.5")
    assert ran.code == 0, ran
    assert float(read_audio(Path("played.wav"), 44100).abs().max()) > 0.01
    refusal = timbrel("blend", patch).refusal
    assert refusal.endswith("is a patch: play it by a preset, as in --model preset-subtractive")
    assert "no file of patches at gone.toml" in timbrel("blend", "gone.toml", *MODEL).refusal


def test_a_level_that_is_out_of_reach_is_said(timbrel: Any, sounds: Path) -> None:
    soft = 1e-3 * read_audio(sounds / "a.wav", 44100)
    write_audio(Path("soft.wav"), soft / soft.abs().max() * 1e-3, 44100)
    ran = timbrel("match", "soft.wav", "--seconds", "0.2", "--count", "1", "--json")
    louder = json.loads("\n".join(ran.out))["patches"][0]["louder_db"]
    assert louder > 6
    (line,) = (line for line in ran.err if "louder than soft.wav" in line)
    assert f"{louder:.0f} dB louder" in line
    assert line.endswith("no knob of volume goes further")


def test_without_time_the_network_alone_has_the_word(timbrel: Any, sounds: Path) -> None:
    runs = [timbrel("match", "sounds/a.wav", "--seconds", "0", "--json") for _ in range(2)]
    first, again = (json.loads("\n".join(ran.out))["patches"] for ran in runs)
    assert [one["values"] for one in first] == [one["values"] for one in again]
    assert {one["by"] for one in first} <= {"network", "network, drawn"}
    assert abs(first[0]["louder_db"]) < 1.5
    at_end = [one["values"]["level_db"] == 0.0 for one in first]
    assert all(abs(one["louder_db"]) < 1.5 or end for one, end in zip(first, at_end, strict=True))


def test_a_sound_may_be_called_as_it_likes(timbrel: Any, sounds: Path) -> None:
    odd = Path(os.fsdecode(b"fl\xe9te " + 150 * b"x" + b".wav"))
    odd.write_bytes((sounds / "a.wav").read_bytes())
    ran = timbrel("match", odd, "--seconds", "0", "--count", "1", "--out", "found")
    assert ran.code == 0, ran
    (patch,) = (read_patch(path) for path in Path("found").glob("*.toml"))
    assert patch.name.startswith(r"1 fl\udce9te xxx")
    assert len(patch.name) == 60


def test_a_patch_is_converted_to_what_its_synthesizer_loads(
    timbrel: Any, found: dict[str, Any]
) -> None:
    (patch,) = found["patches"][0]["files"]
    ran = timbrel("data", "presets", "convert", patch, "converted")
    assert ran.code == 0, ran
    (written,) = ran.paths
    assert written.suffix == ".toml"
    assert read_patch(written).values == read_patch(patch).values


def test_a_bank_is_read_and_not_written_over_whatever_its_patches_are_called(
    timbrel: Any, found: dict[str, Any]
) -> None:
    (best,), sound = found["patches"][0]["files"], found["sound"]
    long = Path("long.toml")
    write_patch(long, replace(read_patch(best), name=200 * "x"))
    words = ("match", sound, "--seconds", "0.1", "--pitch", "C4", "--count", "1", "--out", "again")
    ran = timbrel(*words, "--bank", long)
    assert ran.code == 0, ran
    (path,) = Path("again").glob("*.toml")
    assert read_patch(path).author == f"timbrel, {51 * 'x'}"
    refusal = timbrel(*words, "--bank", path).refusal
    assert "is what is read" in refusal
