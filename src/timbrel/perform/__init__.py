"""Playing scores: any score, any instrument, any timbre, into files of any length."""

from timbrel.perform.mixing import Mix
from timbrel.perform.parts import Part, cast, cast_by_program, spread
from timbrel.perform.performing import Performed, perform
from timbrel.perform.tracks import for_tracks

__all__ = [
    "Mix",
    "Part",
    "Performed",
    "cast",
    "cast_by_program",
    "for_tracks",
    "perform",
    "spread",
]
