from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from timbrel.errors import BadInput
from timbrel.sound import Control

FEW = settings(deadline=None, max_examples=30)

CUTOFF = Control("cutoff", "Hz", 20.0, 20000.0, 1000.0, "log")
DETUNE = Control("detune", "cents", -50.0, 50.0, 0.0)


def test_a_straight_knob_reads_halfway_in_the_middle() -> None:
    assert [DETUNE.from_knob(p) for p in (0.0, 0.25, 0.5, 1.0)] == [-50.0, -25.0, 0.0, 50.0]


def test_a_log_knob_travels_as_far_for_each_decade() -> None:
    for position, hz in ((0.0, 20.0), (1 / 3, 200.0), (2 / 3, 2000.0), (1.0, 20000.0)):
        assert CUTOFF.from_knob(position) == pytest.approx(hz, rel=1e-12)
        assert CUTOFF.to_knob(hz) == pytest.approx(position, abs=1e-12)


@FEW
@given(
    st.floats(1e-12, 1e6), st.floats(1.001, 1e6), st.floats(-0.5, 1.5),
    st.sampled_from(["linear", "log"]),
)  # fmt: skip
def test_a_knob_stays_in_its_range_and_comes_back(low, span, position, curve) -> None:
    control = Control("k", "", low, low * span, low, curve)
    value = control.from_knob(position)
    assert control.minimum <= value <= control.maximum
    assert control.to_knob(value) == pytest.approx(min(max(position, 0), 1), abs=1e-6)


def test_the_ends_of_a_log_knob_are_exact() -> None:
    """A third has no end: no rounding may push a value over the edge."""
    control = Control("k", "s", 1 / 3, 1e5 / 3, 1.0, "log")
    assert control.from_knob(0) == control.minimum
    assert control.from_knob(1) == pytest.approx(control.maximum, rel=1e-15)


@pytest.mark.parametrize(
    ("value", "held"), [(-60, -50), (60, 50), (3.5, 3.5), (math.nan, 0.0), (math.inf, 50)]
)
def test_values_are_held_to_the_range(value: float, held: float) -> None:
    assert DETUNE.clip(value) == held


@pytest.mark.parametrize(
    ("control", "message"),
    [
        (("k", "", 1.0, 1.0, 1.0), "control k: minimum 1.0 is not below its maximum"),
        (("k", "", math.nan, 1.0, 1.0), "control k: minimum nan is not below its maximum"),
        (("k", "Hz", 0.0, 1.0, 1.0, "log"), "control k: a log curve needs a minimum above 0"),
    ],
)
def test_a_range_without_room_is_refused(control: tuple, message: str) -> None:
    with pytest.raises(BadInput, match=f"^{message}$"):
        Control(*control)
