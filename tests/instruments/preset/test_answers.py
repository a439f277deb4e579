"""What an answer says of knobs as one number each: the one that is nearest to what it may mean."""

from __future__ import annotations

import pytest
import torch

from timbrel.instruments.preset.answers import Answer, drawn
from timbrel.sound import Control
from timbrel.synths import Parameters

SPACE = Parameters((Control("filter_cutoff", "", 0.0, 1.0, 0.3),)).space


def answer(odds: float, place: float = 0.6, spread: float = 0.05) -> Answer:
    """Of one knob that rests at 0.3."""
    one = torch.ones(1, 1)
    return Answer(
        place * one, spread * one, torch.logit(odds * one), torch.tensor([0.3]),
        torch.zeros(1, 0), torch.ones(1),
    )  # fmt: skip


@pytest.mark.parametrize("odds", [0.2, 0.55, 0.7, 0.95])
@pytest.mark.parametrize("place", [0.1, 0.32, 0.6])
def test_no_other_place_is_nearer_to_what_an_answer_may_mean(odds: float, place: float) -> None:
    said = answer(odds, place)
    meant = drawn(SPACE, said, 20_000, torch.Generator().manual_seed(0))

    worth = torch.where(meant == 0.3, 1.0, 7 / 3)

    def distance(knob: float) -> float:
        return float((worth * (meant - knob).abs()).mean())

    best = min(distance(knob) for knob in torch.linspace(0, 1, 201).tolist())
    assert distance(float(said.knobs)) <= best + 1e-3


def test_who_is_sure_says_the_place_itself_and_who_doubts_the_rest() -> None:
    assert float(answer(1.0).knobs) == pytest.approx(0.6, abs=1e-6)
    assert float(answer(0.29).knobs) == float(torch.tensor(0.3))
