"""Named timbres: banks, arithmetic on names, morphs, and directions measured on encoded sounds."""

from timbrel.timbre.bank import Bank
from timbrel.timbre.directions import mean_timbres, measure_direction
from timbrel.timbre.entry import Entry, EntryKind
from timbrel.timbre.expression import Lookup, WeightedSum, blend, offset, parse, quoted
from timbrel.timbre.morphing import alphas, corner_weights, morph, pad, pad_weights, path_weights

__all__ = [
    "Bank",
    "Entry",
    "EntryKind",
    "Lookup",
    "WeightedSum",
    "alphas",
    "blend",
    "corner_weights",
    "mean_timbres",
    "measure_direction",
    "morph",
    "offset",
    "pad",
    "pad_weights",
    "parse",
    "path_weights",
    "quoted",
]
