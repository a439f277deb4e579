"""Conversions between musical, physical and perceptual units.

Each works alike on floats, numpy arrays and tensors, and is exactly inverse to its partner up to
rounding.
"""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
import torch

Number = TypeVar("Number", float, np.ndarray, torch.Tensor)

A4_HZ = 440.0
A4_MIDI = 69


def _log(x: Number) -> Number:
    if isinstance(x, torch.Tensor):
        return x.log()
    return np.log(x) if isinstance(x, np.ndarray) else math.log(x)  # pyright: ignore[reportReturnType]


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
    return _log(amplitude) * (20.0 / math.log(10.0))


def cents_between(frequency_hz: Number, reference_hz: Number) -> Number:
    """Signed interval in cents from the reference up to the frequency.

    >>> round(cents_between(880.0, 440.0), 6)
    1200.0
    """
    return _log(frequency_hz / reference_hz) * (1200.0 / math.log(2.0))
