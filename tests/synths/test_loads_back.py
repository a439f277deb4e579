"""Written .fxp files are loaded by the plug-in itself, and sound as the patch that was written."""

from __future__ import annotations

import pytest
import torch

from timbrel.errors import BadPatch, SynthFailed
from timbrel.sound import Notes
from timbrel.synths import Patch, load_synth
from timbrel.synths.amsynth import find_amsynth
from timbrel.synths.files import Program, checksum, read_patches, write_patch
from timbrel.synths.formats.fxp import program_bytes

pytestmark = pytest.mark.needs("amsynth")
NOTE = Notes.of(57, 0.8, 0.5)


@pytest.fixture(scope="module")
def amsynth():
    synth = load_synth("amsynth")
    yield synth
    synth.host.end()


@pytest.fixture(scope="module")
def banks(amsynth):
    return amsynth.factory_banks()


def difference_db(one, other):
    return float(20 * ((one - other).norm() / other.norm()).clamp_min(1e-9).log10())


def test_banks_are_all_there(amsynth, banks):
    patches = [patch for _, bank in banks for patch in bank]
    assert (len(banks), len(patches)) == (28, 3482)
    assert len({checksum(patch, amsynth.parameters) for patch in patches}) == 3303


@pytest.mark.parametrize("form", ["chunk", "floats"])
def test_what_is_written_sounds_the_same_in_the_plug_in(amsynth, banks, tmp_path, form):
    patches = [bank[index] for _, bank in banks[::5] for index in (3, 17)]
    for number, patch in enumerate(patches):
        path, vector = tmp_path / f"{number}.fxp", amsynth.parameters.vector(patch.values)
        if form == "chunk":
            write_patch(path, patch)
        else:
            full = amsynth.parameters.values(vector)
            positions = tuple(c.to_knob(full[c.name]) for c in amsynth.parameters)
            path.write_bytes(program_bytes(Program("amsy", patch.name, positions)))
        ours = amsynth.render(vector, NOTE).audio
        theirs = amsynth.render_preset(str(path), NOTE).audio
        assert difference_db(theirs, ours) < -60


def test_a_hostile_chunk_costs_one_render(amsynth, tmp_path):
    path = tmp_path / "hostile.fxp"
    chunk = b"amSynth1.0preset\n<preset> <name> x\n<parameter> no_such_knob 1\n"
    path.write_bytes(program_bytes(Program("amsy", "x", chunk=chunk)))
    before = amsynth.render(amsynth.parameters.defaults, NOTE).audio
    with pytest.raises(SynthFailed, match="amsynth crashed"):
        amsynth.render_preset(str(path), NOTE)
    assert torch.equal(amsynth.render(amsynth.parameters.defaults, NOTE).audio, before)
    with pytest.raises(BadPatch, match="no parameter 'no_such_knob'"):
        read_patches(path)


def test_any_plug_in_reads_its_own_chunks_and_floats(tmp_path):
    told = tmp_path / "any.toml"
    told.write_text(
        f'plugin = "{find_amsynth()}"\nname = "any"\nid = "amsy"\n'
        '[[knobs]]\nindex = 11\nname = "cutoff"\n[[knobs]]\nindex = 0\nname = "attack"\n'
    )
    synth = load_synth(str(told))
    write_patch(tmp_path / "chunk.fxp", Patch("x", "amsynth", {"filter_cutoff": 0.5}))
    (patch,) = read_patches(tmp_path / "chunk.fxp", synth)
    assert (patch.name, patch.synth) == ("x", "any")
    assert patch.values == pytest.approx({"cutoff": 0.5, "attack": 0.0}, abs=1e-6)
    write_patch(tmp_path / "floats.fxp", Patch("y", "any", {"cutoff": 0.25}), synth)
    (patch,) = read_patches(tmp_path / "floats.fxp", synth)
    assert patch.values == pytest.approx({"cutoff": 0.25, "attack": 0.0}, abs=1e-6)
    (theirs,) = read_patches(tmp_path / "floats.fxp")
    assert theirs.values["filter_cutoff"] == pytest.approx(0.0, abs=1e-6)
    synth.host.end()
