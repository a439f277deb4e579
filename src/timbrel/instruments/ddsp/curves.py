"""Melodies of notes: the curves that a player of the instrument would make of what is written.

A note comes up in `attack_s`, falls as a plucked one does, and dies away in `release_s` once its
key is up. Velocity is loudness within the register, and what else it changes the decoder has
learned of loudness. Vibrato comes in late, as players have it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from timbrel.dsp.listening import FRAME_RATE
from timbrel.dsp.loudness import SILENCE_DB
from timbrel.instruments.ddsp.knobs import Knobs
from timbrel.instruments.ddsp.network import Asked
from timbrel.instruments.ddsp.timbre_layout import Manner
from timbrel.sound import Notes
from timbrel.units import midi_to_hz

LEAST_RANGE_DB = 18.0
"""Between the softest touch and the hardest, however evenly the instrument was played."""

BEGINS_S, COMES_S = 0.2, 0.4
"""Vibrato begins so long after the onset, and is whole so long after that."""

FROM_DB = -60.0
"""Where an attack begins and a release ends, re the note."""


class Melodies(NamedTuple):
    """Melodies of one note each.

    Attributes:
        asked: their curves, silent after each one's end.
        n_frames: that each lasts, its release included.
    """

    asked: Asked
    n_frames: Int[Tensor, " notes"]


def melodies_of(notes: Notes, manner: Manner, knobs: Knobs) -> Melodies:
    """A melody for each note, whatever others are with it.

    Args:
        notes: what is written.
        manner: of each note's timbre.
        knobs: how the controls stand.
    """
    release_s = manner.release_s.detach() * knobs.release
    n_frames = ((notes.duration_s + release_s) * FRAME_RATE).ceil().long() + 1
    time_s = torch.arange(int(n_frames.max())) / FRAME_RATE
    bend = notes.bend_at(time_s) + vibrato_cents(time_s, knobs) / 100
    loudness_db = struck_db(notes.velocity, manner)[:, None] + shape_db(
        time_s, notes.duration_s[:, None], manner, knobs
    )
    sounds = time_s * FRAME_RATE < (n_frames - 1)[:, None]
    loudness_db = torch.where(sounds, loudness_db, SILENCE_DB)
    f0_hz = midi_to_hz(notes.pitch[:, None] + bend)
    return Melodies(Asked(f0_hz, loudness_db, torch.ones_like(f0_hz)), n_frames)


def struck_db(velocity: Float[Tensor, " notes"], manner: Manner) -> Float[Tensor, " notes"]:
    """How loud notes become: the register's softest at 0, its loudest at 1."""
    loudest = torch.maximum(manner.loudest_db, manner.softest_db)
    across = (manner.loudest_db - manner.softest_db).abs().clamp_min(LEAST_RANGE_DB)
    return loudest - (1 - velocity) * across


def shape_db(
    time_s: Float[Tensor, " frames"],
    duration_s: Float[Tensor, "notes 1"],
    manner: Manner,
    knobs: Knobs,
) -> Float[Tensor, "notes frames"]:
    """Loudness over time re what it is struck with."""
    attack_s = manner.attack_s[:, None] * knobs.attack
    release_s = manner.release_s[:, None] * knobs.release
    coming = (1 - time_s / attack_s).clamp_min(0)
    held_s = torch.minimum(time_s, duration_s) - attack_s
    falling_db = manner.fall_db_s[:, None] * held_s.clamp_min(0)
    gone = (time_s - duration_s).clamp_min(0) / release_s
    return FROM_DB * coming**3 - falling_db + FROM_DB * gone


def vibrato_cents(time_s: Float[Tensor, " frames"], knobs: Knobs) -> Float[Tensor, " frames"]:
    """Cents around the pitch.

    >>> vibrato_cents(torch.tensor([0.1, 0.2]), Knobs())
    tensor([0., 0.])
    """
    since_s = (time_s - BEGINS_S).clamp_min(0)
    coming = (since_s / COMES_S).clamp(max=1)
    return knobs.vibrato_depth * coming * (2 * math.pi * knobs.vibrato_rate * since_s).sin()
