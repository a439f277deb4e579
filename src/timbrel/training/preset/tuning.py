"""A model of one synthesizer as the beginning of a model of another."""

from __future__ import annotations

from pathlib import Path

from timbrel.instruments.model_folder import read_model_settings, read_weights
from timbrel.instruments.preset import PresetNetwork, PresetSettings

_HEARS = ("listener.", "matcher.", "predictor.hidden.")
"""What knows sounds and no knobs."""


def take_over(folder: Path, network: PresetNetwork, synth: str) -> None:
    """Have a network of a synthesizer begin with the weights of a model.

    Of a model of another synthesizer it takes those that know no knobs: what it hears, and which
    tones are alike. What names knobs begins anew.

    Raises:
        BadModel: there are no weights, or they cannot be used.
    """
    theirs = read_model_settings(folder, PresetSettings).synth
    read_weights(folder, network, ("",) if theirs == synth else _HEARS)
