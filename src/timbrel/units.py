"""Conversions between musical, physical and perceptual units.

Each works alike on floats, numpy arrays and tensors, and is exactly inverse to its partner up to
rounding. Notes have names: middle C, MIDI number 60, is C4.
"""

from __future__ import annotations

import math
import re
from typing import TypeVar

import numpy as np
import torch

Number = TypeVar("Number", float, np.ndarray, torch.Tensor)

A4_HZ = 440.0
A4_MIDI = 69

_NOTE = re.compile(r"([A-Ga-g])([#♯b♭]?)(-?\d)")
_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ACCIDENTALS = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}
_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def _log(x: Number) -> Number:
    if isinstance(x, torch.Tensor):
        return x.log()
    return np.log(x) if isinstance(x, np.ndarray) else math.log(x)  # pyright: ignore[reportReturnType]


def _log10(x: Number) -> Number:
    if isinstance(x, torch.Tensor):
        return x.log10()
    return np.log10(x) if isinstance(x, np.ndarray) else math.log10(x)  # pyright: ignore[reportReturnType]


def midi_to_hz(pitch: Number) -> Number:
    """Frequency in Hz of a (fractional) MIDI pitch.

    >>> round(midi_to_hz(60.0), 3)
    261.626
    """
    return A4_HZ * 2.0 ** ((pitch - A4_MIDI) / 12.0)  # pyright: ignore[reportReturnType]


def hz_to_midi(frequency_hz: Number) -> Number:
    """Fractional MIDI pitch of a positive frequency in Hz.

    >>> hz_to_midi(880.0)
    81.0
    """
    return _log(frequency_hz / A4_HZ) * (12.0 / math.log(2.0)) + A4_MIDI


def db_to_amplitude(level_db: Number) -> Number:
    """Linear amplitude of a level in dB.

    >>> round(db_to_amplitude(-6.0), 3)
    0.501
    """
    return 10.0 ** (level_db / 20.0)  # pyright: ignore[reportReturnType]


def amplitude_to_db(amplitude: Number) -> Number:
    """Level in dB of a positive linear amplitude.

    >>> amplitude_to_db(0.1)
    -20.0
    """
    return 20.0 * _log10(amplitude)


def db_to_power(level_db: Number) -> Number:
    """Power, such as a squared amplitude, of a level in dB.

    >>> round(db_to_power(-3.0), 3)
    0.501
    """
    return 10.0 ** (level_db / 10.0)  # pyright: ignore[reportReturnType]


def power_to_db(power: Number) -> Number:
    """Level in dB of a positive power.

    >>> power_to_db(0.5)
    -3.01
    """
    return 10.0 * _log10(power)


def sum_of_powers_db(first_db: torch.Tensor, second_db: torch.Tensor) -> torch.Tensor:
    """Level of two powers together, without leaving the range of floats.

    >>> sum_of_powers_db(torch.tensor(-6.0), torch.tensor(-6.0))
    tensor(-2.9897)
    """
    nepers_per_db = math.log(10) / 10
    return torch.logaddexp(first_db * nepers_per_db, second_db * nepers_per_db) / nepers_per_db


def cents_between(frequency_hz: Number, reference_hz: Number) -> Number:
    """Signed interval in cents from the reference up to the frequency.

    >>> round(cents_between(880.0, 440.0), 6)
    1200.0
    """
    return _log(frequency_hz / reference_hz) * (1200.0 / math.log(2.0))


def pitch_name(pitch: int) -> str:
    """The name of a MIDI number, with sharps.

    >>> pitch_name(60), pitch_name(54)
    ('C4', 'F#3')
    """
    return f"{_NAMES[pitch % 12]}{pitch // 12 - 1}"


def parse_pitch(name: str) -> int:
    """The MIDI number of a note's name.

    >>> parse_pitch("C4"), parse_pitch("f#3"), parse_pitch("Bb-1")
    (60, 54, 10)

    Raises:
        ValueError: it is none, or its number is not 0 to 127.
    """
    match = _NOTE.fullmatch(name)
    if not match:
        raise ValueError(f"{name!r} is no note: wanted a name like F#3")
    letter, accidental, octave = match.groups()
    pitch = 12 * (int(octave) + 1) + _SEMITONES[letter.upper()] + _ACCIDENTALS[accidental]
    if not 0 <= pitch <= 127:
        raise ValueError(f"{name!r} lies beyond the MIDI notes, C-1 to G9")
    return pitch
