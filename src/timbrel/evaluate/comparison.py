"""One rendered note beside the true one: a row of distances, and their means as figures."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.descriptors import attack_s
from timbrel.dsp.distances import (
    level_error_db,
    log_mel_l1_db,
    mss_db,
    pitch_accuracy,
    rms_cosine,
    sot_hz,
    wmfcc,
)

SAMPLE_RATE = 16000
"""All figures are taken at this rate, in Hz: log-mel L1 is defined at it."""

TRACKS = 0.8
"""A true note whose label pYIN confirms in this share of its frames counts for pitch accuracy."""

_MEDIANS = ("attack_error_ms",)

Row = Mapping[str, float]


def compare(audio: Float[Tensor, " time"], target: Float[Tensor, " _"]) -> dict[str, float]:
    """Distances of a sound from the true one; `level_error_db` and `attack_error_ms` unsigned."""
    return headlines(audio, target) | {
        "level_error_db": abs(float(level_error_db(audio, target))),
        "wmfcc": wmfcc(audio, target, SAMPLE_RATE),
        "sot_hz": float(sot_hz(audio, target, SAMPLE_RATE)),
        "rms_cosine": float(rms_cosine(audio, target)),
    }


def headlines(audio: Float[Tensor, " time"], target: Float[Tensor, " _"]) -> dict[str, float]:
    """The distances that are told of every interval: a fifth of the work of all."""
    attack_ms = [1000 * float(attack_s(sound, SAMPLE_RATE)) for sound in (audio, target)]
    return {
        "mss": float(mss_db(audio, target, SAMPLE_RATE)),
        "log_mel_l1": float(log_mel_l1_db(audio, target)),
        "attack_error_ms": abs(attack_ms[0] - attack_ms[1]),
    }


def heard_pitch(audio: Float[Tensor, " time"], pitch: float) -> float:
    """Share of loud frames within 50 cents of the pitch, by pYIN; 0 for silence."""
    return pitch_accuracy(audio, SAMPLE_RATE, pitch)


def means(rows: Sequence[Row]) -> dict[str, float]:
    """The mean of each column over the rows that have it; NaN in a row leaves that row out.

    Of attack errors it is the median: a slow beating moves the 90 % point by half a second.

    >>> means([{"mss": 1.0}, {"mss": 3.0}, {"mss": math.nan}])
    {'mss': 2.0}
    """
    figures: dict[str, float] = {}
    for key in dict.fromkeys(key for row in rows for key in row):
        values = [row[key] for row in rows if key in row and not math.isnan(row[key])]
        average = statistics.median if key in _MEDIANS else statistics.fmean
        figures[key] = average(values) if values else math.nan
    return figures
