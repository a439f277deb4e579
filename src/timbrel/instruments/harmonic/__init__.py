"""`harmonic`: hear one sound, play it anywhere.

A note is harmonics, noise and a burst (`dsp/tracks`). Their levels over time are what an encoder
hears and a decoder says; what the decoder cannot say of one recording joins its timbre as
coefficients.
"""

from timbrel.instruments.harmonic.course import Course
from timbrel.instruments.harmonic.instrument import Harmonic
from timbrel.instruments.harmonic.network import HarmonicNetwork, HarmonicSettings

__all__ = ["Course", "Harmonic", "HarmonicNetwork", "HarmonicSettings"]
