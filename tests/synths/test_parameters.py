"""Knobs by name and vectors of them are one thing said twice."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from timbrel.errors import BadInput
from timbrel.sound import Control, Kind
from timbrel.synths import Parameters

KNOBS = Parameters((
    Control("cutoff", "Hz", 20.0, 20000.0, 200.0, "log"),
    Control("octave", "", -3, 4, 0, choices=tuple(map(str, range(-3, 5)))),
    Control("mix", "", -1.0, 1.0, 0.0),
))  # fmt: skip


def test_there_and_back() -> None:
    vector = KNOBS.vector({"cutoff": 2000.0, "octave": 2})
    torch.testing.assert_close(vector, torch.tensor([2 / 3, 5.0, 0.5]))
    assert KNOBS.values(vector) == pytest.approx({"cutoff": 2000.0, "octave": 2.0, "mix": 0.0})


def test_values_are_as_short_as_people_write_them() -> None:
    said = {"cutoff": 786.4, "octave": 1.0, "mix": -0.3}
    assert KNOBS.values(KNOBS.vector(said)) == said
    vectors = torch.rand(100, 3, generator=torch.Generator().manual_seed(0))
    for vector in KNOBS.space.project(vectors):
        assert torch.equal(KNOBS.vector(KNOBS.values(vector)), vector)


def test_what_is_out_of_range_is_brought_to_its_end() -> None:
    assert KNOBS.vector({"octave": 9, "mix": -7.0}).tolist()[1:] == [7.0, 0.0]
    assert KNOBS.values(torch.tensor([2.0, 4.4, -1.0])) == pytest.approx(
        {"cutoff": 20000.0, "octave": 1.0, "mix": -1.0}
    )


def test_a_switch_mixes_by_its_nearer_corner() -> None:
    assert [d.kind for d in KNOBS.space.dimensions] == [Kind.RANGE, Kind.CHOICE, Kind.RANGE]
    assert KNOBS.is_switch.tolist() == [False, True, False]
    low, high = KNOBS.vector({"octave": -3, "mix": -1}), KNOBS.vector({"octave": 4, "mix": 1})
    mixed = KNOBS.space.mix(torch.stack([low, high]), torch.tensor([0.4, 0.6]))
    torch.testing.assert_close(mixed[1:], torch.tensor([7.0, 0.6]))


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(BadInput, match="no parameter 'cutof': did you mean 'cutoff'"):
        KNOBS.vector({"cutof": 1.0})
    with pytest.raises(BadInput, match="parameter mix is nan, wanted a number"):
        KNOBS.vector({"mix": float("nan")})
    with pytest.raises(BadInput, match="2 choices from 0 to 2"):
        Control("wave", "", 0, 2, 0, choices=("a", "b"))


@pytest.mark.parametrize(
    ("knobs", "line"),
    [
        ({"mix": "loud"}, "parameter mix is 'loud', wanted a number"),
        ({"mix": "0.5"}, "parameter mix is '0.5', wanted a number"),
        ({"mix": None}, "parameter mix is None, wanted a number"),
        ({"mix": [1.0]}, r"parameter mix is \[1.0\], wanted a number"),
        ({"mix": torch.zeros(2)}, r"parameter mix is tensor\(\[0., 0.\]\), wanted a number"),
        ({"mix": 10**400}, "parameter mix is 1000.*0, wanted a number"),
        ({"octave": float("inf")}, "parameter octave is inf, wanted a number"),
        ({5: 1.0}, "no parameter 5: there are cutoff, octave, mix"),
        ({"x" * 9999: 1.0}, "no parameter '" + "x" * 59 + ": there are"),
        ("mix", "the knobs are str, wanted a mapping of numbers by their names"),
        (None, "the knobs are NoneType, wanted a mapping"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_knobs_that_cannot_be_are_one_line(knobs: Any, line: str) -> None:
    with pytest.raises(BadInput, match=line) as caught:
        KNOBS.vector(knobs)
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize(
    ("vector", "line"),
    [
        (torch.zeros(2), r"the patch is of shape \[2\], wanted a tensor of shape \[3\]"),
        (torch.zeros(2, 3), r"of shape \[2, 3\], wanted a tensor of shape \[3\]"),
        (torch.zeros(()), r"of shape \[\], wanted"),
        ([0.0, 0.0, 0.0], "the patch is list, wanted a tensor"),
        (torch.tensor([0.0, torch.nan, 0.0]), "the patch holds NaN or infinity"),
        (torch.tensor([0.0, 0.0, torch.inf]), "the patch holds NaN or infinity"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_a_vector_that_cannot_be_is_one_line(vector: Any, line: str) -> None:
    with pytest.raises(BadInput, match=line):
        KNOBS.values(vector)
