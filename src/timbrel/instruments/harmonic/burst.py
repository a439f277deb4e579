"""The burst at a note's attack: how it is taken from a recording, and how loud a note plays it.

A timbre keeps one burst, and a note plays it as much louder than it was recorded as the decoder has
the note's attack louder than the recording's.
"""

from __future__ import annotations

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


def burst_gains_db(
    decoder: Decoder, parts: Parts, held: Float[Tensor, "notes heard levels"]
) -> Float[Tensor, " notes"]:
    """How much louder the attacks of notes are than those of their recordings."""
    if not bool(parts.burst.any()):
        return torch.zeros(len(held))
    typical, attack = torch.full_like(parts.pitch, TYPICAL_VELOCITY), list(ATTACK_MOMENTS)
    recorded = levels_at(decoder, parts.latent, parts.pitch, typical, heard_moments()[attack])
    now_db, then_db = (_loudest_db(levels) for levels in (held[:, attack], recorded))
    return (now_db - then_db).clamp(-MOST_BURST_GAIN_DB, MOST_BURST_GAIN_DB)


def burst_levels(layout: Layout, parts: Parts, gain_db: Tensor) -> Float[Tensor, "ticks bands"]:
    """The burst of a note in dB, so much louder than it was recorded."""
    above_db = layout.burst_of_ticks @ parts.burst @ layout.burst_of_bands.T
    # what is hardly above the softest is no burst, however loud it would be made
    heard = above_db > -SOFTEST_DB * 1e-3
    silent = above_db.new_tensor(SILENT_DB)
    return torch.where(heard, above_db + SOFTEST_DB + gain_db, silent)


def _loudest_db(levels: Float[Tensor, "notes moments levels"]) -> Float[Tensor, " notes"]:
    """The most power at a moment."""
    return power_to_db(db_to_power(levels).sum(-1)).amax(-1)
