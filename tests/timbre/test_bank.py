import contextlib
import json
import struct

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from timbrel.errors import BadInput, BadModel
from timbrel.timbre import Bank, Entry


@pytest.fixture
def bank() -> Bank:
    bank = Bank("f00d" * 16)
    bank.add("violin", torch.randn(8), about="FluidR3 40, C4")
    bank.add("strings", torch.randn(8), "mean")
    bank.add("bright", torch.randn(8), "direction", "raises the centroid: 0.97 of notes")
    return bank


def test_save_and_load_are_equal_to_the_bit(bank, tmp_path):
    path = bank.save(tmp_path / "my.safetensors")
    again = Bank.load(path, model=bank.model)
    assert list(again) == ["violin", "strings", "bright"]
    for name in bank:
        assert torch.equal(again[name], bank[name])
        assert again.lookup(name).kind == bank.lookup(name).kind
        assert again.lookup(name).about == bank.lookup(name).about
    assert [p.name for p in tmp_path.iterdir()] == ["my.safetensors"]


def test_names_by_kind(bank):
    assert bank.names() == ("violin", "strings", "bright")
    assert bank.names("direction") == ("bright",)
    assert "violin" in bank
    assert len(bank) == 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("violn", "unknown sound 'violn': did you mean 'violin'\\?"),
        ("VIOLIN", "did you mean 'violin'"),
        ("string", "did you mean 'strings'"),
        ("xyz", "unknown sound 'xyz': there are violin, strings, bright$"),
    ],
)
def test_unknown_names(bank, name, message):
    with pytest.raises(BadInput, match=message):
        bank[name]


def test_add_rename_remove(bank):
    with pytest.raises(BadInput, match="already has 'violin'"):
        bank.add("violin", torch.zeros(8))
    bank.add("violin", torch.zeros(8), replace=True)
    assert bank["violin"].tolist() == [0] * 8
    bank.rename("violin", "fiddle")
    assert list(bank) == ["fiddle", "strings", "bright"]
    with pytest.raises(BadInput, match="already has 'bright'"):
        bank.rename("fiddle", "bright")
    bank.remove("fiddle")
    with pytest.raises(BadInput, match="unknown sound 'fiddle'"):
        bank.remove("fiddle")


@pytest.mark.parametrize("name", ["", " a", "a\nb", "x" * 201])
def test_unfit_names(bank, name):
    with pytest.raises(BadInput, match="is no name for a timbre"):
        bank.add(name, torch.zeros(8))


@pytest.mark.parametrize(
    ("timbre", "message"),
    [
        (torch.zeros(7), "has 7 numbers, the bank's others 8"),
        (torch.full((8,), torch.nan), "holds NaN"),
        (torch.tensor([torch.inf] * 8), "holds NaN, infinity"),
    ],
)
def test_unfit_vectors(bank, timbre, message):
    with pytest.raises(BadInput, match=message):
        bank.add("new", timbre)


def test_merge_takes_all_or_nothing(bank):
    other = Bank(bank.model)
    other.add("flute", torch.ones(8))
    other.add("violin", torch.ones(8))
    with pytest.raises(BadInput, match="both banks have violin: rename or replace"):
        bank.merge(other)
    assert "flute" not in bank
    bank.merge(other, replace=True)
    assert list(bank) == ["violin", "strings", "bright", "flute"]
    assert bank["violin"].tolist() == [1] * 8
    with pytest.raises(BadModel, match="belongs to another model"):
        bank.merge(Bank("beef"))


def test_a_bank_of_another_model_is_refused(bank, tmp_path):
    path = bank.save(tmp_path / "a.safetensors")
    with pytest.raises(BadModel, match=r"a\.safetensors belongs to another model \(f00df00df00d"):
        Bank.load(path, model="beef" * 16)


def test_an_empty_bank_is_not_written(tmp_path):
    with pytest.raises(BadInput, match="an empty bank"):
        Bank().save(tmp_path / "a.safetensors")
    assert not list(tmp_path.iterdir())


GOOD = {
    "format": "timbrel bank 1",
    "model": "",
    "entries": '[{"name":"a","kind":"sound","about":""}]',
}


