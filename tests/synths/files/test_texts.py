"""Banks of amsynth, .vital and .toml: what they say, and what they may not."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from timbrel.errors import BadPatch
from timbrel.synths import Patch, load_synth
from timbrel.synths.amsynth_knobs import amsynth_parameters
from timbrel.synths.files import (
    checksum,
    parameters_of,
    patch_files,
    read_patches,
    write_patch,
    write_patches,
)
from timbrel.synths.formats.readable import readable_text

KNOBS = amsynth_parameters()


@pytest.fixture
def file(tmp_path):
    def write(name, data):
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    return write


def test_a_bank_of_amsynth(file):
    text = (
        "amSynth\n<preset> <name> Two words\n<parameter> amp_attack 0.5\n"
        "<parameter> portamento_mode 0.3\n<preset> <name> Other\nEOF\n"
    )
    first, second = read_patches(file("x.bank", text))
    assert first == Patch("Two words", "amsynth", {"amp_attack": 0.5, "portamento_mode": 0.0})
    assert second == Patch("Other", "amsynth", {})


def test_names_in_latin_1_and_utf_8(file):
    text = "amSynth\n<preset> <name> Größe\n"
    assert read_patches(file("a.bank", text))[0].name == "Größe"
    assert read_patches(file("b.bank", text.encode("latin-1")))[0].name == "Größe"


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("<parameter> amp_attack 1", "line 2 is a parameter of no preset"),
        ("<preset> <name> x\n<parameter> amp_attack loud", "line 3: 'amp_attack loud' is no name"),
        (
            "<preset> <name> x\n<parameter> amp_attack 1e9",
            "preset 'x': amp_attack is 1e.09, wanted",
        ),
        ("<preset> <name> x\n<parameter> amp_attack nan", "amp_attack is nan, wanted 0 to 2.5"),
        ("<preset> <name> x\n<parameter> loudness 1", "no parameter 'loudness'"),
        ("<virus> x", "line 2 begins with '<virus>'"),
        ("x" * 2000, "line 2 has 2000 characters"),
        ("", "holds no patch"),
        ("\n" * 500_000, "has 500002 lines, wanted at most 409600"),
    ],
)
def test_what_is_wrong_in_a_bank(file, body, line):
    with pytest.raises(BadPatch, match=line):
        read_patches(file("x.bank", f"amSynth\n{body}\n"))


def test_a_bank_comes_back(tmp_path):
    patches = [
        Patch(f"p{i}", "amsynth", {c.name: c.from_knob(i / 9) for c in KNOBS}) for i in range(10)
    ]
    write_patches(tmp_path / "x.bank", patches)
    found = read_patches(tmp_path / "x.bank")
    assert [patch.name for patch in found] == [patch.name for patch in patches]
    for ours, theirs in zip(patches, found, strict=True):
        assert theirs.values == pytest.approx(ours.values, rel=1e-7)
        assert checksum(theirs, KNOBS) == checksum(ours, KNOBS)


def test_a_readable_patch(file, tmp_path):
    patch = Patch("Warm", "amsynth", {"filter_cutoff": 0.4, "osc1_waveform": 0.0}, "pad", "me")
    text = readable_text([patch], parameters_of).decode()
    assert 'osc1_waveform = "sine"' in text
    assert read_patches(file("a.toml", text)) == [patch]
    assert read_patches(file("a.toml", "\ufeff" + text)) == [patch]  # as Windows begins texts
    write_patches(tmp_path / "b.toml", [patch, patch])
    assert read_patches(tmp_path / "b.toml") == [patch, patch]


def test_what_a_bank_says_once_holds_for_all_that_do_not_say_otherwise(tmp_path):
    mine = [Patch(name, "amsynth", {"amp_attack": 0.5}, "pad", "me") for name in ("A", "A", "B")]
    write_patches(tmp_path / "mine.toml", mine)
    text = (tmp_path / "mine.toml").read_text()
    assert [text.count(word) for word in ("synth", "pad", '"me"', "[[patches]]")] == [2, 1, 1, 3]
    assert read_patches(tmp_path / "mine.toml") == mine
    mixed = [*mine, Patch("C", "amsynth", {}, "bass", "you"), Patch("D", "amsynth")]
    write_patches(tmp_path / "mixed.toml", mixed)
    assert read_patches(tmp_path / "mixed.toml") == mixed
    (tmp_path / "own.toml").write_text(
        "synth = 'amsynth'\ncategory = 'pad'\n"
        "[[patches]]\nname = 'A'\n[patches.values]\nosc2_pitch = '-1'\nosc2_range = 2\n"
        "[[patches]]\nname = 'B'\ncategory = ''\n"
    )
    first, second = read_patches(tmp_path / "own.toml")
    assert first == Patch("A", "amsynth", {"osc2_pitch": -1.0, "osc2_range": 2.0}, "pad")
    assert second == Patch("B", "amsynth")


def test_the_banks_that_come_with_timbrel_are_such_files(tmp_path):
    ((_, patches), *others) = load_synth("subtractive").factory_banks()
    write_patches(tmp_path / "bass.toml", patches)
    assert read_patches(tmp_path / "bass.toml") == patches
    assert sum(map(len, (patches, *(bank for _, bank in others)))) == 293


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = [", "is no TOML"),
        ("name = 'x'", "'synth' is missing"),
        ("synth = 'amsynth'\nvolume = 3", "unknown key 'volume'"),
        ("synth = 'amsynth'\ncategory = 'pads'", "no category 'pads': did you mean 'pad'"),
        ("synth = 'amsynth'\n[values]\nosc1_waveform = 'saw'", "'saw', wanted sine, square"),
        ("synth = 'amsynth'\n[values]\namp_attack = 9", "amp_attack is 9, wanted 0 to 2.5"),
        ("synth = 'amsynth'\n[values]\namp_attack = inf", "amp_attack is inf, wanted"),
        ("synth = 'other'\n[values]\nx = nan", "x is nan, wanted a finite number"),
        ("synth = 'other'\n[values]\nx = 'y'", "x is 'y', wanted a number"),
        (
            "synth = 'amsynth'\n[values]\nosc2_sync = true",
            "osc2_sync = True: wanted a number, or",
        ),
        (
            "synth = 'amsynth'\n[values]\nosc2_sync = 0.5",
            "is 0.5, wanted a whole number or off, on",
        ),
        (
            "synth = 'amsynth'\n[values]\nosc2_sync = nan",
            "is nan, wanted a whole number or off, on",
        ),
        ("synth = 'amsynth'\n[values]\namp_atack = 1", "'amp_atack', did you mean 'amp_attack'"),
        ("synth = 'amsynth'\n[values]\namp_attack = 1" + "0" * 400, "wanted a number that a knob"),
        ("patches = 3", r"patches is no list: a bank has \[\[patches\]\]"),
        ("patches = [3]", "patch 1 is no table"),
        ("synth = 'amsynth'\npatches = [{}, {values = {x = 1}}]", "patch 2: no parameter 'x'"),
        (
            "synth = 'amsynth'\npatches = [{name = 'A b', category = 'bas'}]",
            "patch 1 'A b': no cat",
        ),
        (
            "synth = 'amsynth'\nvalues = {}\npatches = []",
            r"author and \[\[patches\]\], not 'values'",
        ),
        ("patches = [{name = 'x'}]", "patch 1: 'synth' is missing"),
        ("synth = 'amsynth'\npatches = []", "holds no patch"),
        ("a = " + "[" * 900, "is no TOML"),
        (".".join("a" * 5000) + " = 1", "has 10003 characters in a line, wanted at most 1000"),
        ("\n".join(f"a{i}" + ".a" * 400 + " = 1" for i in range(30)), "has 11940 dots"),
        ("[a" + ".a" * 17 + "]\nb = 1", "has 17 dots in the name of a table, wanted at most 16"),
        ("  [[" + ".".join("a" * 490) + "]]", "has 489 dots in the name of a table"),
        ("[[patches]]\n" * 9000, "has 9000 tables, wanted at most 8192"),
        ("\n" * 300_000, "has 300001 lines, wanted at most 204800"),
    ],
)
def test_what_is_wrong_in_a_readable_patch(file, text, line):
    with pytest.raises(BadPatch, match=line):
        read_patches(file("x.toml", text))


def test_a_synthesizer_may_be_asked_for(file):
    path = file("x.toml", "synth = 'amsynth'")
    with pytest.raises(BadPatch, match="is of amsynth, wanted subtractive"):
        read_patches(path, load_synth("subtractive"))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[1, 2", "is no JSON"),
        ("[" * 100000, "is no JSON"),
        ("[" * 100001, r"has 100001 \[, wanted at most 100000"),
        ("[]", "has no table 'settings'"),
        ('{"settings": {"lfos": []}}', "sets no knob"),
        ('{"settings": {"volume": 1e999}}', "volume is inf"),
        ('{"settings": {"volume": 1' + "0" * 400 + "}}", "volume is beyond all numbers"),
        ('{"settings": {"volume": ' + "1" * 5000 + "}}", "is no JSON"),
    ],
)
def test_what_is_wrong_in_a_vital_preset(file, text, line):
    with pytest.raises(BadPatch, match=line):
        read_patches(file("x.vital", text))


def test_a_vital_preset(file):
    settings = {"osc_1_level": 0.25, "volume": 3000.0, "lfos": [{"name": "x"}]}
    named = {"preset_name": "Glas", "author": "me", "preset_style": "Percussion"}
    preset = named | {"settings": settings}
    assert read_patches(file("x.vital", json.dumps(preset))) == [
        Patch("Glas", "vital", {"osc_1_level": 0.25, "volume": 3000.0}, "drum", "me")
    ]


@pytest.mark.needs("vital")
def test_a_vital_preset_comes_back(tmp_path):
    patch = Patch("Glas", "vital", {"osc_1_level": 0.25, "filter_1_model": 3.0}, "keys", "me")
    write_patch(tmp_path / "x.vital", patch)
    (found,) = read_patches(tmp_path / "x.vital")
    assert (found.name, found.category, found.author) == ("Glas", "keys", "me")
    assert len(found.values) == 772
    assert found.values["osc_1_level"] == 0.25
    assert found.values["filter_1_model"] == 3.0


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"values": {"amp_atack": 1.0}}, "no parameter 'amp_atack', did you mean 'amp_attack'"),
        ({"values": {"amp_attack": math.nan}}, "amp_attack is nan, wanted 0 to 2.5"),
        ({"values": {"amp_attack": "slow"}}, "amp_attack is 'slow', wanted a number"),
        ({"values": {"amp_attack": 10**400}}, "amp_attack is 1000.*, wanted a number"),
        ({"values": {5: 1.0}}, "its parameter is 5, wanted a text"),
        ({"values": None}, "its values are NoneType, wanted numbers by name"),
        ({"name": "a\udcff"}, r"its name 'a.udcff' cannot be written as UTF-8: rename it"),
        ({"author": "\ud800"}, "its author .* cannot be written as UTF-8"),
        ({"synth": "other", "values": {"\ud800": 1.0}}, "its parameter .* cannot be written as"),
        ({"synth": "other", "values": {"x": math.inf}}, "x is inf, wanted a finite number"),
        ({"name": "x" * 201}, "its name has 201 letters, wanted at most 200"),
        ({"category": "pads"}, "no category 'pads': did you mean 'pad'"),
    ],
)
@pytest.mark.parametrize("ending", ["toml", "fxp", "fxb", "bank"])
@pytest.mark.usefixtures("unchecked")
def test_what_could_not_be_read_again_is_not_written(tmp_path, changes, line, ending):
    patch = Patch(**({"name": "a", "synth": "amsynth"} | changes))
    with pytest.raises(BadPatch, match=rf"a\.{ending}: patch '.*': {line}"):
        write_patch(tmp_path / f"a.{ending}", patch)
    assert list(tmp_path.iterdir()) == []


def test_files_that_are_none(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    with pytest.raises(BadPatch, match=r"no file of patches at .*gone\.fxp"):
        read_patches(tmp_path / "gone.fxp")
    with pytest.raises(BadPatch, match="is a folder: give a file of patches in it"):
        read_patches(tmp_path)
    big = tmp_path / "big.vital"
    with big.open("wb") as hole:
        hole.truncate(17 << 20)
    with pytest.raises(BadPatch, match="larger than 16 MB"):
        read_patches(big)
    line = r"banks cannot be read \(Permission denied\): let it be read, or give another"
    (tmp_path / "banks").mkdir()
    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(BadPatch, match=line):
        patch_files(tmp_path / "banks")
    (tmp_path / "x.txt").write_text("hello")
    with pytest.raises(BadPatch, match="is no file of patches"):
        read_patches(tmp_path / "x.txt")


def test_checksums_see_the_sound_alone():
    bare = Patch("a", "amsynth", {})
    said = Patch("b", "amsynth", {c.name: c.default for c in KNOBS}, "pad", "me")
    other = Patch("a", "amsynth", {"amp_attack": 0.001})
    assert checksum(bare, KNOBS) == checksum(said, KNOBS)
    assert checksum(bare, KNOBS) != checksum(other, KNOBS)
