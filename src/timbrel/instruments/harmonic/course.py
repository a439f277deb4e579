"""The course of a note: its tracks at a few moments, dense where much happens.

    onset                              key up
    | 4 ms apart ... 150 ms apart       | 4 ms apart ... 120 ms apart
    t = 0                   3.9 s       hold_s             + 0.95 s

The moments after the onset are the same for all notes: they are what the encoder hears. Those after
the release belong to each note. Between two moments the curves are averaged in dB, so that a slow
sampling does not pick out single beats.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.tracks.slots import Slots
from timbrel.dsp.tracks.tracks import Tracks

N_HEARD, N_RELEASE = 96, 24
LAST_S, LAST_RELEASE_S = 3.9, 0.95
_DENSE_S, _DENSE_RELEASE_S = 0.1, 0.08
QUIET_DB = -110.0
"""What is softer than this, re full scale, counts as this soft."""


class Course(NamedTuple):
    """A note, or a batch of notes, at some moments.

    Attributes:
        partial_db: amplitude of the harmonics in each of `Slots`.
        noise_db: RMS of the noise in each of `Bands`.
    """

    partial_db: Float[Tensor, "*batch moments slots"]
    noise_db: Float[Tensor, "*batch moments bands"]


def heard_moments() -> Float[Tensor, " moments"]:
    """Seconds after the onset of the moments that are heard.

    >>> heard_moments()[[0, 1, 47, 95]]
    tensor([0.0000, 0.0040, 0.5203, 3.9000])
    """
    return ever_wider(N_HEARD, _DENSE_S, LAST_S)


def release_moments() -> Float[Tensor, " moments"]:
    """Seconds after the release of the moments that follow it."""
    return ever_wider(N_RELEASE, _DENSE_RELEASE_S, LAST_RELEASE_S)


def course_of(tracks: Tracks, slots: Slots, moments_s: Float[Tensor, " moments"]) -> Course:
    """One note's course at rising moments; after the end of its tracks it is quiet."""
    partial_db = slots.pooled(tracks.harmonic_db).clamp_min(QUIET_DB)
    noise_db = tracks.noise_db.clamp_min(QUIET_DB)
    return Course(
        _averaged(partial_db, moments_s, tracks.frame_rate),
        _averaged(noise_db, moments_s, tracks.frame_rate),
    )


def _averaged(
    curves: Float[Tensor, "frames any"], moments_s: Float[Tensor, " moments"], frame_rate: float
) -> Float[Tensor, "moments any"]:
    """Mean of each curve from half-way to the moment before to half-way to the next.

    But over one frame at least. The curve runs linearly between frames; its integral is exact.
    """
    middle = (moments_s[1:] + moments_s[:-1]) / 2
    left = torch.cat([moments_s[:1], middle]) * frame_rate
    right = torch.cat([middle, moments_s[-1:]]) * frame_rate
    left, right = (
        torch.minimum(left, moments_s * frame_rate - 0.5),
        torch.maximum(right, moments_s * frame_rate + 0.5),
    )
    return (_integral(curves, right) - _integral(curves, left)) / (right - left)[:, None]


def _integral(
    curves: Float[Tensor, "frames any"], to_frame: Float[Tensor, " moments"]
) -> Float[Tensor, "moments any"]:
    """Integral of the curves from frame 0; before it the first value, behind the end quiet."""
    n_frames = len(curves)
    steps = (curves[1:] + curves[:-1]).double() / 2
    total = torch.cat([torch.zeros_like(curves[:1]).double(), steps.cumsum(0)])
    inside = to_frame.double().clamp(0, n_frames - 1)
    whole = inside.long().clamp(max=max(n_frames - 2, 0))
    share = (inside - whole)[:, None]
    first, second = curves[whole].double(), curves[(whole + 1).clamp(max=n_frames - 1)].double()
    within = total[whole] + share * (first + share * (second - first) / 2)
    before = to_frame.double().clamp(max=0)[:, None] * curves[0]
    behind = (to_frame.double() - (n_frames - 1)).clamp_min(0)[:, None] * QUIET_DB
    return (within + before + behind).float()


def ever_wider(count: int, dense_s: float, last_s: float) -> Float[Tensor, " moments"]:
    """From 0 to `last_s`, evenly spaced in log(1 + t / dense_s)."""
    steps = torch.linspace(0, math.log1p(last_s / dense_s), count)
    return dense_s * steps.expm1()
