"""Finding synthesizers: one line each, imported when it is asked for."""

from __future__ import annotations

import difflib
from importlib import import_module

from timbrel.errors import BadInput
from timbrel.synths.synth import Synth

_SYNTHS = {
    "subtractive": "timbrel.synths.subtractive:Subtractive",
    "amsynth": "timbrel.synths.amsynth:Amsynth",
    "vital": "timbrel.synths.vital:Vital",
}


def synths() -> tuple[str, ...]:
    """Names of the synthesizers that there are; some need an extra."""
    return tuple(_SYNTHS)


def load_synth(name: str) -> Synth:
    """A synthesizer by name.

    Raises:
        BadInput: there is none of that name.
        MissingExtra: what hosts it is not installed.
    """
    if name not in _SYNTHS:
        near = difflib.get_close_matches(name, _SYNTHS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(_SYNTHS)}"
        raise BadInput(f"no synthesizer {name!r}: {hint}")
    module, _, kind = _SYNTHS[name].partition(":")
    return getattr(import_module(module), kind)()
