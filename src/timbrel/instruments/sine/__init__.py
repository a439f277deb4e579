"""`sine`: a few exact harmonics, weightless. The family that tests play.

Everything above the interface can be tested with it to the sample: its pitch, level and length
are known in closed form. Its timbre is the amplitudes of its four harmonics.
"""

from timbrel.instruments.sine.instrument import Sine
from timbrel.instruments.sine.player import SinePlayer
from timbrel.instruments.sine.settings import N_HARMONICS, SineSettings

__all__ = ["N_HARMONICS", "Sine", "SinePlayer", "SineSettings"]
