"""Level over time: ADSR envelopes whose breakpoints fall on exact samples, and fades.

level 0 --attack--> 1 --decay--> sustain ----held----> key up --release--> 0
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from timbrel.config import Settings
from timbrel.errors import BadInput

Curve = Literal["linear", "exponential"]

_STEEPNESS = 5.0
"""Time constants in an exponential segment; it is stretched to end exactly at its target."""


class Adsr(Settings):
    """The shape of an envelope.

    Attributes:
        attack_s: from key down to the peak, 0 allowed.
        decay_s: from the peak to the sustain level.
        sustain: level of the held part, 0..1.
        release_s: from key up to silence.
    """

    attack_s: float = Field(default=0.005, ge=0, le=60)
    decay_s: float = Field(default=0.1, ge=0, le=60)
    sustain: float = Field(default=0.8, ge=0, le=1)
    release_s: float = Field(default=0.1, ge=0, le=60)


DEFAULT_SHAPE = Adsr()


def adsr(
    held_s: float | Float[Tensor, "*batch"],
    sample_rate: int,
    shape: Adsr = DEFAULT_SHAPE,
    *,
    curve: Curve = "linear",
    length: int | None = None,
) -> Float[Tensor, "*batch time"]:
    """Envelopes that rise to 1, fall to the sustain level, and after key up fall to 0.

    Sample `round(attack_s * sample_rate)` is exactly 1, `decay_s` later exactly `sustain`; from
    key up (sample `round(held_s * sample_rate)`) the level reached so far falls to 0 in exactly
    `release_s`, also when the key comes up during the attack or the decay.

    Args:
        held_s: seconds from key down to key up, one number or one for each note.
        sample_rate: in Hz.
        shape: attack, decay, sustain and release.
        curve: `exponential` starts each segment fast and ends it slowly, like a capacitor.
        length: samples; by default until the last note's release has ended.

    Raises:
        BadInput: a key is held for a time that is negative or not finite.

    >>> shape = Adsr(attack_s=0.1, decay_s=0.1, sustain=0.5)
    >>> adsr(0.5, 8000, shape)[[0, 400, 800, 1600, 4000]]
    tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.5000])
    """
    held = torch.as_tensor(held_s, dtype=torch.float64)
    if not bool((held.isfinite() & (held >= 0)).all()):
        raise BadInput("envelope: held_s holds a value that is not 0 seconds or more")
    attack, decay, release = (
        round(seconds * sample_rate) for seconds in (shape.attack_s, shape.decay_s, shape.release_s)
    )
    key_up = (held * sample_rate).round()
    if length is None:
        length = int(key_up.max()) + release + 1 if key_up.numel() else 0
    time = torch.arange(length, dtype=torch.float64)
    up = _while_held(key_up, attack, decay, shape.sustain, curve)[..., None]
    held_level = _while_held(time, attack, decay, shape.sustain, curve)
    since_up = time - key_up[..., None]
    released = up * (1.0 - _rise(since_up, release, curve))
    return torch.where(since_up < 0, held_level, released).float()


def fade(
    audio: Float[Tensor, "*batch time"], sample_rate: int, *, in_s: float = 0.0, out_s: float = 0.0
) -> Float[Tensor, "*batch time"]:
    """The audio with a raised-cosine fade at its start and at its end.

    Fades longer than the audio are cut to its length.

    >>> fade(torch.ones(8), 8, in_s=0.5, out_s=0.25)
    tensor([0.0000, 0.1464, 0.5000, 0.8536, 1.0000, 1.0000, 0.5000, 0.0000])
    """
    length = audio.shape[-1]
    time = torch.arange(length, dtype=torch.float64, device=audio.device)
    gain = torch.ones_like(time)
    for position, seconds in ((time, in_s), (length - 1 - time, out_s)):
        samples = min(round(seconds * sample_rate), length)
        gain = gain * (0.5 - 0.5 * (_rise(position, samples, "linear") * math.pi).cos())
    return audio * gain.to(audio.dtype)


def _while_held(time: Tensor, attack: int, decay: int, sustain: float, curve: Curve) -> Tensor:
    fallen = 1.0 - (1.0 - sustain) * _rise(time - attack, decay, curve)
    return torch.where(time < attack, _rise(time, attack, curve), fallen)


def _rise(time: Tensor, samples: int, curve: Curve) -> Tensor:
    """0 until time 0, then up to 1 in `samples`."""
    place = (time / samples).clamp(0, 1) if samples else (time >= 0).to(time)
    if curve == "linear":
        return place
    return torch.expm1(-_STEEPNESS * place) / math.expm1(-_STEEPNESS)
