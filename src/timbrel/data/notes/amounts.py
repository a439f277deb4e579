"""How much of a quality a sound has, as a number that can grow: what directions are measured by.

Such quantities decide NSynth's yes-or-no qualities (`qualities.py`); here they stay numbers, so
that "+ bright" can be held to raising them in every single note.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.data.notes import qualities
from timbrel.dsp.descriptors import attack_s, spectral_centroid_hz, spectral_flatness
from timbrel.units import power_to_db


@dataclass(frozen=True)
class Amount:
    """A quality's measure.

    Attributes:
        measure: from notes, the seconds that each was held, and their sample rate.
        unit: of the measure.
        rises: whether more of the quality means a larger measure.
        most: notes that have so much of it (in `of`'s sign) have no room for more.
    """

    measure: Callable[[Tensor, Tensor, int], Tensor]
    unit: str
    rises: bool = True
    most: float = math.inf

    def of(
        self,
        audio: Float[Tensor, "notes time"],
        hold_s: Float[Tensor, " notes"],
        sample_rate: int,
    ) -> Float[Tensor, " notes"]:
        """The measure with its sign turned such that more is more; NaN where it makes no sense."""
        measured = self.measure(audio, hold_s, sample_rate)
        return measured if self.rises else -measured

    def growth(
        self, plain: Float[Tensor, " notes"], moved: Float[Tensor, " notes"]
    ) -> Float[Tensor, " notes"]:
        """By how much it grew; NaN for notes that had no room."""
        return torch.where(plain < self.most, moved - plain, torch.nan)


def _centroid_octaves(audio: Tensor, hold_s: Tensor, sample_rate: int) -> Tensor:  # noqa: ARG001
    return spectral_centroid_hz(audio, sample_rate).clamp_min(1.0).log2()


def _attack_octaves(audio: Tensor, hold_s: Tensor, sample_rate: int) -> Tensor:  # noqa: ARG001
    return attack_s(audio, sample_rate).clamp_min(1e-3).log2()


def _flatness_db(audio: Tensor, hold_s: Tensor, sample_rate: int) -> Tensor:  # noqa: ARG001
    return power_to_db(spectral_flatness(audio).clamp_min(1e-12))


def _burst_db(audio: Tensor, hold_s: Tensor, sample_rate: int) -> Tensor:  # noqa: ARG001
    return qualities.burst_db(audio, sample_rate)


def _fall_db(audio: Tensor, hold_s: Tensor, sample_rate: int) -> Tensor:
    return qualities.fall_db(qualities.envelope_db(audio, sample_rate), hold_s)


def _release_db(audio: Tensor, hold_s: Tensor, sample_rate: int) -> Tensor:
    fallen = qualities.release_db(qualities.envelope_db(audio, sample_rate), hold_s)
    return torch.where(fallen.isinf(), torch.nan, fallen)  # over by key-up: nothing is released


def _rise_db(audio: Tensor, hold_s: Tensor, sample_rate: int) -> Tensor:
    return qualities.rise_db(qualities.envelope_db(audio, sample_rate), hold_s)


AMOUNTS: dict[str, Amount] = {
    "bright": Amount(_centroid_octaves, "octaves"),
    "dark": Amount(_centroid_octaves, "octaves", rises=False),
    "percussive": Amount(_burst_db, "dB"),
    "soft": Amount(_burst_db, "dB", rises=False),
    "fast_decay": Amount(_fall_db, "dB"),
    "sustained": Amount(_fall_db, "dB", rises=False, most=-3.0),
    "long_release": Amount(_release_db, "dB", rises=False, most=-3.0),
    "slow_attack": Amount(_attack_octaves, "octaves"),
    "noisy": Amount(_flatness_db, "dB"),
    "nonlinear_env": Amount(_rise_db, "dB"),
}
"""The qualities that a sound's own samples tell, by their directions' names."""
