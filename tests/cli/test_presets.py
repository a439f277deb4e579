"""data presets: files of patches are shown, converted and checked."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path
from typing import Any

import pytest

BANK = (
    "amSynth\n"
    "<preset> <name> Soft\n<parameter> filter_cutoff 0.5\n<parameter> osc1_waveform 0\n"
    "<preset> <name> Soft/again\n<parameter> filter_cutoff 0.5\n<parameter> osc1_waveform 0\n"
    "<preset> <name> Init\n<parameter> amp_attack 0\n"
    "EOF\n"
)
FOREIGN = b"CcnK\0\0\0\0FPCh" + struct.pack(">i4sii", 1, b"cjs3", 1, 1) + b"Saw".ljust(28, b"\0")
FOREIGN += struct.pack(">i", 3) + b"abc"


@pytest.fixture
def bank(timbrel: Any) -> Path:
    Path("my.bank").write_text(BANK)
    return Path("my.bank")


def test_show_counts_the_knobs_away_from_default(timbrel: Any, bank: Path) -> None:
    ran = timbrel("data", "presets", "show", "my.bank")
    assert ran.code == 0
    soft, _, init = ran.out[1:]
    assert soft.split("  ")[0] == "Soft"
    assert soft.endswith("2: filter_cutoff 0.5, osc1_waveform sine")
    assert init.endswith("-")
    told = json.loads("\n".join(timbrel("data", "presets", "show", "my.bank", "--json").out))
    assert told[0]["knobs"] == {"filter_cutoff": 0.5, "osc1_waveform": "sine"}
    assert told[0]["checksum"] == told[1]["checksum"] != told[2]["checksum"]


def test_show_says_whether_a_category_is_the_makers_or_read_off_the_name(timbrel: Any) -> None:
    Path("two.bank").write_text(BANK.replace("Soft/again", "Soft Bass"))
    Path("pad.toml").write_text(
        'synth = "subtractive"\nname = "Slow Bass"\ncategory = "pad"\n[values]\ncutoff_hz = 900.0\n'
    )
    told = json.loads(
        "\n".join(timbrel("data", "presets", "show", "two.bank", "pad.toml", "--json").out)
    )
    said = [(row["name"], row["category"], row["category_by"]) for row in told]
    assert said[:2] == [("Soft", "", ""), ("Soft Bass", "bass", "name")]
    assert said[3] == ("Slow Bass", "pad", "maker")


def test_what_a_file_holds_is_no_command_to_the_terminal(timbrel: Any) -> None:
    Path("esc.toml").write_text('synth = "a\\u001b[31mb"\nname = "x"\n[values]\nk = 0.5\n')
    for verb in ("show", "validate"):
        out = "\n".join(timbrel("data", "presets", verb, "esc.toml").out)
        assert r"a\x1b[31mb" in out
        assert "\x1b" not in out


def test_convert_makes_a_file_of_each_and_back(timbrel: Any, bank: Path) -> None:
    ran = timbrel("data", "presets", "convert", "my.bank", "fxps")
    assert [path.name for path in ran.paths] == [
        "001-Soft.fxp",
        "002-Soft_again.fxp",
        "003-Init.fxp",
    ]
    ran = timbrel("data", "presets", "convert", "fxps/001-Soft.fxp", "soft.toml")
    assert ran.paths == [Path("soft.toml")]
    assert 'osc1_waveform = "sine"' in Path("soft.toml").read_text()
    shown = timbrel("data", "presets", "show", "soft.toml", "my.bank", "--json").out
    told = json.loads("\n".join(shown))
    assert told[0]["checksum"] == told[1]["checksum"]
    Path("fxps/bad.fxp").write_bytes(FOREIGN[:-1])
    ran = timbrel("data", "presets", "show", "fxps")
    assert [line.split()[0] for line in ran.out] == [
        "file", "fxps/001-Soft.fxp", "fxps/002-Soft_again.fxp", "fxps/003-Init.fxp",
    ]  # fmt: skip
    assert [line[:47] for line in ran.err] == ["timbrel: left out: fxps/bad.fxp: truncated: the"]
    assert "truncated" in timbrel("data", "presets", "show", "fxps/bad.fxp").refusal


def test_convert_replaces_no_file_that_is_there(timbrel: Any, bank: Path) -> None:
    mine = Path("mine.toml")
    mine.write_text('synth = "amsynth"\nname = "Mine"\n')
    refusal = timbrel("data", "presets", "convert", "my.bank", "mine.toml").refusal
    assert "mine.toml is there: give another name, or remove it first" in refusal
    assert "Mine" in mine.read_text()


def test_validate_says_where_it_knows_no_knobs(timbrel: Any) -> None:
    Path("typo.toml").write_text('synth = "subtractiv"\n[values]\ncutof = 1\n')
    Path("other.toml").write_text('synth = "zzz"\n[values]\ncutof = 1\n')
    assert timbrel("data", "presets", "validate", "typo.toml", "other.toml").out == [
        "good typo.toml: 1 patch of subtractiv; subtractiv is not known here (did you mean "
        "'subtractive'?): its knobs were not checked",
        "good other.toml: 1 patch of zzz; zzz is not known here: its knobs were not checked",
    ]


def test_convert_writes_nothing_where_it_cannot(timbrel: Any, bank: Path) -> None:
    refusal = timbrel("data", "presets", "convert", "my.bank", "all.fxp").refusal
    assert "3 patches for a file that holds one: give a folder" in refusal
    assert "is what is read" in timbrel("data", "presets", "convert", "my.bank", "my.bank").refusal
    refusal = timbrel("data", "presets", "convert", "my.bank", "x", "--to", "vital").refusal
    assert "'Soft' is of amsynth, not of vital: write .toml" in refusal


def test_validate_names_the_bad_and_the_copies(timbrel: Any, bank: Path) -> None:
    Path("many").mkdir()
    Path("many/a.fxp").write_bytes(FOREIGN)
    Path("many/b.fxp").write_bytes(FOREIGN[:-1])
    Path("many/c.toml").write_text("synth = 'amsynth'\n[values]\nfilter_cutof = 1\n")
    ran = timbrel("data", "presets", "validate", "my.bank", "many")
    assert (ran.code, ran.err) == (2, [])
    assert ran.out == [
        "good my.bank: 3 patches of amsynth; 'Soft/again' sounds as 'Soft' in my.bank",
        "good many/a.fxp: of the plug-in 'cjs3', which alone can read it",
        "BAD  many/b.fxp: truncated: the chunk wants 3 bytes, 2 are there",
        "BAD  many/c.toml: patch: no parameter 'filter_cutof', did you mean 'filter_cutoff'?",
    ]
    assert timbrel("data", "presets", "validate", "my.bank").code == 0
    timbrel("data", "presets", "convert", "my.bank", "fxps")
    timbrel("data", "presets", "convert", "my.bank", "tomls", "--to", "toml")
    Path("twins").mkdir()
    shutil.copy("fxps/001-Soft.fxp", "twins/d.fxp")
    shutil.copy("tomls/001-Soft.toml", "twins/d.toml")
    ran = timbrel("data", "presets", "validate", "fxps/001-Soft.fxp", "twins/d.fxp", "twins/d.toml")
    assert ran.out[1].endswith("patch of amsynth; 'Soft' sounds as 'Soft' in fxps/001-Soft.fxp")
    ran = timbrel("data", "presets", "validate", "twins/d.fxp", "twins/d.toml")
    assert not any("sounds as" in line for line in ran.out)
    Path("nameless.toml").write_text("synth = 'amsynth'\n" + 2 * "[[patches]]\n[patches.values]\n")
    (line,) = timbrel("data", "presets", "validate", "nameless.toml").out
    assert line.endswith("'' sounds as '' in nameless.toml")
    told = json.loads("\n".join(timbrel("data", "presets", "validate", "many", "--json").out))
    assert [verdict["is_good"] for verdict in told] == [True, False, False]


def test_what_is_not_there_is_one_line(timbrel: Any) -> None:
    assert "no files to show" in timbrel("data", "presets", "show").refusal
    assert (
        "no file of patches at gone.fxp" in timbrel("data", "presets", "show", "gone.fxp").refusal
    )
    assert "nothing to validate" in timbrel("data", "presets", "validate").refusal
    refusal = timbrel("data", "presets", "show", "gone.fxp", "--synth", "amsinth").refusal
    assert "no synthesizer 'amsinth': did you mean 'amsynth'" in refusal


@pytest.mark.needs("amsynth")
def test_a_plug_in_may_be_named(timbrel: Any, bank: Path) -> None:
    from timbrel.synths.amsynth import find_amsynth

    timbrel("data", "presets", "convert", "my.bank", "fxps")
    plug_in = str(find_amsynth())
    ran = timbrel("data", "presets", "show", "fxps/001-Soft.fxp", "--synth", plug_in, "--json")
    (told,) = json.loads("\n".join(ran.out))
    assert (told["synth"], told["name"]) == ("amsynth_vst", "Soft")
    assert told["knobs"] == pytest.approx({"filter_cutoff": 0.5, "osc1_waveform": 0.0})


def test_an_ending_that_contradicts_is_refused(timbrel: Any, bank: Path) -> None:
    said = timbrel("data", "presets", "convert", "my.bank", "all.bank", "--to", "toml").refusal
    assert said == "all.bank is no .toml: leave out --to, or give another name or a folder"
