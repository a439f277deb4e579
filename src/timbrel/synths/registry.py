"""Finding synthesizers: one line each, imported when asked for; plug-ins by their path."""

from __future__ import annotations

import difflib
from importlib import import_module
from pathlib import Path

from timbrel.errors import BadInput
from timbrel.synths.synth import Synth

_SYNTHS = {
    "subtractive": "timbrel.synths.subtractive:Subtractive",
    "amsynth": "timbrel.synths.amsynth:Amsynth",
    "vital": "timbrel.synths.vital:Vital",
}
_FILES = (".toml", ".so", ".vst3", ".dll", ".vst", ".component")


def synths() -> tuple[str, ...]:
    """Names of the synthesizers that there are; some need an extra."""
    return tuple(_SYNTHS)


def load_synth(name: str) -> Synth:
    """A synthesizer by name, or by the path of a plug-in or of a TOML file that tells of one.

    Raises:
        BadInput: there is none of that name.
        MissingExtra: what hosts it is not installed.
        SynthFailed: a plug-in cannot be loaded.
    """
    if Path(name).suffix.lower() in _FILES:
        from timbrel.synths.plugin import Plugin

        return Plugin(name)
    if name not in _SYNTHS:
        near = difflib.get_close_matches(name, _SYNTHS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(_SYNTHS)}"
        raise BadInput(f"no synthesizer {name!r}: {hint}, or give the path of a plug-in")
    module, _, kind = _SYNTHS[name].partition(":")
    return getattr(import_module(module), kind)()
