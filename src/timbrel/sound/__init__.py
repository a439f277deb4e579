"""The nouns that everyone shares: notes, timbre spaces, controls, performances, registers,
rendered audio.
"""

from timbrel.sound.control import Control
from timbrel.sound.notes import BEND_RATE, Notes, Performance, Rendered
from timbrel.sound.register import Register
from timbrel.sound.timbre_space import Dimension, Kind, MorphPath, TimbreSpace

__all__ = [
    "BEND_RATE",
    "Control",
    "Dimension",
    "Kind",
    "MorphPath",
    "Notes",
    "Performance",
    "Register",
    "Rendered",
    "TimbreSpace",
]
