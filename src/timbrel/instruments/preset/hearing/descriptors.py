"""What words say of a sound, as numbers: how bright it is, how percussive, how noisy.

All of it is read off what the networks hear, so that a data set's descriptors need no other pass,
and none of it depends on how loud a sound is.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.mel import FLOOR_DB, denormalise_db
from timbrel.instruments.preset.hearing.heard import SCALE, Heard
from timbrel.units import db_to_power, power_to_db

_FRAME_S = 1.0 / SCALE.frame_rate
_LOUD_DB = -30.0
"""Frames count that are no further under the loudest."""

_STEVENS = 0.3
"""Exponent of Stevens' power law (1957), by which loudness grows with power: without it a filter's
edge is unheard as long as the lowest partials stay."""

_FLOOR = float(db_to_power(FLOOR_DB))

_REACHED_DB = -3.0
"""Where an attack has arrived."""

_DECAY_S = (0.2, 0.6)
"""After the attack: when it is asked how much has died away."""

_LOW_HZ = 200.0
_SMOOTHED_FRAMES = 43
"""Half a second, against which movement is told."""

_SILENT_DB = -40.0


class Descriptor(NamedTuple):
    """One thing that may be said of a sound.

    Attributes:
        name: of it.
        unit: of its numbers.
        more, less: what a sound is called that has more or less of it.
    """

    name: str
    unit: str
    more: str
    less: str


DESCRIPTORS = (
    Descriptor("brightness", "octaves above 1 kHz", "brighter", "darker"),
    Descriptor("bass", "dB", "fuller", "thinner"),
    Descriptor("richness", "octaves of bands", "richer", "plainer"),
    Descriptor("noisiness", "share", "noisier", "purer"),
    Descriptor("attack", "octaves of seconds", "slower", "quicker"),
    Descriptor("decay", "dB", "pluckier", "steadier"),
    Descriptor("movement", "dB", "livelier", "calmer"),
    Descriptor("tail", "octaves of seconds", "longer", "shorter"),
)
N_DESCRIPTORS = len(DESCRIPTORS)


def describe(heard: Heard, held_s: Float[Tensor, " batch"]) -> Float[Tensor, "batch descriptors"]:
    """The `DESCRIPTORS` of sounds.

    Args:
        heard: the sounds.
        held_s: when each key came up, in seconds: a tail begins there.

    >>> from timbrel.instruments.preset.hearing.heard import hear
    >>> low, high = (torch.sin(torch.arange(44100) * f) for f in (0.02, 0.2))
    >>> brightness = describe(hear(torch.stack([low, high])), torch.ones(2))[:, 0]
    >>> bool(brightness[1] - brightness[0] > 3)
    True
    """
    power = db_to_power(denormalise_db(heard.mel))
    level_db = denormalise_db(heard.curves[:, 2])
    loud = (level_db >= _LOUD_DB).to(power)
    count = loud.sum(-1).clamp_min(1.0)
    loudness = (power**_STEVENS - _FLOOR**_STEVENS).clamp_min(0.0)
    centre, frame = _centre_octaves(loudness), loudness.sum(1)
    whole = (centre * frame).sum(-1) / frame.sum(-1).clamp_min(1e-12)
    clearness = (heard.curves[:, 1] * loud).sum(-1) / count
    return torch.stack(
        [
            whole,
            _bass_db(power),
            (_bands_octaves(power) * loud).sum(-1) / count,
            1.0 - clearness,
            _attack_octaves(level_db),
            _decay_db(level_db),
            _movement_db(level_db, centre, loud, count),
            _tail_octaves(level_db, held_s),
        ],
        dim=-1,
    )  # fmt: skip


def _centre_octaves(loudness: Tensor) -> Tensor:
    """Where the middle of what is loud in each frame lies."""
    octaves = (SCALE.centres_hz().to(loudness) / 1000.0).log2()[:, None]
    return (loudness * octaves).sum(1) / loudness.sum(1).clamp_min(1e-12)


def _bass_db(power: Tensor) -> Tensor:
    low = power[:, SCALE.centres_hz() < _LOW_HZ].sum((1, 2))
    return power_to_db((low / power.sum((1, 2)).clamp_min(1e-12)).clamp_min(1e-4))


def _bands_octaves(power: Tensor) -> Tensor:
    """How many bands share the sound of each frame, by the entropy."""
    share = power / power.sum(1, keepdim=True).clamp_min(1e-12)
    return -(share * share.clamp_min(1e-12).log2()).sum(1)


def _attack_octaves(level_db: Tensor) -> Tensor:
    return ((_reached(level_db) + 1.0) * _FRAME_S).log2()


def _decay_db(level_db: Tensor) -> Tensor:
    after = torch.arange(*(round(s / _FRAME_S) for s in _DECAY_S), device=level_db.device)
    frames = (_reached(level_db)[:, None] + after).clamp(max=level_db.shape[-1] - 1)
    return -level_db.gather(-1, frames).mean(-1)


def _reached(level_db: Tensor) -> Tensor:
    """The frame in which the attack has arrived."""
    return (level_db >= _REACHED_DB).to(torch.uint8).argmax(-1)


def _movement_db(level_db: Tensor, centre: Tensor, loud: Tensor, count: Tensor) -> Tensor:
    """How far level and middle are from what they are on average around; an octave is 6 dB."""
    moved = _from_smooth(level_db.clamp_min(_LOUD_DB)) + 6.0 * _from_smooth(centre)
    return (moved * loud).sum(-1) / count


def _from_smooth(curve: Tensor) -> Tensor:
    smooth = torch.nn.functional.avg_pool1d(
        curve[:, None], _SMOOTHED_FRAMES, 1, _SMOOTHED_FRAMES // 2, count_include_pad=False
    )
    return (curve - smooth[:, 0]).abs()


def _tail_octaves(level_db: Tensor, held_s: Tensor) -> Tensor:
    times_s = torch.arange(level_db.shape[-1], device=level_db.device) * _FRAME_S
    sounding = (level_db >= _SILENT_DB) & (times_s > held_s[:, None])
    return (sounding.sum(-1) * _FRAME_S + 0.05).log2()
