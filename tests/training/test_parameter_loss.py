"""ParameterLoss and triplets: zero where they should be, and worth what is asked."""

from __future__ import annotations

import math

import pytest
import torch

from timbrel.instruments.preset.answers import Answer
from timbrel.sound import Control
from timbrel.synths import Parameters
from timbrel.training.preset.parameter_loss import (
    ParameterLoss,
    ParameterLossSettings,
    triplet_loss,
)

SPACE = Parameters((
    Control("filter_cutoff", "", 0.0, 1.0, 0.5),
    Control("wave", "", 0, 2, 0, choices=("a", "b", "c")),
    Control("amp_decay", "", 0.0, 1.0, 0.5),
)).space  # fmt: skip
VECTORS = torch.tensor([[0.2, 1.0, 0.9], [0.7, 2.0, 0.1]])
HELD_S = torch.tensor([1.0, 2.0])
REST = torch.tensor([0.5, 0.5])


def answer(off: float = 0.0, spread: float = 0.5) -> Answer:
    """The truth, but for `off` at the first knob."""
    place = VECTORS[:, [0, 2]] + torch.tensor([off, 0.0])
    logits = 20.0 * torch.nn.functional.one_hot(VECTORS[:, 1].long(), 3).float()
    sure = torch.full_like(place, 20.0)
    return Answer(place, torch.full_like(place, spread), sure, REST, logits, HELD_S)


def test_the_truth_costs_what_its_doubts_cost() -> None:
    losses = ParameterLoss(SPACE)(answer(), VECTORS, HELD_S)
    assert float(losses["loss"]) == pytest.approx(math.log(2 * 0.5), abs=1e-6)
    surer = ParameterLoss(SPACE)(answer(spread=0.01), VECTORS, HELD_S)
    assert float(surer["loss"]) == pytest.approx(math.log(0.02), abs=1e-6)
    assert (float(losses["knob_mae"]), float(losses["switch_accuracy"])) == (0.0, 1.0)


def test_the_best_spread_is_the_mean_error() -> None:
    loss = ParameterLoss(SPACE)
    costs = {s: float(loss(answer(0.1, s), VECTORS, HELD_S)["loss"]) for s in (0.03, 0.05, 0.08)}
    # an error of 0.1 and one of 0: 0.05 on average
    assert min(costs, key=costs.__getitem__) == 0.05


def test_where_a_knob_stands_that_nobody_touched_costs_nothing_but_the_doubt() -> None:
    vectors = VECTORS.clone()
    vectors[:, 2] = 0.5
    said = answer(spread=0.5)
    touched = torch.tensor([[20.0, -1.0], [20.0, -1.0]])
    losses = ParameterLoss(SPACE)(said._replace(touched=touched), vectors, HELD_S)
    assert float(losses["loss"]) == pytest.approx(math.log1p(math.exp(-1)) / 2, abs=1e-6)
    assert float(losses["knob_mae"]) == 0.0


def test_what_is_heard_more_is_worth_more_and_components_as_asked() -> None:
    heard = {"filter_cutoff": 4.0, "wave": 1.0, "amp_decay": 1.0}
    worth = ParameterLoss(SPACE, ParameterLossSettings(heard=0.5), heard).worth
    assert float(worth[0] / worth[2]) == pytest.approx(2.0)
    assert float(worth.mean()) == pytest.approx(1.0)
    by_name = ParameterLossSettings(components={"amp": 3.0})
    assert float(ParameterLoss(SPACE, by_name).worth[2]) == pytest.approx(3 * 3 / 5)


def test_a_lost_note_costs_nothing_but_its_hold() -> None:
    wrong = answer()._replace(held_s=HELD_S * math.e)
    loss = ParameterLoss(SPACE, ParameterLossSettings(hold=0.5))(wrong, VECTORS, HELD_S)["loss"]
    assert float(loss) == pytest.approx(0.5, abs=1e-5)


def test_triplets_are_pulled_together_until_others_are_further_by_the_margin() -> None:
    patch = torch.tensor([0, 0, 1, 1])
    angle = torch.tensor([0.0, 0.1, 1.5, 1.6])
    points = torch.stack([angle.cos(), angle.sin()], dim=1).requires_grad_()
    assert triplet_loss(points, patch, 0.3).item() == 0.0
    mixed = triplet_loss(points[[0, 2, 1, 3]], patch, 0.3)
    assert mixed.item() > 0.8
    mixed.backward()
    assert points.grad is not None
    assert float(points.grad.abs().sum()) > 0


def test_sounds_without_a_partner_count_for_nothing() -> None:
    assert float(triplet_loss(torch.eye(3), torch.tensor([0, 1, 2]), 0.3)) == 0.0
