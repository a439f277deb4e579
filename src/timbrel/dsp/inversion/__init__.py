"""Mel spectrograms back to audio, three ways.

| way           | needs | what it makes                                                     |
|---------------|-------|-------------------------------------------------------------------|
| `pitched`     | f0    | harmonics exactly at f0, stray partials and noise: the default    |
| `pghi`        | -     | magnitudes that 80 bands imply, their phases in one pass          |
| `griffin_lim` | -     | the same magnitudes, phases by iteration: slow                    |
"""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.inversion.harmonic import pitched
from timbrel.dsp.inversion.heap import pghi
from timbrel.dsp.inversion.iterative import griffin_lim
from timbrel.dsp.inversion.magnitude import mel_to_magnitude
from timbrel.dsp.mel import MelScale
from timbrel.errors import BadInput

__all__ = ["Method", "griffin_lim", "invert_mel", "mel_to_magnitude", "pghi", "pitched"]

Method = Literal["pitched", "pghi", "griffin_lim"]


def invert_mel(
    power: Float[Tensor, "*batch mels frames"],
    scale: MelScale,
    *,
    length: int | None = None,
    method: Method | None = None,
    f0_hz: Float[Tensor, "*batch frames"] | None = None,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "*batch time"]:
    """Audio whose mel power comes near to `power`, at the same level.

    Args:
        power: mel power as `mel_power` returns it (linear, not dB).
        scale: what it was measured with.
        length: samples to return; by default hop_length * (frames - 1).
        method: see the table above; by default `pitched` where `f0_hz` is given, else `pghi`.
        f0_hz: fundamental in each frame, 0 or NaN where there is none; only `pitched` uses it.
            Notes with no pitch in any frame fall to `pghi`.
        generator: of the randomness in noise and phases; by default the same every time, and a
            batch equals its singles.

    Raises:
        BadInput: `pitched` was asked for without `f0_hz`, or the method is unknown.

    >>> invert_mel(torch.rand(2, 80, 63), MelScale(), f0_hz=torch.full((2, 63), 220.0)).shape
    torch.Size([2, 15872])
    """
    length = scale.hop_length * (power.shape[-1] - 1) if length is None else length
    method = method or ("pghi" if f0_hz is None else "pitched")
    if method == "pitched":
        if f0_hz is None:
            raise BadInput("the pitched inversion needs f0_hz: give it, or take method 'pghi'")
        return pitched(power, scale, f0_hz, length=length, generator=generator)
    if method == "pghi":
        magnitude = mel_to_magnitude(power, scale)
        return pghi(magnitude, scale.hop_length, length=length, generator=generator)
    if method == "griffin_lim":
        magnitude = mel_to_magnitude(power, scale)
        return griffin_lim(magnitude, scale.hop_length, length=length, generator=generator)
    raise BadInput(f"no inversion is called {method!r}: wanted pitched, pghi or griffin_lim")
