"""The last step to a sound card: a gain without steps, a limiter, and nothing that is no number."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from timbrel.dsp.limiter import Limiter
from timbrel.live.meter import Meter

_TINY = np.float32(1e-30)
"""Below it a number is on its way to a denormal, on which processors are slow."""


class Levelling:
    """Levels blocks, and knows how the last one ended.

    Args:
        sample_rate: of the blocks, in Hz.
        gain: with which the first begins.
    """

    def __init__(self, sample_rate: int, gain: float) -> None:
        self._limiter = Limiter(1, sample_rate, look_ahead_s=0.0)
        self._last_gain = gain

    def level(self, out: Float32[np.ndarray, " time"], gain: float, meter: Meter) -> None:
        """Bring a block to its level, in place."""
        silence_what_is_no_number(out, meter)
        out[np.abs(out) < _TINY] = 0.0
        if gain == self._last_gain:
            out *= np.float32(gain)
        else:
            out *= np.linspace(self._last_gain, gain, len(out), dtype=np.float32)
        self._last_gain = gain
        out[:] = self._limiter.limit(out[None])[0]


def silence_what_is_no_number(block: Float32[np.ndarray, " time"], meter: Meter) -> None:
    """Have NaN and infinity be silence, and count the block."""
    if not np.isfinite(block).all():
        block[~np.isfinite(block)] = 0.0
        meter.not_finite += 1
