"""Smooth features of pitch and time, so that small networks need not learn to count."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

N_PITCH_FEATURES = 9
N_TIME_FEATURES = 9


def pitch_features(pitch: Float[Tensor, " batch"]) -> Float[Tensor, "batch features"]:
    """Height on [-1, 1] over the piano's range, and four octaves of its sine and cosine.

    >>> pitch_features(torch.tensor([64.5]))[0, 0].item()
    0.0
    """
    height = (pitch - 64.5)[:, None] / 43.5
    angles = height * math.pi * torch.tensor([0.5, 1.0, 2.0, 4.0], device=pitch.device)
    return torch.cat([height, angles.sin(), angles.cos()], dim=1)


def duration_feature(duration_s: Float[Tensor, " batch"]) -> Float[Tensor, "batch 1"]:
    """How long a note is held, on a logarithmic scale: -1 at 0 s, about 0.64 at 3 s.

    >>> duration_feature(torch.tensor([0.0]))
    tensor([[-1.]])
    """
    return (duration_s[:, None] / 0.05).log1p() / 2.5 - 1


def time_features(
    times_s: Float[Tensor, "batch frames"], duration_s: Float[Tensor, " batch"]
) -> Float[Tensor, "batch features frames"]:
    """Where each frame lies in a note that is struck at 0 s and let go at `duration_s`.

    Logarithmic and linear time since the onset, a pulse at the onset, whether the key is down,
    and the same three for the time since the release.
    """
    # The clocks stop where training notes end; later frames read as the end of the sustain.
    since_onset = times_s.clamp(0, 3)
    since_release = (times_s - duration_s[:, None]).clamp(-1, 3)
    held = torch.sigmoid(-since_release / 0.01)
    after = since_release.clamp_min(0)
    features = [
        (since_onset / 0.02).log1p() / 2.5 - 1,
        since_onset / 1.5 - 1,
        torch.exp(-times_s / 0.03),
        torch.exp(-times_s / 0.2),
        held * 2 - 1,
        (after / 0.02).log1p() / 2,
        after,
        (1 - held) * torch.exp(-after / 0.05),
        duration_feature(duration_s).expand_as(held),
    ]
    return torch.stack(features, dim=1)
