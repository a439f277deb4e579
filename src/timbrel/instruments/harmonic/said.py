"""What the decoder says of notes, at the moments that a player needs.

Levels of slots and of bands stand in one row, in dB re the instrument's reference.

    held      at `heard_moments`, the key down: by the network up to the longest note that it was
              trained on, from there on falling as it fell
    fallen    at `release_moments` after the key came up, re the level at that moment
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.instruments.harmonic.course import heard_moments, release_moments
from timbrel.instruments.harmonic.network import Decoder

LONGEST_HOLD_S = 3.0
"""What notes are trained up to."""

SOFTEST_DB = -100.0
"""What is softer than this, re the reference, counts as this soft, and is not played."""

TYPICAL_VELOCITY = 0.67
"""Of a sound that is heard: nobody wrote down how hard it was struck."""

END_SLOPE_OVER_S = 1.0
"""Before the longest hold: what the slope is taken from at which longer notes fall on."""

DEEPEST_FALL_DB = -80.0
"""A released level is taken to have fallen no farther than this."""

PARTIALS_RISE_DB, NOISE_RISES_DB = 3.0, 10.0
"""A released level rises no farther than this: dampers rattle, but strings do not swell. What was
heard behind a key-up that was none, or is let go of in mid-attack, would."""


def held_levels(
    decoder: Decoder,
    latent: Float[Tensor, "notes latent"],
    pitch: Float[Tensor, " notes"],
    velocity: Float[Tensor, " notes"],
) -> Float[Tensor, "notes heard levels"]:
    """Levels of notes that are held on and on."""
    asked_s = heard_moments()
    moment_s = asked_s.clamp(max=LONGEST_HOLD_S)
    levels = _say(decoder, latent, pitch, velocity, moment_s.expand(len(latent), -1), None)
    earlier = int((asked_s < LONGEST_HOLD_S - END_SLOPE_OVER_S).sum())
    over_s = LONGEST_HOLD_S - float(asked_s[earlier])
    slope = (levels[:, -1:] - levels[:, earlier : earlier + 1]).clamp(max=0) / over_s
    return (levels + slope * (asked_s - moment_s)[:, None]).clamp_min(SOFTEST_DB)


def levels_at(
    decoder: Decoder,
    latent: Float[Tensor, "notes latent"],
    pitch: Float[Tensor, " notes"],
    velocity: Float[Tensor, " notes"],
    moments_s: Float[Tensor, " moments"],
) -> Float[Tensor, "notes moments levels"]:
    """The same, at any moments up to the longest hold."""
    levels = _say(decoder, latent, pitch, velocity, moments_s.expand(len(latent), -1), None)
    return levels.clamp_min(SOFTEST_DB)


def fallen_levels(
    decoder: Decoder,
    latent: Float[Tensor, "notes latent"],
    pitch: Float[Tensor, " notes"],
    velocity: Float[Tensor, " notes"],
    key_up_s: Float[Tensor, " notes"],
) -> Float[Tensor, "notes released levels"]:
    """Levels after the key came up, re those of that moment: 0 at first, then negative."""
    since_s = release_moments().expand(len(latent), -1)
    moment_s = key_up_s.clamp(max=LONGEST_HOLD_S)[:, None] + since_s
    levels = _say(decoder, latent, pitch, velocity, moment_s, since_s)
    return (levels - levels[:, :1]).clamp_min(DEEPEST_FALL_DB)


def _say(
    decoder: Decoder,
    latent: Tensor,
    pitch: Tensor,
    velocity: Tensor,
    moment_s: Float[Tensor, "notes moments"],
    released_s: Float[Tensor, "notes moments"] | None,
) -> Float[Tensor, "notes moments levels"]:
    since_s = torch.full_like(moment_s, -1.0) if released_s is None else released_s
    return torch.cat(decoder(latent, pitch, velocity, moment_s, since_s), -1)
