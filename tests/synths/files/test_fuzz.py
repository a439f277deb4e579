"""Whatever bytes a file has: patches come out, or one line; quickly, and in little memory."""

from __future__ import annotations

import json
import time
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from timbrel.errors import BadPatch
from timbrel.synths import Patch
from timbrel.synths.amsynth_knobs import amsynth_parameters
from timbrel.synths.files import Program, parameters_of, read_patches, read_programs
from timbrel.synths.formats.amsynth import bank_text, chunk_text
from timbrel.synths.formats.fxp import bank_bytes, program_bytes
from timbrel.synths.formats.readable import readable_text

PATCH = Patch("Weich", "amsynth", {c.name: c.from_knob(0.3) for c in amsynth_parameters()}, "pad")
FLOATS = Program("amsy", "Weich", tuple(i / 41 for i in range(41)))
SEEDS = {
    ".fxp": program_bytes(FLOATS),
    ".chunk.fxp": program_bytes(Program("amsy", "Weich", chunk=chunk_text(PATCH))),
    ".fxb": bank_bytes([FLOATS, FLOATS]),
    ".bank": bank_text([PATCH, PATCH]),
    ".toml": readable_text([PATCH, PATCH], parameters_of),
    ".vital": json.dumps({"preset_name": "x", "settings": {"osc_1_level": 0.5}}).encode(),
}
BOUNDED = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@st.composite
def mutated(draw, seed):
    """A file with a few bytes changed, cut out, doubled or put in."""
    data = bytearray(seed)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data)))
        kind = draw(st.sampled_from(["set", "cut", "insert", "double", "number", "end"]))
        if kind == "set" and at < len(data):
            data[at] = draw(st.integers(0, 255))
        elif kind == "cut":
            del data[at : at + draw(st.integers(1, 40))]
        elif kind == "insert":
            data[at:at] = draw(st.binary(max_size=20))
        elif kind == "double":
            data[at:at] = data[at : at + draw(st.integers(1, 200))]
        elif kind == "number":
            data[at : at + 4] = draw(st.sampled_from([
                b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\0",
                b"\x7f\xc0\0\0",
                b"1e99", b" nan", b"[[[[",
            ]))  # fmt: skip
        else:
            del data[at:]
    return bytes(data)


@pytest.fixture(scope="module", autouse=True)
def vital_is_known():
    """Its knobs are asked of it once, which is not what is timed."""
    parameters_of("vital")


def read(path):
    try:
        return read_patches(path), ""
    except BadPatch as error:
        return [], str(error)


def look(path, data):
    path.write_bytes(data)
    tracemalloc.start()
    began = time.process_time()
    found, line = read(path)
    took, (_, peak) = time.process_time() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "\n" not in line
    assert len(line) < 600
    assert took < 2.0
    assert peak < 8_000_000
    for patch in found:
        assert patch.name.isprintable()
        assert all(value == value and abs(value) < 1e31 for value in patch.values.values())


@pytest.mark.parametrize("suffix", SEEDS)
@BOUNDED
@given(data=st.data())
def test_damaged_files(tmp_path, suffix, data):
    look(tmp_path / f"x{suffix}", data.draw(mutated(SEEDS[suffix])))


@pytest.mark.parametrize("suffix", [".fxp", ".bank", ".toml", ".vital", ".txt"])
@BOUNDED
@given(data=st.binary(max_size=400))
def test_anything_at_all(tmp_path, suffix, data):
    look(tmp_path / f"x{suffix}", data)


@pytest.mark.parametrize("suffix", [".fxp", ".chunk.fxp", ".fxb"])
def test_every_truncation_of_a_program_is_one_line(tmp_path, suffix):
    for length in range(len(SEEDS[suffix])):
        path = tmp_path / "x.fxp"
        path.write_bytes(SEEDS[suffix][:length])
        with pytest.raises(BadPatch, match="truncated"):
            read_programs(path)
