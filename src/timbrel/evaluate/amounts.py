"""How much of a quality a sound has, as a number that can grow: what directions are measured by.

The same quantities decide NSynth's yes-or-no qualities (`data.qualities`); here they stay numbers,
so that "+ bright" can be held to raising them in every single note.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.data import qualities
from timbrel.dsp.stft import stft

_DEEPEST_RELEASE_DB = 60.0


@dataclass(frozen=True)
class Amount:
    """A quality's measure.

    Attributes:
        measure: from notes, the seconds that each was held, and their sample rate.
        unit: of the measure.
        rises: whether more of the quality means a larger measure.
    """

    measure: Callable[[Tensor, Tensor, int], Tensor]
    unit: str
    rises: bool = True

    def of(
        self,
        audio: Float[Tensor, "notes time"],
        hold_s: Float[Tensor, " notes"],
        sample_rate: int,
    ) -> Float[Tensor, " notes"]:
        """The measure with its sign turned such that more is more."""
        measured = self.measure(audio, hold_s, sample_rate)
        return measured if self.rises else -measured


def _centroid_octaves(audio: Tensor, hold_s: Tensor, sample_rate: int) -> Tensor:  # noqa: ARG001
    return qualities.centroid_hz(audio, sample_rate).clamp_min(1.0).log2()


def _burst_db(audio: Tensor, hold_s: Tensor, sample_rate: int) -> Tensor:  # noqa: ARG001
    return qualities.burst_db(audio, sample_rate)


def _attack_octaves(audio: Tensor, hold_s: Tensor, sample_rate: int) -> Tensor:  # noqa: ARG001
    """From 20 to 3 dB under the maximum, between the 10 ms frames."""
    level_db = qualities.envelope_db(audio, sample_rate)
    below_db = level_db.amax(1, keepdim=True) - level_db
    seconds = (_first_below(below_db, 3.0) - _first_below(below_db, 20.0)) * 0.01
    return seconds.clamp_min(1e-3).log2()


def _first_below(below_db: Tensor, distance_db: float) -> Float[Tensor, " notes"]:
    """The frame, with its fraction, at which a distance is first undercut."""
    last = (below_db <= distance_db).float().argmax(1)
    before = (last - 1).clamp_min(0)
    high = below_db.gather(1, before[:, None])[:, 0]
    low = below_db.gather(1, last[:, None])[:, 0]
    share = ((high - distance_db) / (high - low).clamp_min(1e-6)).clamp(0, 1)
    return torch.where(last > 0, before + share, 0.0)


def _fall_db(audio: Tensor, hold_s: Tensor, sample_rate: int) -> Tensor:
    return qualities.fall_db(qualities.envelope_db(audio, sample_rate), hold_s)


def _release_db(audio: Tensor, hold_s: Tensor, sample_rate: int) -> Tensor:
    fallen = qualities.release_db(qualities.envelope_db(audio, sample_rate), hold_s)
    return fallen.clamp(max=_DEEPEST_RELEASE_DB)


def _rise_db(audio: Tensor, hold_s: Tensor, sample_rate: int) -> Tensor:
    return qualities.rise_db(qualities.envelope_db(audio, sample_rate), hold_s)


def _flatness_db(audio: Tensor, hold_s: Tensor, sample_rate: int) -> Tensor:  # noqa: ARG001
    """Geometric over arithmetic mean of the power below 8 kHz, over frames within 30 dB."""
    power = stft(audio, 1024, 256).abs().square()
    power = power[:, : 1 + int(8000.0 / sample_rate * 1024)]
    energy = power.sum(1)
    loud = energy > energy.amax(1, keepdim=True) * 1e-3
    floor = power.amax((1, 2), keepdim=True) * 1e-8 + 1e-20
    power = power + floor
    flatness_db = 10 * (power.log10().mean(1) - power.mean(1).log10())
    return (flatness_db * loud).sum(1) / loud.sum(1).clamp_min(1)


AMOUNTS: dict[str, Amount] = {
    "bright": Amount(_centroid_octaves, "octaves"),
    "dark": Amount(_centroid_octaves, "octaves", rises=False),
    "percussive": Amount(_burst_db, "dB"),
    "soft": Amount(_burst_db, "dB", rises=False),
    "fast_decay": Amount(_fall_db, "dB"),
    "sustained": Amount(_fall_db, "dB", rises=False),
    "long_release": Amount(_release_db, "dB", rises=False),
    "slow_attack": Amount(_attack_octaves, "octaves"),
    "noisy": Amount(_flatness_db, "dB"),
    "nonlinear_env": Amount(_rise_db, "dB"),
}
"""The qualities that a sound's own samples tell, by their directions' names."""
