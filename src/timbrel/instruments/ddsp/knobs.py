"""The family's controls: gains of what sounds, and how played notes move."""

from __future__ import annotations

from dataclasses import dataclass

from timbrel.sound import Control

_GAIN_DB = (-40.0, 12.0, 0.0)

CONTROLS = (
    Control("harmonic_gain", "dB", *_GAIN_DB),
    Control("noise_gain", "dB", *_GAIN_DB),
    Control("reverb_gain", "dB", *_GAIN_DB),
    Control("vibrato_depth", "cents", 0.0, 100.0, 15.0),
    Control("vibrato_rate", "Hz", 3.0, 9.0, 5.5),
    Control("attack", "times", 0.25, 8.0, 1.0, "log"),
    Control("release", "times", 0.25, 8.0, 1.0, "log"),
)


@dataclass(frozen=True)
class Knobs:
    """How the controls stand: a field for each of `CONTROLS`.

    The gains are of the harmonics, of the noise, and of what comes back from the room. The others
    shape the curves of played notes; who follows a melody has its own.
    """

    harmonic_gain: float = 0.0
    noise_gain: float = 0.0
    reverb_gain: float = 0.0
    vibrato_depth: float = 15.0
    vibrato_rate: float = 5.5
    attack: float = 1.0
    release: float = 1.0