@pytest.mark.parametrize(
    ("tensors", "metadata", "message"),
    [
        ({"timbres": torch.zeros(1, 4)}, {}, "is no bank of this version"),
        ({"weights": torch.zeros(1, 4)}, GOOD, "is no bank of this version"),
        ({"timbres": torch.zeros(4)}, GOOD, r"its timbres are torch.float32 of shape \(4,\)"),
        ({"timbres": torch.zeros(1, 4).long()}, GOOD, "its timbres are torch.int64 of shape"),
        ({"timbres": torch.zeros(1, 0)}, GOOD, "is damaged"),
        ({"timbres": torch.zeros(2, 4)}, GOOD, "its names do not fit its timbres"),
        ({"timbres": torch.full((1, 4), torch.nan)}, GOOD, "holds NaN"),
        ({"timbres": torch.zeros(1, 4)}, GOOD | {"entries": "{}"}, "its names do not fit"),
        ({"timbres": torch.zeros(1, 4)}, GOOD | {"entries": "[" * 100000}, "its names do not fit"),
        ({"timbres": torch.zeros(1, 4)}, GOOD | {"entries": '[{"name":"a"}]'}, "do not fit"),
        (
            {"timbres": torch.zeros(1, 4)},
            GOOD | {"entries": '[{"name":"a","kind":"evil","about":""}]'},
            "do not fit",
        ),
        (
            {"timbres": torch.zeros(1, 4)},
            GOOD | {"entries": r'[{"name":"a\u0000","kind":"sound","about":""}]'},
            "is no name for a timbre",
        ),
    ],
)
def test_hostile_files(tmp_path, tensors, metadata, message):
    path = tmp_path / "bank.safetensors"
    save_file(tensors, path, metadata)
    with pytest.raises(BadModel, match=message) as caught:
        Bank.load(path)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_safetensors(tmp_path):
    with pytest.raises(BadModel, match="no bank at"):
        Bank.load(tmp_path / "none")
    with pytest.raises(BadModel, match=r"is a folder: give the bank in it, a \.safetensors file$"):
        Bank.load(tmp_path)
    huge_header = struct.pack("<Q", 1 << 62) + json.dumps({}).encode()
    for content in (b"", b"RIFF", b"\x80\x04pickle.", huge_header):
        path = tmp_path / "bank"
        path.write_bytes(content)
        with pytest.raises(BadModel, match="is no bank or is damaged"):
            Bank.load(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(place=st.floats(0, 1), byte=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_file_loads_or_is_refused(tmp_path, place, byte, cut):
    bank = Bank("m", {"a": Entry("sound", torch.ones(4)), "b": Entry("direction", torch.ones(4))})
    path = bank.save(tmp_path / "bank")
    content = bytearray(path.read_bytes())
    index = int(place * (len(content) - 1))
    content = content[:index] if cut else content
    if not cut:
        content[index] = byte
    path.write_bytes(bytes(content))
    with contextlib.suppress(BadModel):  # anything else fails the test
        assert len(Bank.load(path)) == 2


def test_samples_have_the_mean_and_covariance_of_the_sounds():
    generator = torch.Generator().manual_seed(0)
    sounds = torch.randn(5, 3, generator=generator) * torch.tensor([1.0, 2.0, 0.1]) + 4
    bank = Bank()
    for i, sound in enumerate(sounds):
        bank.add(f"sound {i}", sound)
    bank.add("up", torch.full((3,), 100.0), "direction")
    drawn = bank.sample(40_000, generator=generator)
    torch.testing.assert_close(drawn.mean(0), sounds.mean(0), atol=0.05, rtol=0)
    torch.testing.assert_close(torch.cov(drawn.T), torch.cov(sounds.T), atol=0.1, rtol=0.03)


def test_one_sound_spans_nothing():
    bank = Bank()
    bank.add("alone", torch.zeros(3))
    with pytest.raises(BadInput, match="1 sounds in the bank, 2 or more"):
        bank.sample(1)


def test_a_bank_may_be_kept_in_half_the_size(tmp_path):
    bank = Bank("hash")
    bank.add("a", torch.linspace(-8, 8, 1000))
    full = bank.save(tmp_path / "full.safetensors").stat().st_size
    half = bank.save(tmp_path / "half.safetensors", half=True)
    assert full - half.stat().st_size == 2000
    read = Bank.load(half)["a"]
    assert read.dtype == torch.float32
    assert (read - bank["a"]).abs().max() < 8 * 2**-11
