"""How near sounds are to the one that is looked for: quickly, many at once, for a search.

The mean distance in dB of mels under a long and a short window, each sound under its own maximum:
what `dsp.distances.mss_db` says, in a fifth of the time. What is found is judged by that.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.mel import MelScale, mel_db, mel_power
from timbrel.instruments.preset.hearing.heard import N_SAMPLES, SAMPLE_RATE, SCALE, fitted

_SHORT = MelScale(SAMPLE_RATE, n_fft=1024, hop_length=441, n_mels=48,
                  minimum_hz=0.0, maximum_hz=16000.0)  # fmt: skip
_TAIL_S = 0.5


class Judge:
    """Distances from one sound.

    Args:
        target: at 44.1 kHz; four seconds of it count, and half a second of silence behind it.

    >>> noise = torch.randn(2, 44100, generator=torch.manual_seed(0))
    >>> judge = Judge(noise[0])
    >>> [round(x, 1) for x in judge(noise).tolist()]
    [0.0, 2.1]
    """

    def __init__(self, target: Float[Tensor, " time"]) -> None:
        self._length = min(len(target) + round(_TAIL_S * SAMPLE_RATE), N_SAMPLES)
        self._target = self._mels(target[None])

    @torch.no_grad()
    def __call__(self, audio: Float[Tensor, "batch time"]) -> Float[Tensor, " batch"]:
        """Mean |dB|; a sound that is not finite is infinitely far."""
        distances = torch.stack(
            [
                (ours - wanted).abs().mean((-2, -1))
                for ours, wanted in zip(self._mels(audio.nan_to_num()), self._target, strict=True)
            ]
        ).mean(0)
        return distances.masked_fill(~audio.isfinite().all(-1), torch.inf)

    def _mels(self, audio: Tensor) -> list[Tensor]:
        heard = fitted(audio)[..., : self._length]
        return [mel_db(mel_power(heard, scale)) for scale in (SCALE, _SHORT)]
