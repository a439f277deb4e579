"""The MIDI controllers that mean something to the engine, and those that controls may have."""

from __future__ import annotations

from timbrel.midi.channels import (
    ALL_SOUND_OFF,
    DATA,
    DATA_FINE,
    EXPRESSION,
    RESET,
    RPN,
    RPN_FINE,
    VOLUME,
)
from timbrel.midi.channels import PEDAL as SUSTAIN

MODULATION, GLIDE_TIME = 1, 5
PORTAMENTO, LEGATO = 65, 68
CHANNEL_MODES = range(ALL_SOUND_OFF, 128)
FIRST_NOTES_OFF, MONO, POLY = 123, 126, 127
"""All modes from the first of these on let all notes go."""

RESERVED = frozenset({
    DATA, VOLUME, EXPRESSION, DATA_FINE, SUSTAIN, PORTAMENTO, LEGATO, RPN_FINE, RPN, *CHANNEL_MODES
})  # fmt: skip
"""Those that mean something already, and turn no control."""

__all__ = [
    "ALL_SOUND_OFF",
    "CHANNEL_MODES",
    "DATA",
    "EXPRESSION",
    "FIRST_NOTES_OFF",
    "GLIDE_TIME",
    "LEGATO",
    "MODULATION",
    "MONO",
    "POLY",
    "PORTAMENTO",
    "RESERVED",
    "RESET",
    "RPN",
    "RPN_FINE",
    "SUSTAIN",
    "VOLUME",
]
