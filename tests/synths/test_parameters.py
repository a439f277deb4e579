"""Knobs by name and vectors of them are one thing said twice."""

from __future__ import annotations

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
