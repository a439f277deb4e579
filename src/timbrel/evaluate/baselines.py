"""What a model is held against, beside `shift_pitch`: the bound of its own mels, a cross-fade."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.inversion import invert_mel
from timbrel.dsp.mel import MelScale, mel_power
from timbrel.units import midi_to_hz


def through_mels(
    audio: Float[Tensor, " time"], pitch: float, scale: MelScale | None = None
) -> Float[Tensor, " time"]:
    """The note after its own true mels: the best that a model of mels could do."""
    scale = scale or MelScale()
    power = mel_power(audio, scale)
    f0_hz = torch.full(power.shape[-1:], midi_to_hz(pitch))
    return invert_mel(power, scale, length=len(audio), f0_hz=f0_hz)


def cross_fade(
    a: Float[Tensor, " _"], b: Float[Tensor, " _"], alphas: Float[Tensor, " steps"]
) -> Float[Tensor, "steps time"]:
    """Two sounds played at once, their amplitudes weighted: what a morph must be more than."""
    length = max(len(a), len(b))
    a, b = (torch.nn.functional.pad(sound, (0, length - len(sound))) for sound in (a, b))
    return torch.lerp(a[None], b[None], alphas[:, None].to(a))
