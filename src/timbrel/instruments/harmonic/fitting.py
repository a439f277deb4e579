"""The latent and the level that say a recording."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.instruments.harmonic.course import Course, heard_moments, release_moments
from timbrel.instruments.harmonic.hearing import Heard
from timbrel.instruments.harmonic.network import HarmonicNetwork
from timbrel.instruments.harmonic.said import TYPICAL_VELOCITY

FIT_STEPS, FIT_STEPS_PER_S = 60, 100

_LATENT_RATE, _LEVEL_RATE = 0.06, 0.5
"""Learning rates."""

_PULL = 3e-3
"""Weight of the latent's squared distance from the encoder's."""

DRAWN = 0.5
"""By so much of its way to the middle of all latents, which is 0, a latent is drawn; the residual,
which is mixed in decibels, says the rest. So morphs are more even, and other pitches at most 0.1 dB
worse, some 0.2 better: over 20 pairs the largest step is 1.62, 1.51, 1.44, 1.37, 1.29 times the
mean one for 0, 0.3, 0.5, 0.7 and 1; from 0.7 on other pitches are off by more (LOG.md)."""

_FLOOR_DB, _LEAST_WEIGHT, _LOUDNESS_POWER = -85.0, 0.05, 1.5
"""A level's weight grows from the second number, at or below the floor, with a power of its height
above it."""

_NUMBER_POWER, _NOISE_WEIGHT = -0.4, 0.5
"""The higher a harmonic's number, the less it counts; and what noise counts beside the first."""

_SURE_S = 0.5
"""What falls later than this was let go."""

_CLEARLY = 0.85
"""By what factor the error of a release must be the smaller one."""

_LEAST_LEVEL_DB, _MOST_LEVEL_DB = -14.0, 0.0
"""Between these lies the loudest partial of a note at a typical velocity."""


class Fit(NamedTuple):
    """What says a recording: a latent, and the recording's level re the reference."""

    latent: Float[Tensor, " latent"]
    level_db: float


def with_likelier_end(network: HarmonicNetwork, heard: Heard) -> Heard:
    """A recording whose key came up, or never did: whichever the decoder says better.

    Only what falls early may be either: plucked and struck sounds begin to fall by themselves.
    """
    if not heard.was_released or heard.known_s > _SURE_S:
        return heard
    held_on = heard.held_on()
    with torch.no_grad():
        pitch, latent = _encoded(network, heard)

        def error(of: Heard) -> float:
            aim = _aim(network, of)
            said = _said(network, latent, pitch, aim)
            return float(_error(said, _likely_level(said, aim), aim))

        return heard if error(heard) < _CLEARLY * error(held_on) else held_on


class _Aim(NamedTuple):
    """A recording at all moments that are known, and how much each level counts."""

    moment_s: Float[Tensor, "1 moments"]
    released_s: Float[Tensor, "1 moments"]
    levels: Float[Tensor, "1 moments levels"]
    weight: Float[Tensor, "1 moments levels"]


def fit(network: HarmonicNetwork, heard: Heard, steps: int) -> Fit:
    """The encoder's latent, so many steps of Adam on it and the level, then drawn to the middle.

    Args:
        network: whose decoder is to say the recording.
        heard: the recording.
        steps: about 6 ms each.
    """
    aim = _aim(network, heard)
    with torch.no_grad():
        pitch, first = _encoded(network, heard)
        level = _likely_level(_said(network, first, pitch, aim), aim)
    latent = first.clone().requires_grad_()
    level = level.clone().requires_grad_()
    optimizer = torch.optim.Adam([
        {"params": [latent], "lr": _LATENT_RATE}, {"params": [level], "lr": _LEVEL_RATE},
    ])  # fmt: skip
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda i: 1 - 0.9 * i / max(steps, 1))
    for _ in range(steps):
        error = _error(_said(network, latent, pitch, aim), level, aim)
        pull = _PULL * (latent - first).square().sum()
        optimizer.zero_grad()
        (error + pull).backward(inputs=[latent, level])
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            level.clamp_(_LEAST_LEVEL_DB, _MOST_LEVEL_DB)
    return Fit((1 - DRAWN) * latent.detach()[0], float(level.detach()))


def _said(
    network: HarmonicNetwork, latent: Tensor, pitch: Tensor, aim: _Aim
) -> Float[Tensor, "1 moments levels"]:
    """What the decoder says at the moments of the aim."""
    velocity = torch.full_like(pitch, TYPICAL_VELOCITY)
    course = network.decoder(latent, pitch, velocity, aim.moment_s, aim.released_s)
    return torch.cat(course, -1)


def _error(said: Tensor, level: Tensor, aim: _Aim) -> Float[Tensor, ""]:
    """Weighted mean distance in dB of a recording at some level from what is said."""
    return ((said - level - aim.levels).abs() * aim.weight).sum()


def _likely_level(said: Tensor, aim: _Aim) -> Float[Tensor, ""]:
    """Weighted mean of what the decoder says beyond the recording, within reason."""
    mean = ((said - aim.levels) * aim.weight).sum()
    return mean.clamp(_LEAST_LEVEL_DB, _MOST_LEVEL_DB)


def _aim(network: HarmonicNetwork, heard: Heard) -> _Aim:
    slots = network.slots
    moments_s = heard_moments()
    if heard.was_released:
        after_s = heard.known_s + release_moments()
        moments_s = torch.cat([moments_s[moments_s < heard.known_s], after_s])
    moments_s = moments_s[moments_s < heard.end_s]
    levels = heard.levels(slots, moments_s)
    loudness = ((levels - _FLOOR_DB) / -_FLOOR_DB).clamp_min(0) ** _LOUDNESS_POWER + _LEAST_WEIGHT
    number = slots.centres**_NUMBER_POWER * heard.has_slots(slots, network.settings.sample_rate)
    noise = torch.full((network.bands.n_bands,), _NOISE_WEIGHT)
    weight = loudness * torch.cat([number, noise])
    since_s = moments_s - heard.known_s if heard.was_released else torch.full_like(moments_s, -1)
    return _Aim(moments_s[None], since_s[None], levels[None], (weight / weight.sum())[None])


def _encoded(network: HarmonicNetwork, heard: Heard) -> tuple[Tensor, Tensor]:
    """A recording's pitch and the encoder's mean latent, in batches of one."""
    pitch = torch.tensor([heard.pitch])
    return pitch, network.encode(_as_encoded(network, heard), pitch)[0]


def _as_encoded(network: HarmonicNetwork, heard: Heard) -> Course:
    """The recording at `heard_moments`; behind a sudden end its last moment goes on."""
    moments_s = heard_moments()
    n_known = max(1, int((moments_s < heard.end_s).sum()))
    known = heard.levels(network.slots, moments_s)[:n_known]
    levels = torch.cat([known, known[-1:].expand(len(moments_s) - n_known, -1)])
    return Course(*levels[None].split([network.slots.n_slots, network.bands.n_bands], -1))
