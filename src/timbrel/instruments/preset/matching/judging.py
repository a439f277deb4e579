"""How near sounds are to the one that is looked for: quickly, many at once, for a search.

The mean distance in dB of mels under a long and a short window, each sound under its own maximum:
what `dsp.distances.mss_db` says, in a twentieth of the time. What is found is judged by that. Under
its own maximum, what nobody can hear may be near, too: what is far softer is further away.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.mel import MelScale, mel_db, mel_power
from timbrel.instruments.preset.hearing.heard import N_SAMPLES, SAMPLE_RATE, SCALE, fitted
from timbrel.units import power_to_db

_LONG = replace(SCALE, hop_length=1024)
_SHORT = MelScale(SAMPLE_RATE, n_fft=512, hop_length=441, n_mels=48,
                  minimum_hz=0.0, maximum_hz=16000.0)  # fmt: skip
_TAIL_S = 0.5

_FAINT_DB = 30.0
"""So much softer than the target a sound may be: a volume knob can make up for it."""

_AT_ONCE = 2
"""More take longer each: their spectra do not stay in the cache."""


class Judge:
    """Distances from one sound.

    Args:
        target: at 44.1 kHz; four seconds of it count, and half a second of silence behind it.

    >>> noise = torch.randn(2, 44100, generator=torch.manual_seed(0))
    >>> judge = Judge(noise[0])
    >>> [round(x, 1) for x in judge(noise).tolist()]
    [0.0, 2.4]
    """

    def __init__(self, target: Float[Tensor, " time"]) -> None:
        self._length = n_compared(target)
        self._energy = _energy(fitted(target)[: self._length])
        self._target = self._mels(target[None])

    @torch.no_grad()
    def __call__(self, audio: Float[Tensor, "batch time"]) -> Float[Tensor, " batch"]:
        """Mean |dB|; a sound that is not finite is infinitely far."""
        distances = torch.cat([self._from(some) for some in audio.nan_to_num().split(_AT_ONCE)])
        softer_db = power_to_db(self._energy / _energy(fitted(audio)[..., : self._length]))
        distances = distances + (softer_db - _FAINT_DB).clamp_min(0.0).nan_to_num()
        return distances.masked_fill(~audio.isfinite().all(-1), torch.inf)

    def _from(self, audio: Tensor) -> Tensor:
        apart = zip(self._mels(audio), self._target, strict=True)
        return torch.stack([(a - b).abs().mean((-2, -1)) for a, b in apart]).mean(0)

    def _mels(self, audio: Tensor) -> list[Tensor]:
        heard = fitted(audio)[..., : self._length]
        return [mel_db(mel_power(heard, scale)) for scale in (_LONG, _SHORT)]


def n_compared(target: Float[Tensor, " time"]) -> int:
    """Samples that count from the beginning: the target, and half a second behind it.

    The longer two sounds are silent together, the more alike any two are.
    """
    return min(len(target) + round(_TAIL_S * SAMPLE_RATE), N_SAMPLES)


def _energy(audio: Float[Tensor, "*batch time"]) -> Float[Tensor, "*batch"]:
    return audio.square().sum(-1).clamp_min(1e-12)
