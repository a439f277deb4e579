"""A performance brought to where an instrument plays: by whole octaves, and by a gain.

A hummed line lies an octave below most flutes, and a microphone says nothing of how loud a guitar
is. Intervals and dynamics stay as they were performed; what was done can be said.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.clearness import pitched, sounding
from timbrel.dsp.loudness import SILENCE_DB
from timbrel.errors import BadAudio
from timbrel.sound import Performance, Register
from timbrel.units import hz_to_midi

MOST_OCTAVES = 6
"""By which a performance is shifted, whether it is said or found."""

_LOUD_DB = 25.0
"""What is heard as the melody, so far under its loudest."""

_FLOOR_DB, _SOFTER = 40.0, 2.0
"""How far under its loudest a melody's floor is, and by how much, per dB, is made softer what lies
under it. A gate would be heard to close."""

_LOUDEST = 0.95
"""The quantile of what sounds that is taken for its loudest: a cough is none."""

_AS_GOOD = 0.02
"""Share of the time in which shifts are told apart."""

_EDGE_SEMITONES = 0.5


class Fit(NamedTuple):
    """What is done to a performance.

    Attributes:
        octaves: by which it is shifted, upwards.
        gain_db: by which it is louder.
        semitones: of transposition, beside the octaves, that somebody asked for.
        inside: share of the voiced, loud time that then lies in the register; NaN without any.
        floor_db: what is softer than that, as it was heard, is made softer still: a room between
            two notes is no note.
    """

    octaves: int = 0
    gain_db: float = 0.0
    semitones: float = 0.0
    inside: float = float("nan")
    floor_db: float = SILENCE_DB

    @property
    def ratio(self) -> float:
        """Of frequencies."""
        return 2.0 ** (self.octaves + self.semitones / 12)

    def __str__(self) -> str:
        """What was done, for people.

        >>> str(Fit(1, 6.2)), str(Fit(-2, -3.0, 5.0)), str(Fit())
        ('an octave up, 6 dB louder', '2 octaves down, 5 semitones up, 3 dB softer', 'as it is')
        """
        words = []
        if self.octaves:
            count = abs(self.octaves)
            name = "an octave" if count == 1 else f"{count} octaves"
            words.append(f"{name} {'up' if self.octaves > 0 else 'down'}")
        if self.semitones:
            unit = "semitone" if abs(self.semitones) == 1 else "semitones"
            way = "up" if self.semitones > 0 else "down"
            words.append(f"{abs(self.semitones):g} {unit} {way}")
        if round(self.gain_db):
            way = "louder" if self.gain_db > 0 else "softer"
            words.append(f"{abs(round(self.gain_db))} dB {way}")
        return ", ".join(words) or "as it is"


def fit_to_register(
    performance: Performance,
    register: Register | None,
    *,
    octaves: int | None = None,
    gain_db: float | None = None,
    semitones: float = 0.0,
) -> Fit:
    """How to bring a performance into a register.

    Args:
        performance: what was heard.
        register: where the instrument plays; None is anywhere.
        octaves: to shift by; None takes those that put most of the voiced, loud time into the
            register, and of those that are as good the fewest.
        gain_db: None takes what makes its loudest as loud as the register's.
        semitones: to transpose by, beside that.

    Raises:
        BadAudio: nothing sounds in it.

    >>> tone = torch.full((200,), 220.0)
    >>> hummed = Performance(tone, tone - 250, torch.ones(200), 200.0)
    >>> str(fit_to_register(hummed, Register(60.0, 96.0, -50.0, -20.0)))
    'an octave up, 10 dB louder'
    """
    sounds = sounding(performance)
    if not bool(sounds.any()):
        raise BadAudio("nothing sounds in it: give a recording with a melody")
    loudest_db = float(performance.loudness_db[sounds].quantile(_LOUDEST))
    floor_db = loudest_db - _FLOOR_DB
    if register is None:
        return Fit(octaves or 0, gain_db or 0.0, semitones, floor_db=floor_db)
    if gain_db is None:
        gain_db = register.loudest_db - loudest_db
    is_melody = sounds & (performance.loudness_db >= loudest_db - _LOUD_DB) & pitched(performance)
    if not bool(is_melody.any()):
        return Fit(octaves or 0, gain_db, semitones, floor_db=floor_db)
    pitch = hz_to_midi(performance.f0_hz[is_melody]) + semitones
    if octaves is None:
        octaves = _octaves_into(pitch, register)
    return Fit(octaves, gain_db, semitones, _inside(pitch + 12 * octaves, register), floor_db)


def fitted(performance: Performance, fit: Fit) -> Performance:
    """The performance as the fit has it; silence stays silent."""
    below_db = (fit.floor_db - performance.loudness_db).clamp_min(0)
    softer = performance.loudness_db - _SOFTER * below_db
    louder = (softer + fit.gain_db).clamp_min(SILENCE_DB)
    return replace(
        performance,
        f0_hz=performance.f0_hz * fit.ratio,
        loudness_db=torch.where(performance.loudness_db <= SILENCE_DB, SILENCE_DB, louder),
    )


def _octaves_into(pitch: Float[Tensor, " frames"], register: Register) -> int:
    """The fewest octaves that are about as good as the best; where none fits, the nearest."""
    shifts = sorted(range(-MOST_OCTAVES, MOST_OCTAVES + 1), key=lambda count: (abs(count), count))
    inside = {count: _inside(pitch + 12 * count, register) for count in shifts}
    best = max(inside.values())
    if best <= _AS_GOOD:
        return min(shifts, key=lambda count: _beyond(pitch + 12 * count, register))
    return next(count for count in shifts if inside[count] >= best - _AS_GOOD)


def _inside(pitch: Float[Tensor, " frames"], register: Register) -> float:
    lowest = register.lowest_pitch - _EDGE_SEMITONES
    highest = register.highest_pitch + _EDGE_SEMITONES
    return float(((pitch >= lowest) & (pitch <= highest)).float().mean())


def _beyond(pitch: Float[Tensor, " frames"], register: Register) -> float:
    """By how many semitones it is out of the register, on average."""
    below, above = register.lowest_pitch - pitch, pitch - register.highest_pitch
    return float(torch.maximum(below, above).clamp_min(0).mean())
