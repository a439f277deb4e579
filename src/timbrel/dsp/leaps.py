"""Which frames of a melody to believe: a leap must be clear, or stay where it leapt to.

In an s or a breath a tracker hears pitches far from the melody, for some frames each, and says that
they are likely. Whoever follows them chirps.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch

from timbrel.dsp.clearness import SURE
from timbrel.sound import Performance

DOUBTED = 0.4
"""The confidence of a pitch that is not believed."""

_CERTAIN = 0.85
_LEAP, _NEAR = 0.5, 1 / 12
"""In octaves: from which on it is one, and what is the same pitch."""

_STAYS_S = 0.1


class Leaps:
    """Judges a melody frame by frame, by what came before.

    Args:
        frame_rate: frames per second.

    >>> leaps = Leaps(200.0)
    >>> [leaps.believed(f0_hz, sure) for f0_hz, sure in ((220, 1.0), (900, 0.7), (440, 0.99))]
    [1.0, 0.4, 0.99]
    """

    def __init__(self, frame_rate: float) -> None:
        self._stays = round(_STAYS_S * frame_rate)
        self._last = self._candidate = -math.inf
        self._count = 0

    def believed(self, f0_hz: float, confidence: float) -> float:
        """The confidence of the next frame, lower where its pitch is not believed."""
        if confidence < SURE or f0_hz <= 0:
            self._count = 0
            return confidence
        octave = math.log2(f0_hz)
        if abs(octave - self._last) > _LEAP and confidence < _CERTAIN:
            is_same = self._count and abs(octave - self._candidate) < _NEAR
            self._count = self._count + 1 if is_same else 1
            self._candidate = octave
            if self._count < self._stays:
                return min(confidence, DOUBTED)
        self._last, self._count = octave, 0
        return confidence


def without_leaps(melody: Performance) -> Performance:
    """A melody whose leaps that are not believed have a low confidence.

    >>> f0_hz = torch.tensor([220.0, 900.0, 440.0])
    >>> melody = Performance(f0_hz, -f0_hz / 20, torch.tensor([1.0, 0.7, 1.0]), 200.0)
    >>> without_leaps(melody).confidence
    tensor([1.0000, 0.4000, 1.0000])
    """
    leaps = Leaps(melody.frame_rate)
    frames = zip(melody.f0_hz.tolist(), melody.confidence.tolist(), strict=True)
    confidence = torch.tensor([leaps.believed(*frame) for frame in frames])
    return replace(melody, confidence=confidence.to(melody.confidence))
