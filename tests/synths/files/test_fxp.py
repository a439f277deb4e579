"""Programs and banks of VST plug-ins: tolerant as files in the wild demand, exact on writing."""

from __future__ import annotations

import struct

import pytest

from timbrel.errors import BadPatch
from timbrel.synths import Patch, load_synth
from timbrel.synths.files import Program, read_patches, read_programs, write_patch, write_patches
from timbrel.synths.formats.fxp import bank_bytes, program_bytes


def wild(chunk=b"x" * 100, name=b"Saw", size=0, count=1, plugin=b"cjs3", kind=b"FPCh"):
    """As Surge writes it: no size, one parameter, a chunk."""
    head = b"CcnK" + struct.pack(">i", size) + kind
    head += struct.pack(">i4sii", 1, plugin, 1, count) + name.ljust(28, b"\0")
    return head + struct.pack(">i", len(chunk)) + chunk


def floats(*values, plugin=b"abcd"):
    data = b"CcnK" + struct.pack(">i", 0) + b"FxCk"
    data += struct.pack(">i4sii", 1, plugin, 1, len(values)) + b"".ljust(28, b"\0")
    return data + struct.pack(f">{len(values)}f", *values)


@pytest.fixture
def file(tmp_path):
    def write(data, name="p.fxp"):
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return write


@pytest.mark.parametrize("size", [0, 152, -1, 2**31 - 1])
@pytest.mark.parametrize("count", [1, 0, -5, 2**31 - 1])
def test_sizes_and_counts_that_lie_do_not_matter_beside_a_chunk(file, size, count):
    assert read_programs(file(wild(size=size, count=count))) == [
        Program("cjs3", "Saw", chunk=b"x" * 100)
    ]


def test_names_are_latin_1_and_may_fill_all_28(file):
    full = "Größe Ähre Übung ÿ 123456789"
    assert len(full) == 28
    assert read_programs(file(wild(name=full.encode("latin-1"))))[0].name == full


def test_control_characters_never_reach_a_terminal(file):
    assert read_programs(file(wild(name=b"a\x1b[2Jb\nc")))[0].name == "a[2Jbc"


def test_two_megabytes_of_chunk(file):
    chunk = bytes(range(256)) * 8192
    assert read_programs(file(wild(chunk)))[0].chunk == chunk


def test_what_is_written_keeps_every_rule():
    data = program_bytes(Program("abcd", "Naïve", (0.0, 0.25, 1.0)))
    assert data[:4] == b"CcnK"
    assert struct.unpack(">i", data[4:8])[0] == len(data) - 8
    assert data[8:28] == b"FxCk" + struct.pack(">i4sii", 1, b"abcd", 1, 3)
    assert data[28:56] == "Naïve".encode("latin-1").ljust(28, b"\0")
    assert data[56:] == struct.pack(">3f", 0.0, 0.25, 1.0)
    chunk = program_bytes(Program("abcd", "x" * 40, chunk=b"12345"))
    assert struct.unpack(">i", chunk[4:8])[0] == len(chunk) - 8
    assert chunk[28:56] == b"x" * 27 + b"\0"
    assert chunk[56:] == struct.pack(">i", 5) + b"12345"


def test_there_and_back(file):
    programs = [Program("abcd", f"p{i}", (0.0, i / 4, 1.0)) for i in range(4)]
    assert read_programs(file(program_bytes(programs[1]))) == [programs[1]]
    data = bank_bytes(programs)
    assert struct.unpack(">i", data[4:8])[0] == len(data) - 8
    assert read_programs(file(data, "b.fxb")) == programs


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", r"truncated: the beginning wants 4 bytes, 0 are there"),
        (b"RIFF....", r"begins with b'RIFF', wanted b'CcnK'"),
        (wild()[:-1], r"truncated: the chunk wants 100 bytes, 99 are there"),
        (wild(kind=b"FXXX"), r"of the kind b'FXXX', wanted b'FxCk' or b'FPCh'"),
        (wild()[:56] + struct.pack(">i", -1), r"size of the chunk is -1, wanted 0 or more"),
        (wild()[:56] + struct.pack(">i", 2**31 - 1), r"the chunk wants 2147483647 bytes, 0 are"),
        (floats(0.5)[:-1], r"truncated: 1 parameters wants 4 bytes, 3 are there"),
        (floats(float("nan")), r"parameter 0 is nan, wanted 0 to 1"),
        (floats(0.5, 7.0), r"parameter 1 is 7, wanted 0 to 1"),
        (floats()[:24] + struct.pack(">i", 10**9) + bytes(28), r"parameters is 1000000000, wanted"),
    ],
)
def test_what_is_wrong_is_one_line(file, data, line):
    with pytest.raises(BadPatch, match=line):
        read_programs(file(data))


def test_a_bank_that_promises_too_much_is_refused_before_anything_is_made(file):
    data = bank_bytes([Program("abcd", "p", (0.5,))])
    with pytest.raises(BadPatch, match="number of programs is 100000000, wanted 0 to 4096"):
        read_programs(file(data[:24] + struct.pack(">i", 10**8) + data[28:]))


def test_foreign_programs_are_named(file):
    with pytest.raises(BadPatch, match="of the plug-in 'cjs3', which alone can read it"):
        read_patches(file(wild()))


def test_amsynth_there_and_back(tmp_path):
    patch = Patch("Weich", "amsynth", {"filter_cutoff": 0.123456, "osc1_waveform": 1.0})
    write_patch(tmp_path / "a.fxp", patch)
    write_patches(tmp_path / "a.fxb", [patch, patch])
    (found,) = read_patches(tmp_path / "a.fxp")
    assert (found.name, found.synth) == ("Weich", "amsynth")
    assert found.values["filter_cutoff"] == pytest.approx(0.123456, abs=1e-7)
    assert found.values["osc1_waveform"] == 1.0
    first, second = read_patches(tmp_path / "a.fxb")
    assert first == second
    assert first.values == pytest.approx(found.values, abs=1e-6)


def test_a_chunk_that_would_end_the_plug_in_is_refused(file):
    chunk = b"amSynth\n<preset> <name> x\n<parameter> amp_atack 1\n"
    with pytest.raises(BadPatch, match=r"no parameter 'amp_atack', did you mean 'amp_attack'"):
        read_patches(file(wild(chunk, plugin=b"amsy")))


def test_too_many_floats_for_amsynth(file):
    with pytest.raises(BadPatch, match="has 42 parameters, amsynth has 41"):
        read_patches(file(floats(*[0.5] * 42, plugin=b"amsy")))
    (patch,) = read_patches(file(floats(*[0.5] * 36, plugin=b"amsy")))
    assert len(patch.values) == 36


def test_only_what_fits_is_written(tmp_path):
    ours = Patch("p", "subtractive", {})
    with pytest.raises(BadPatch, match=r"'p' is of subtractive, and \.fxp is written for amsynth"):
        write_patch(tmp_path / "p.fxp", ours)
    with pytest.raises(BadPatch, match="2 patches for a file that holds one"):
        write_patches(tmp_path / "p.fxp", [ours, ours])
    with pytest.raises(BadPatch, match=r"ends in '\.wav'"):
        write_patch(tmp_path / "p.wav", ours)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_bank_holds_no_patch_whoever_reads_it(file):
    empty = b"CcnK" + bytes(4) + b"FxBk" + struct.pack(">i4sii", 1, b"amsy", 1, 0) + bytes(128)
    for synth in (None, load_synth("subtractive")):
        with pytest.raises(BadPatch, match="holds no patch"):
            read_patches(file(empty, "e.fxb"), synth)
