"""Real synthesizers behind one small interface: patches and notes go in, audio comes out.

    patch       where the knobs of a synthesizer stand, by name
    parameters  the knobs of a synthesizer, as data, and what a vector of them means
    synth       the interface
    registry    finding synthesizers by name

What is known of instruments, models and recordings stands above; this room knows knobs alone.
"""

from timbrel.synths.parameters import UNTOUCHED, Parameters
from timbrel.synths.patch import CATEGORIES, Patch
from timbrel.synths.registry import load_synth, require_known, synths, whole_name
from timbrel.synths.synth import Synth

__all__ = [
    "CATEGORIES",
    "UNTOUCHED",
    "Parameters",
    "Patch",
    "Synth",
    "load_synth",
    "require_known",
    "synths",
    "whole_name",
]
