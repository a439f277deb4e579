"""Model folders from strangers: they load, or say in one line why not."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from timbrel.errors import BadModel
from timbrel.instruments import load
from timbrel.instruments.mel_vae import MelVAE, MelVAESettings
from timbrel.instruments.model_folder import (
    CONFIG,
    WEIGHTS,
    read_family,
    read_model_settings,
    read_weights,
    weights_hash,
    write_config,
    write_weights,
)

TINY = MelVAESettings(size="tiny", latent=3, crop=32)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    MelVAE(TINY).save(tmp_path / "model")
    return tmp_path / "model"


def one_line(error: BadModel) -> bool:
    return "\n" not in str(error) and len(str(error)) < 500


def test_settings_come_back(tmp_path: Path) -> None:
    write_config(tmp_path, "mel_vae", TINY)
    assert read_family(tmp_path) == "mel_vae"
    assert read_model_settings(tmp_path, MelVAESettings) == TINY


@pytest.mark.parametrize("half", [False, True])
def test_weights_come_back(tmp_path: Path, half: bool) -> None:
    """To the bit in full precision, to 11 bits in half, where the file has half the size."""
    network, other = MelVAE(TINY).network, MelVAE(TINY).network
    write_weights(tmp_path, network, half=half)
    read_weights(tmp_path, other)
    read = other.state_dict()
    for name, mine in network.state_dict().items():
        theirs = read[name]
        assert theirs.dtype == mine.dtype
        wanted = mine.half().float() if half else mine
        assert torch.equal(theirs, wanted)
    count = sum(p.numel() for p in network.parameters())
    assert (tmp_path / WEIGHTS).stat().st_size == pytest.approx(count * (2 if half else 4), rel=0.2)


def test_one_hash_before_shipping_as_shipped_and_as_loaded(tmp_path: Path) -> None:
    network = MelVAE(TINY).network
    before = weights_hash(network)
    write_weights(tmp_path, network, half=True)
    read_weights(tmp_path, network)
    assert weights_hash(network) == before
    with torch.no_grad():
        network.encoder.moments.bias[0] += 0.01
    assert weights_hash(network) != before


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("family = ", r"config\.toml is not valid TOML"),
        ("x = " + "[" * 9000, r"config\.toml is not valid TOML"),
        ("", r"config\.toml names no family: is it a training config\?$"),
        ('family = "mel_vae"\nformat = 2', r"has format 2, wanted 1: update timbrel$"),
        ('family = "mel_vae"', r"has format None, wanted 1"),
        ('family = "tuba"\nformat = 1', r"^no family 'tuba': there are"),
        ('family = "mel_vae"\nformat = 1\nmodel = 3', r"model = 3, wanted a table"),
        ("[model]\nzzzz = 9", r"unknown key 'zzzz', known keys: size, latent, crop"),
        ("[model]\nlatnt = 9", r"unknown key 'latnt', did you mean 'latent'\?$"),
        ("[model]\nlatent = -1", r"latent = -1: Input should be greater than or equal to 1$"),
        ("[model]\nlatent = 99999999999", r"latent = 99999999999: Input should be less than"),
        ("[model]\ncrop = 40", r"crop = 40: Input should be a multiple of 16$"),
        ("[model]\ncrop = 0", r"crop = 0: Input should be greater than or equal to 16$"),
        ('[model]\nsize = "huge"', r"size = 'huge': Input should be 'tiny', 'small' or 'base'$"),
    ],
    ids=lambda text: text[:40],
)
def test_a_config_that_cannot_be_used_is_refused(model: Path, config: str, message: str) -> None:
    head = 'family = "mel_vae"\nformat = 1\n' if config.startswith("[model]") else ""
    (model / CONFIG).write_text(head + config, encoding="utf-8")
    with pytest.raises(BadModel, match=message) as caught:
        load(model)
    assert one_line(caught.value)


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
def test_a_missing_file_is_named(model: Path, name: str) -> None:
    (model / name).unlink()
    with pytest.raises(BadModel, match=f"has no {name}"):
        load(model)


def changed(model: Path, name: str, tensor: torch.Tensor | None) -> None:
    state = load_file(model / WEIGHTS)
    del state[name]
    if tensor is not None:
        state[name] = tensor
    save_file(state, model / WEIGHTS)


NAME = "decoder.seed.bias"


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (None, rf"does not fit the settings \({NAME} differs\): use those that it was trained by$"),
        (torch.zeros(3), rf"does not fit the settings \({NAME} differs\)"),
        (torch.zeros(80).long(), rf"does not fit the settings \({NAME} differs\)"),
        (torch.zeros(80).cfloat(), rf"does not fit the settings \({NAME} differs\)"),
        (torch.full((80,), math.nan), rf"{NAME} holds NaN or infinity: train the model again$"),
        (torch.full((80,), math.inf).half(), rf"{NAME} holds NaN or infinity"),
        (torch.full((80,), math.nan).to(torch.float8_e4m3fn), rf"{NAME} holds NaN or infinity"),
        (torch.full((80,), 1e300, dtype=torch.float64), rf"{NAME} holds NaN or infinity"),
    ],
    ids=[
        "gone",
        "shape",
        "whole numbers",
        "complex",
        "nan",
        "infinity",
        "nan in 8 bits",
        "too large",
    ],
)
def test_weights_that_cannot_be_used_are_refused(model, tensor, message: str) -> None:
    changed(model, NAME, tensor)
    with pytest.raises(BadModel, match=message) as caught:
        load(model)
    assert one_line(caught.value)


def test_a_tensor_too_many_is_refused(model: Path) -> None:
    save_file(load_file(model / WEIGHTS) | {"extra": torch.zeros(1)}, model / WEIGHTS)
    with pytest.raises(BadModel, match=r"does not fit the settings \(extra differs\)"):
        load(model)


@pytest.mark.parametrize("kept", [0, 7, 8, 200, -1])
def test_truncated_weights_are_refused(model: Path, kept: int) -> None:
    path = model / WEIGHTS
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(BadModel, match=r"weights\.safetensors is damaged \(.*\): copy or train it"):
        load(model)


def test_a_pickle_is_never_read(model: Path) -> None:
    """What torch.save writes is refused, not run."""
    torch.save(MelVAE(TINY).network.state_dict(), model / WEIGHTS)
    with pytest.raises(BadModel, match=r"weights\.safetensors is damaged"):
        load(model)


@pytest.mark.parametrize("dtype", ["F4", "C64", "X9", 7])
def test_a_header_that_lies_about_its_numbers_is_refused(model: Path, dtype: object) -> None:
    path = model / WEIGHTS
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    header[NAME]["dtype"] = dtype
    told = json.dumps(header).encode()
    path.write_bytes(len(told).to_bytes(8, "little") + told + content[8 + size :])
    with pytest.raises(BadModel) as caught:
        load(model)
    assert one_line(caught.value)


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_mutated_weights_load_or_are_refused(model: Path, data: st.DataObject) -> None:
    content = bytearray((model / WEIGHTS).read_bytes())
    size = int.from_bytes(content[:8], "little") + 8
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, size - 1))] = data.draw(st.integers(0, 255))
    hurt = model.parent / "hurt"
    hurt.mkdir(exist_ok=True)
    (hurt / WEIGHTS).write_bytes(content)
    try:
        read_weights(hurt, MelVAE(TINY).network)
    except BadModel as error:
        assert one_line(error)  # noqa: PT017
