"""Learning rates, by numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from timbrel.training.running.schedule import learning_rate_factor
from timbrel.training.settings import LoopSettings


def factors(*steps: int, **settings: object) -> list[float]:
    loop = LoopSettings(**{"steps": 110, "warmup_steps": 10} | settings)
    return [learning_rate_factor(step, loop) for step in steps]


def test_the_rise_is_linear_and_its_first_step_moves() -> None:
    assert factors(0, 4, 9, 10) == pytest.approx([0.1, 0.5, 1.0, 1.0], abs=1e-12)


def test_cosine() -> None:
    third = (1 + math.cos(math.pi / 4)) / 2
    assert factors(10, 35, 60, 110) == pytest.approx([1.0, third, 0.5, 0.0], abs=1e-12)
    assert factors(60, 110, 999, final_learning_rate=0.1) == pytest.approx([0.55, 0.1, 0.1])


def test_cosine_agrees_with_torch() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=100)
    for step in range(100):
        ours = learning_rate_factor(step, LoopSettings(steps=100, warmup_steps=0))
        assert ours == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-9)
        optimizer.step()
        theirs.step()


def test_linear_and_constant() -> None:
    assert factors(10, 35, 110, schedule="linear") == pytest.approx([1.0, 0.75, 0.0])
    assert factors(10, 35, 110, schedule="constant") == [1.0, 1.0, 1.0]


def test_a_run_shorter_than_its_rise() -> None:
    assert factors(0, 1, steps=2, warmup_steps=4) == [0.25, 0.5]
    assert factors(0, steps=1, warmup_steps=0) == [1.0]
