"""Plug-ins by their path, and by a TOML file that tells of them; amsynth stands for any."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from timbrel.errors import BadConfig, BadInput, SynthFailed
from timbrel.sound import Notes
from timbrel.synths import load_synth
from timbrel.synths.amsynth_knobs import amsynth_parameters
from timbrel.synths.plugin import MOST_KNOBS, _apart, _read

NOTE = Notes.of(60, 1.0, 0.2)


@pytest.fixture
def path():
    from timbrel.synths.amsynth import find_amsynth

    return find_amsynth()


@pytest.mark.needs("amsynth")
def test_a_path_is_enough(path):
    synth, amsynth = load_synth(str(path)), load_synth("amsynth")
    assert synth.name == "amsynth_vst"
    assert synth.parameters.names == amsynth_parameters().names
    assert torch.equal(
        synth.render(synth.parameters.vector({"filter_cutoff": 0.25}), NOTE).audio,
        amsynth.render(amsynth.parameters.vector({"filter_cutoff": 0.0}), NOTE).audio,
    )
    synth.host.end()
    amsynth.host.end()


@pytest.mark.needs("amsynth")
def test_a_toml_names_the_knobs_worth_knowing(path, tmp_path):
    told = tmp_path / "tame.toml"
    told.write_text(
        f'plugin = "{path}"\n'
        '[[knobs]]\nindex = 11\nname = "cutoff"\nunit = "Hz"\nminimum = 20.0\n'
        'maximum = 20000.0\ndefault = 200.0\ncurve = "log"\n'
        '[[knobs]]\nindex = 4\nname = "wave"\nchoices = ["a", "b", "c", "d", "e"]\n'
    )
    synth, plain = load_synth(str(told)), load_synth(str(path))
    assert synth.name == "amsynth_vst"
    assert synth.parameters.values(synth.parameters.defaults) == pytest.approx(
        {"cutoff": 200.0, "wave": 2.0}
    )
    assert torch.equal(
        synth.render(synth.parameters.vector({"wave": 1}), NOTE).audio,
        plain.render(
            plain.parameters.vector({"filter_cutoff": 1 / 3, "osc1_waveform": 0.25}), NOTE
        ).audio,
    )


@pytest.mark.needs("amsynth")
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[[knobs]]\nindex = 41\nname = 'a'", "knob 41 of a plug-in that has 41, from 0"),
        ("[[knobs]]\nindex = 1\nname = 'a'\n[[knobs]]\nindex = 1\nname = 'b'", "the index 1"),
        ("[[knobs]]\nindexx = 1\nname = 'a'", "knobs.0.index"),
    ],
)
def test_what_does_not_fit_is_said(path, tmp_path, text, line):
    told = tmp_path / "bad.toml"
    told.write_text(f'plugin = "{path}"\n{text}\n')
    with pytest.raises(BadConfig, match=line):
        load_synth(str(told))


def test_what_is_not_there_is_said(tmp_path):
    for name in ("nowhere.so", "x" * 5000 + ".so", "a\0b.vst3"):
        with pytest.raises(BadInput, match=r"no plug-in at .*: give the path"):
            load_synth(name)


def test_knobs_of_one_name_are_told_apart_in_no_time():
    names = [*["level_3"] * 2, *["level"] * 100_000]  # a list of them all for each: a day
    apart = _apart(names)
    assert apart[:5] == ["level_3", "level_3_2", "level", "level_2", "level_4"]
    assert len(set(apart)) == len(names)


def test_a_plug_in_has_knobs_and_not_without_end():
    knobs = [{"name": f"MIDI CC {i}", "default": 0.0} for i in range(9)]
    with pytest.raises(BadInput, match=r"a\.vst3 has no knobs"):
        _read(knobs, Path("a.vst3"))
    knobs += [{"name": "level", "default": 0.5}] * MOST_KNOBS
    assert len(_read(knobs, Path("a.vst3"))) == MOST_KNOBS
    line = r"a\.vst3 has 4097 knobs, wanted at most 4096: name those .* in a TOML file"
    with pytest.raises(BadInput, match=line):
        _read([*knobs, knobs[-1]], Path("a.vst3"))


@pytest.mark.needs("amsynth")
def test_what_is_no_plug_in_is_said(tmp_path):
    junk = tmp_path / "junk.so"
    junk.write_bytes(b"\x7fELF junk")
    with pytest.raises(SynthFailed, match=r"junk cannot be loaded|junk crashed"):
        load_synth(str(junk))
