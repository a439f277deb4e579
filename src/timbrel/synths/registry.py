"""Finding synthesizers: one line each, imported when asked for; plug-ins by their path."""

from __future__ import annotations

import difflib
from importlib import import_module
from pathlib import Path

from timbrel.errors import BadInput
from timbrel.synths.known_plug_ins import remember_plug_in, require_known_plug_in, whole_path
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


def load_synth(name: str, told_by: Path | None = None) -> Synth:
    """A synthesizer by name, or by the path of a plug-in or of a TOML file that tells of one.

    Args:
        name: either.
        told_by: the file that names it, which may be anybody's; None where whoever works here does.

    Raises:
        BadInput: there is none of that name, or the file names a plug-in that is not known here.
        MissingExtra: what hosts it is not installed.
        SynthFailed: a plug-in cannot be loaded.
    """
    if told_by is not None:
        require_known(name, told_by)
    if _is_file(name):
        from timbrel.synths.plugin import Plugin

        plug_in = Plugin(name)
        remember_plug_in(name)
        return plug_in
    if name not in _SYNTHS:
        near = difflib.get_close_matches(name, _SYNTHS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(_SYNTHS)}"
        raise BadInput(f"no synthesizer {name!r}: {hint}, or give the path of a plug-in")
    module, _, kind = _SYNTHS[name].partition(":")
    return getattr(import_module(module), kind)()


def require_known(name: str, told_by: Path) -> None:
    """That a file, which may be anybody's, names no plug-in but one that is known here.

    Raises:
        BadInput: it does.
    """
    if _is_file(name):
        require_known_plug_in(name, told_by)


def whole_name(name: str) -> str:
    """The name of a synthesizer; of a plug-in its whole path, which is the same from any folder."""
    return whole_path(name) if _is_file(name) else name


def _is_file(name: str) -> bool:
    return Path(name).suffix.lower() in _FILES
