"""The patches that come with `subtractive`: a TOML file for each category, a table for each patch.

    ["Night Bus"]
    osc1_waveform = "sine"    # a switch: the name of its choice,
    osc2_octave = 2           # or the number, where its choices are numbers
    cutoff_hz = 3000.0        # what is no switch: in its unit

Knobs that are not named stand at their default.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from timbrel.config import read_toml
from timbrel.errors import BadConfig, BadPatch
from timbrel.sound import Control
from timbrel.synths.patch import CATEGORIES, Patch
from timbrel.synths.subtractive.knobs import PARAMETERS

AUTHOR = "timbrel"
FOLDER = Path(__file__).with_name("factory")

_KNOBS = {control.name: control for control in PARAMETERS}


def factory_banks() -> list[tuple[str, list[Patch]]]:
    """A bank for each category, named like it.

    >>> [name for name, _ in factory_banks()][:3]
    ['bass', 'lead', 'pad']
    """
    return [(category, read_bank(FOLDER / f"{category}.toml")) for category in CATEGORIES]


def read_bank(path: Path) -> list[Patch]:
    """The patches of a file, of the category that it is named after.

    Raises:
        BadPatch: it is not TOML, names a knob that there is not, or a value that it cannot have.
    """
    try:
        tables = read_toml(path)
    except BadConfig as error:
        raise BadPatch(str(error)) from None
    return [_patch(path, name, table) for name, table in tables.items()]


def _patch(path: Path, name: str, table: Any) -> Patch:
    where = f"{path}: preset {name!r}"
    if not isinstance(table, Mapping):
        raise BadPatch(f"{where} is {table!r}: wanted a table of knobs")
    values = {knob: _value(where, knob, told) for knob, told in table.items()}
    return Patch(name, "subtractive", values, category=path.stem, author=AUTHOR)


def _value(where: str, knob: str, told: Any) -> float:
    """What a file says of a knob, in the knob's unit."""
    if knob not in _KNOBS:
        raise BadPatch(f"{where}: no knob {knob!r}: {_hint(knob, _KNOBS)}")
    control = _KNOBS[knob]
    if isinstance(told, str) and control.choices:
        if told not in control.choices:
            raise BadPatch(f"{where}: {knob} is {told!r}: {_hint(told, control.choices)}")
        return float(control.minimum + control.choices.index(told))
    if not _is_legal(control, told):
        whole = "a whole number" if control.choices else "a number"
        wanted = f"{whole} from {control.minimum:g} to {control.maximum:g}"
        raise BadPatch(f"{where}: {knob} is {told!r}: wanted {wanted}")
    return float(told)


def _is_legal(control: Control, told: Any) -> bool:
    is_number = isinstance(told, int | float) and not isinstance(told, bool)
    return is_number and control.clip(told) == told


def _hint(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
