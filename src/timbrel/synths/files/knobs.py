"""The knobs of synthesizers whose names stand in files."""

from __future__ import annotations

from functools import cache

from timbrel.errors import MissingExtra
from timbrel.synths.amsynth_knobs import amsynth_parameters
from timbrel.synths.parameters import Parameters
from timbrel.synths.registry import load_synth, synths


@cache
def parameters_of(synth: str) -> Parameters | None:
    """The knobs of a synthesizer by its name; None where they cannot be known here.

    Those of amsynth are known without amsynth. Those of Vital are asked of vita, where it is.
    """
    if synth == "amsynth":
        return amsynth_parameters()
    if synth not in synths():
        return None
    try:
        return load_synth(synth).parameters
    except MissingExtra:
        return None
