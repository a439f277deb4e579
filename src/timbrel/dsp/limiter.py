"""A soft limiter that looks ahead: the loudest peak stays under a ceiling, without clipping.

    |x| -> gain each sample needs -> sliding minimum -> slow release -> sliding mean -> gain
                                     (look-ahead)                      (look-ahead)

The mean of the minima can never be above the gain that any sample under it needs, so the ceiling
holds by construction, and the gain moves without corners. All channels share one gain, or a loud
left hand would pull the picture to the right.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from timbrel.dsp.compiling import kernel
from timbrel.errors import BadInput
from timbrel.units import db_to_amplitude

CEILING_DB = -0.3
KNEE_DB = 3.0
LOOK_AHEAD_S = 0.003
RELEASE_S = 0.1


class Limiter:
    """A limiter that is fed block by block and carries its state between them.

    Its output lags by `delay` samples, none without look-ahead; `flush` gives the rest. Whatever
    the block sizes, the blocks joined are what `soft_limit` makes of the whole.
    """

    def __init__(
        self,
        channels: int,
        sample_rate: int,
        *,
        ceiling_db: float = CEILING_DB,
        knee_db: float = KNEE_DB,
        look_ahead_s: float = LOOK_AHEAD_S,
        release_s: float = RELEASE_S,
    ) -> None:
        if not (math.isfinite(ceiling_db) and knee_db >= 0):
            raise BadInput(
                f"limiter: ceiling {ceiling_db:g} dB, knee {knee_db:g} dB: wanted finite"
            )
        self.channels = channels
        self.delay = max(0, round(look_ahead_s * sample_rate))
        self.ceiling = db_to_amplitude(ceiling_db)
        self.threshold = db_to_amplitude(ceiling_db - knee_db)
        self._release = 1.0 - math.exp(-1.0 / max(release_s * sample_rate, 1e-3))
        window = self.delay + 1
        self._waiting = np.zeros((channels, self.delay), np.float32)
        self._needed = np.ones(window)
        self._lowest = np.ones(window)
        # released gain, sum of the window of minima, position in the rings
        self._state = np.array([1.0, window, 0.0])

    def process(self, block: Float[Tensor, "channels time"]) -> Float[Tensor, "channels time"]:
        """The next block, limited: as many samples as went in, `delay` samples late.

        Samples that are not finite come out as silence.
        """
        if block.ndim != 2 or block.shape[0] != self.channels:
            raise BadInput(
                f"limiter: a block of shape {tuple(block.shape)}, wanted [{self.channels} time]"
            )
        return torch.from_numpy(self.limit(block.detach().cpu().float().numpy())).to(block)

    def limit(
        self, block: Float32[np.ndarray, "channels time"]
    ) -> Float32[np.ndarray, "channels _"]:
        """The same on an array, for those who must not wait for torch."""
        audio = np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0)
        joined = np.concatenate([self._waiting, audio], axis=1)
        peak = np.abs(audio).max(axis=0, initial=0.0).astype(np.float64)
        gain = np.empty(audio.shape[1])
        _gains(
            _needed_gain(peak, self.threshold, self.ceiling),
            self._needed, self._lowest, self._state, self._release, gain,
        )  # fmt: skip
        self._waiting = joined[:, audio.shape[1] :].copy()
        limited = (joined[:, : audio.shape[1]] * gain).astype(np.float32)
        # rounding to single precision may land a hair above
        return np.clip(limited, -self.ceiling, self.ceiling, out=limited)

    def flush(self) -> Float[Tensor, "channels time"]:
        """The last `delay` samples."""
        return self.process(torch.zeros(self.channels, self.delay))


def soft_limit(
    audio: Float[Tensor, "*channels time"],
    sample_rate: int = 44100,
    *,
    ceiling_db: float = CEILING_DB,
    knee_db: float = KNEE_DB,
    look_ahead_s: float = LOOK_AHEAD_S,
    release_s: float = RELEASE_S,
) -> Float[Tensor, "*channels time"]:
    """The same sound with no peak above the ceiling; its leading axes are linked channels.

    Sound that stays under `ceiling_db - knee_db` comes out as it went in; above that, peaks are
    bent towards the ceiling (tanh) and never reach it.

    Args:
        audio: mono [time] or [channels time].
        sample_rate: in Hz.
        ceiling_db: highest peak, dB under full scale.
        knee_db: how far below the ceiling the limiter begins to act.
        look_ahead_s: how early the gain moves before a peak.
        release_s: time constant of its way back.

    >>> loud = torch.sin(torch.arange(44100) * 0.05) * 4
    >>> round(soft_limit(loud, ceiling_db=-1.0).abs().max().item(), 3)
    0.891
    """
    flat = audio.reshape(math.prod(audio.shape[:-1]), audio.shape[-1])
    limiter = Limiter(
        len(flat), sample_rate, ceiling_db=ceiling_db, knee_db=knee_db,
        look_ahead_s=look_ahead_s, release_s=release_s,
    )  # fmt: skip
    late = torch.cat([limiter.process(flat), limiter.flush().to(flat)], dim=1)
    return late[:, limiter.delay :].reshape(audio.shape)


def _needed_gain(peak: np.ndarray, threshold: float, ceiling: float) -> np.ndarray:
    """1 under the threshold; above, what takes the peak to threshold + room * tanh(excess/room)."""
    room = max(ceiling - threshold, 1e-9)
    above = np.maximum(peak - threshold, 0.0)
    bent = np.minimum(peak, threshold) + room * np.tanh(above / room)
    return np.where(above > 0, bent / np.maximum(peak, 1e-12), 1.0)


@kernel(allocates=True, nogil=False)
def _gains(needed, needed_ring, lowest_ring, state, release, gain):
    window = len(needed_ring)
    released, total, place = state[0], state[1], int(state[2])
    smallest = needed_ring.min()
    for n in range(len(needed)):
        leaving = needed_ring[place]
        needed_ring[place] = needed[n]
        if needed[n] <= smallest:
            smallest = needed[n]
        elif leaving <= smallest:
            smallest = needed_ring.min()
        released = min(smallest, released + release * (1.0 - released))
        total += released - lowest_ring[place]
        lowest_ring[place] = released
        gain[n] = min(total / window, 1.0)
        place = (place + 1) % window
    state[0], state[1], state[2] = released, total, place
