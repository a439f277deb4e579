"""The burst at a note's attack: how it is taken from a recording, and how loud a note plays it.

A timbre keeps one burst, and a note plays it as much louder than it was recorded as the decoder has
the note's attack louder than the recording's.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.tracks.tracks import SILENT_DB, Tracks
from timbrel.instruments.harmonic.course import heard_moments
from timbrel.instruments.harmonic.network import Decoder
from timbrel.instruments.harmonic.said import SOFTEST_DB, TYPICAL_VELOCITY, levels_at
from timbrel.instruments.harmonic.timbre_layout import Layout, Parts
from timbrel.units import db_to_power, power_to_db

ATTACK_MOMENTS = (0, 1, 4)
"""Of `heard_moments`, those that tell how loud an attack is: few, as a player asks for them."""

MOST_BURST_GAIN_DB = 40.0
SLOWER_BURST_DB = 6.0
"""By how much a burst is softer for each doubling of the attack's length."""


def recorded_burst(
    tracks: Tracks, level_db: float, layout: Layout
) -> Float[Tensor, "burst_ticks burst_bands"]:
    """Mean power of the burst in the layout's few ticks and bands, in dB above the softest."""
    power = db_to_power(tracks.transient_db) * (tracks.transient_db > SILENT_DB)
    ticks, bands = layout.burst_of_ticks, layout.burst_of_bands
    mean = (ticks / ticks.sum(0)).T @ power @ (bands / bands.sum(0))
    return (power_to_db(mean + 1e-20) + level_db - SOFTEST_DB).clamp_min(0)


class BurstLevel(NamedTuple):
    """How loud a note plays its burst.

    Attributes:
        gain_db: how much louder its attack is than that of its recording.
        most_db: no band of the burst is louder than the whole attack; arithmetic may ask for it.
    """

    gain_db: Float[Tensor, "*notes"]
    most_db: Float[Tensor, "*notes"]


def burst_gains(
    decoder: Decoder, parts: Parts, held: Float[Tensor, "notes heard levels"]
) -> BurstLevel:
    """How loud notes play their bursts."""
    if not bool(parts.burst.any()):
        return BurstLevel(torch.zeros(len(held)), torch.zeros(len(held)))
    typical, attack = torch.full_like(parts.pitch, TYPICAL_VELOCITY), list(ATTACK_MOMENTS)
    recorded = levels_at(decoder, parts.latent, parts.pitch, typical, heard_moments()[attack])
    now_db, then_db = (_loudest_db(levels) for levels in (held[:, attack], recorded))
    gain_db = (now_db - then_db).clamp(-MOST_BURST_GAIN_DB, MOST_BURST_GAIN_DB)
    return BurstLevel(gain_db, now_db)


def burst_levels(
    layout: Layout, parts: Parts, level: BurstLevel, turned_db: float = 0.0
) -> Float[Tensor, "ticks bands"]:
    """The burst of a note in dB, and as much louder as knobs turn it."""
    above_db = layout.burst_of_ticks @ parts.burst @ layout.burst_of_bands.T
    # what is hardly above the softest is no burst, however loud it would be made
    heard = above_db > -SOFTEST_DB * 1e-3
    silent = above_db.new_tensor(SILENT_DB)
    burst_db = (above_db + SOFTEST_DB + level.gain_db).clamp(max=level.most_db)
    return torch.where(heard, burst_db + turned_db, silent)


def _loudest_db(levels: Float[Tensor, "notes moments levels"]) -> Float[Tensor, " notes"]:
    """The most power at a moment."""
    return power_to_db(db_to_power(levels).sum(-1)).amax(-1)
