r"""A long note with a piece of its middle left out, so that its end is heard as well.

|attack ----------A|          left out          |B ------- release\___|
\__ joined where the two are most alike __/
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from scipy.signal import correlate
from torch import Tensor

_FADE_S, _SEARCHED_S = 0.06, 0.2


def shortened(
    audio: Float[Tensor, " time"], sample_rate: int, *, join_s: float, left_out_s: float
) -> Float[Tensor, " rest"]:
    """The sound without some of it, about so long, from a place on.

    Args:
        audio: a note that is steady there.
        sample_rate: in Hz.
        join_s: where the piece begins.
        left_out_s: how long it is; up to 0.2 s more, where the wave goes on best.

    >>> tone = torch.sin(torch.arange(16000) * (2 * torch.pi * 440 / 16000))
    >>> rest = shortened(tone, 16000, join_s=0.3, left_out_s=0.4)
    >>> 0.4 <= (16000 - len(rest)) / 16000 <= 0.6
    True
    """
    fade = round(_FADE_S * sample_rate)
    join, farther = round(join_s * sample_rate), round((join_s + left_out_s) * sample_rate)
    ends = audio[join : join + fade].double().numpy()
    searched = audio[farther : farther + fade + round(_SEARCHED_S * sample_rate)].double().numpy()
    if len(ends) < fade or len(searched) < fade:
        return audio
    likeness = correlate(searched, ends, "valid")
    power = np.convolve(searched**2, np.ones(fade), "valid")
    farther += int((likeness / np.sqrt(power + 1e-12)).argmax())
    way = torch.linspace(0, 1, fade)
    joint = torch.lerp(audio[join : join + fade], audio[farther : farther + fade], way)
    return torch.cat([audio[:join], joint, audio[farther + fade :]])
