"""The moving average, by its closed form."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from timbrel.training.running.ema import MovingAverage


def test_the_average_follows_its_recursion_with_a_warm_start() -> None:
    module = nn.Linear(2, 2)
    average = MovingAverage(module, decay=0.5)
    expected = module.weight.detach().clone().double()
    for step in range(20):
        with torch.no_grad():
            module.weight.add_(torch.randn(2, 2))
        average.update(step)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * module.weight.detach().double()
    assert torch.allclose(average.weights["weight"].double(), expected, atol=1e-5)


def test_constant_weights_stay_and_a_step_approaches_geometrically() -> None:
    module = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(module.weight)
    average = MovingAverage(module, decay=0.9)
    nn.init.ones_(module.weight)
    late = 10_000
    values = []
    for step in range(late, late + 3):
        average.update(step)
        values.append(average.weights["weight"].item())
    assert values == pytest.approx([0.1, 0.19, 0.271], abs=1e-6)


def test_no_decay_is_the_weights_themselves() -> None:
    module = nn.Linear(3, 3)
    average = MovingAverage(module, decay=0.0)
    nn.init.normal_(module.weight)
    average.update(0)
    assert torch.equal(average.weights["weight"], module.weight.detach())


def test_applied_swaps_to_the_bit_and_back() -> None:
    module = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    average = MovingAverage(module, decay=0.9)
    with torch.no_grad():
        module[0].weight.add_(1.0)
    average.update(100)
    weight = module[0].weight.detach().clone()
    held = average.weights["0.weight"].clone()
    with average.applied():
        assert not module.training
        assert torch.equal(module[0].weight, held)
        assert not torch.equal(module[0].weight, weight)
    assert module.training
    assert torch.equal(module[0].weight, weight)
    assert torch.equal(average.weights["0.weight"], held)


def test_frozen_weights_are_left_out() -> None:
    module = nn.Linear(2, 2)
    module.bias.requires_grad_(False)
    assert list(MovingAverage(module, 0.9).weights) == ["weight"]
