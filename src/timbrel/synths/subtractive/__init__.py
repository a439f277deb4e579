"""`subtractive`: our own synthesizer, which needs nothing installed.

    knobs     its parameters, and what is turned while it plays
    voicing   what a patch means for a note
    curves    what moves in a note
    waves, shaping, reverb, noise   what is made of that, on tensors
    plain     notes of these: differentiable, slow, and the oracle of what follows
    state, ticks, oscillators, edges, chain, lanes   the same compiled, many notes side by side
    rendering, player   lanes that are rendered, and lanes that are played
    factory   the patches that come with it
    synth     the interface

Nothing is drawn and nothing is kept from one note to the next: the same notes sound the same.
"""

from timbrel.synths.subtractive.knobs import CONTROLS, PARAMETERS
from timbrel.synths.subtractive.synth import Subtractive

__all__ = ["CONTROLS", "PARAMETERS", "Subtractive"]
