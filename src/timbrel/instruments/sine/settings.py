"""What a `sine` is made of: its envelope, its level, and what its timbre means."""

from __future__ import annotations

from pydantic import Field

from timbrel.config import Settings
from timbrel.sound import Dimension, Kind, TimbreSpace

N_HARMONICS = 4
TIMBRE_SPACE = TimbreSpace((Dimension("harmonic", Kind.RANGE, N_HARMONICS),))


class SineSettings(Settings):
    """Settings of the family."""

    sample_rate: int = Field(default=16000, ge=1000, le=384000)
    attack_s: float = Field(default=0.005, gt=0, le=10)
    release_s: float = Field(default=0.02, gt=0, le=10)
    level: float = Field(default=0.5, ge=0, le=1)
