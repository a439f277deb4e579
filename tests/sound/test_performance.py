"""Performances refuse curves that no instrument can follow."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from timbrel.errors import BadInput
from timbrel.sound import Performance

CURVE = torch.ones(10)
MELODY = Performance(220 * CURVE, -20 * CURVE, CURVE, 200.0)


@pytest.mark.parametrize(
    ("curve", "message"),
    [
        ({"f0_hz": -CURVE}, r"f0_hz is -1, wanted 0 to 1e\+07"),
        ({"f0_hz": math.inf * CURVE}, "f0_hz is inf"),
        ({"loudness_db": 1e6 * CURVE}, r"loudness_db is 1e\+06, wanted -400 to 200"),
        ({"loudness_db": math.nan * CURVE}, "loudness_db is nan"),
        ({"confidence": 1.5 * CURVE}, "confidence is 1.5, wanted 0 to 1"),
    ],
)
def test_what_is_no_curve_is_refused(curve: dict, message: str) -> None:
    with pytest.raises(BadInput, match=f"^performance: {message}"):
        replace(MELODY, **curve)


@pytest.mark.parametrize("rate", [0, -1.0, math.nan, 1e-6, 1e12])
def test_what_is_no_frame_rate_is_refused(rate: float) -> None:
    with pytest.raises(BadInput, match=r"frame_rate is .*, wanted 1 to 10000 a second$"):
        replace(MELODY, frame_rate=rate)


def test_curves_come_out_in_single_precision() -> None:
    wide = Performance(220 * CURVE.double(), -20 * CURVE.half(), CURVE, 100)
    assert {wide.f0_hz.dtype, wide.loudness_db.dtype} == {torch.float32}
    assert torch.equal(wide.f0_hz, MELODY.f0_hz)
