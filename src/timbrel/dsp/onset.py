"""Where a recorded note begins."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.units import db_to_amplitude

_WINDOW_S = 0.003
_BEFORE_S = 0.003


def onset_sample(
    audio: Float[Tensor, " time"], sample_rate: int, *, threshold_db: float = -34.0
) -> int:
    """The sample at which a sound first rises to `threshold_db` under its peak.

    Noise under a recording lies below the threshold, the quietest attack above it soon enough; a
    few milliseconds are kept before it, so that the attack itself is whole.

    >>> onset_sample(torch.cat([torch.zeros(800), torch.ones(800)]), 16000)
    720
    """
    window = max(1, round(_WINDOW_S * sample_rate))
    peaks = torch.nn.functional.max_pool1d(audio.abs()[None], window, window, ceil_mode=True)[0]
    loud = peaks >= peaks.max() * db_to_amplitude(threshold_db)
    first = int(loud.int().argmax()) * window
    return max(0, first - round(_BEFORE_S * sample_rate))


def from_onset(
    audio: Float[Tensor, " time"], sample_rate: int, *, threshold_db: float = -34.0
) -> Float[Tensor, " rest"]:
    """The sound without what comes before its onset.

    >>> from_onset(torch.cat([torch.zeros(800), torch.ones(800)]), 16000).shape
    torch.Size([880])
    """
    return audio[onset_sample(audio, sample_rate, threshold_db=threshold_db) :]
