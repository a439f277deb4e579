"""`subtractive`: our own synthesizer, which needs nothing installed.

knobs     its parameters, and what is turned while it plays
voicing   what a patch means for a note
curves    what moves in a note
waves, shaping, reverb, plain   what it is, on tensors: differentiable, slow
"""

from timbrel.synths.subtractive.knobs import CONTROLS, PARAMETERS
from timbrel.synths.subtractive.synth import Subtractive

__all__ = ["CONTROLS", "PARAMETERS", "Subtractive"]
