"""Figures: what an instrument is worth on notes that it never heard, beside its baselines."""

from timbrel.evaluate.held_out import held_out_sets
from timbrel.evaluate.quality import evaluate_instrument

__all__ = ["evaluate_instrument", "held_out_sets"]
