"""Figures: what an instrument is worth on notes that it never heard, beside its baselines."""

from timbrel.evaluate.directions import direction_figures
from timbrel.evaluate.held_out import default_set, find_soundfont, held_out_sets
from timbrel.evaluate.morphs import morph_figures
from timbrel.evaluate.picture import draw_comparison
from timbrel.evaluate.quality import evaluate_instrument

__all__ = [
    "default_set",
    "direction_figures",
    "draw_comparison",
    "evaluate_instrument",
    "find_soundfont",
    "held_out_sets",
    "morph_figures",
]
