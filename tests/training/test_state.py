"""What is written comes back to the bit, laid out in memory as it was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from torch import nn

from timbrel.errors import BadModel
from timbrel.training.running import state


def make(seed: int) -> tuple[nn.Module, torch.optim.AdamW]:
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6), nn.Conv2d(6, 2, 3))
    net = net.to(memory_format=torch.channels_last)
    return net, torch.optim.AdamW(net.parameters(), lr=0.01, fused=True)


def step(net: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    generator = torch.Generator().manual_seed(1)
    loss = net(torch.randn(2, 4, 8, 8, generator=generator)).square().mean()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()


def test_an_optimiser_goes_on_to_the_bit_with_channels_last(tmp_path: Path) -> None:
    net, optimizer = make(0)
    step(net, optimizer)
    tensors = state.module_tensors(net) | state.optimizer_tensors("train", optimizer)
    state.write_state(tmp_path / "s.safetensors", tensors, {"step": 1})

    other, other_optimizer = make(1)
    read, facts = state.read_state(tmp_path / "s.safetensors")
    state.load_module(other, read)
    state.load_optimizer("train", other_optimizer, read)
    assert facts == {"step": 1}
    moment = other_optimizer.state[other[0].weight]["exp_avg"]
    assert moment.stride() == other[0].weight.stride() != moment.contiguous().stride()
    for _ in range(3):
        step(net, optimizer)
        step(other, other_optimizer)
    for mine, theirs in zip(net.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.equal(mine, theirs)


def test_floats_among_the_facts_survive_exactly(tmp_path: Path) -> None:
    facts = {"window": {"loss": (0.1 + 0.2, 3.0)}, "best": None, "seconds": 1e-17}
    state.write_state(tmp_path / "s.safetensors", {}, facts)
    read = state.read_facts(tmp_path / "s.safetensors")
    assert read["window"]["loss"] == [0.1 + 0.2, 3.0]
    assert read["seconds"] == 1e-17


@pytest.mark.parametrize("content", [b"", b"\x80\x04pickle", b"\xff" * 100])
def test_a_damaged_state_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "s.safetensors"
    path.write_bytes(content)
    for read in (state.read_state, state.read_facts):
        with pytest.raises(BadModel, match=r"s\.safetensors is damaged \(.*\): remove it to start"):
            read(path)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
def test_others_may_read_what_the_umask_lets_them(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        state.write_state(tmp_path / "s.safetensors", {"a": torch.zeros(1)}, {})
    finally:
        os.umask(before)
    assert (tmp_path / "s.safetensors").stat().st_mode & 0o777 == 0o644
