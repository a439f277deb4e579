"""Names, bounds and checksums of what files say, before it reaches a synthesizer."""

from __future__ import annotations

import difflib
import hashlib
import math
import struct
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from timbrel.errors import BadInput, BadPatch
from timbrel.sound import Control
from timbrel.sound.control import number
from timbrel.synths.formats.program import LONGEST_NAME
from timbrel.synths.parameters import Parameters
from timbrel.synths.patch import CATEGORIES, Patch

_MOST_VALUES = 1 << 16
_SLACK = 1e-3


def legal_patch(patch: Patch, knobs: Parameters | None) -> Patch:
    """The patch as it can be written, and read again.

    Raises:
        BadPatch: a name or a value cannot be written, or its synthesizer does not know it.
    """
    try:
        for what in ("name", "synth", "category", "author"):
            _require_text(what, getattr(patch, what))
        if not isinstance(patch.values, Mapping):
            raise BadPatch(f"its values are {type(patch.values).__name__}, wanted numbers by name")
        for name in patch.values:
            _require_text("parameter", name)
        values = {name: number(name[:60], value) for name, value in patch.values.items()}
        return replace(
            patch, values=legal_values(values, knobs), category=legal_category(patch.category)
        )
    except BadInput as error:
        raise BadPatch(f"patch {str(patch.name)[:40]!r}: {error}") from None


def _require_text(what: str, text: Any) -> None:
    """That a text can be written as UTF-8, and is no longer than one that is read."""
    if not isinstance(text, str):
        raise BadPatch(f"its {what} is {text!r:.40}, wanted a text")
    if len(text) > LONGEST_NAME:
        raise BadPatch(f"its {what} has {len(text)} letters, wanted at most {LONGEST_NAME}")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadPatch(f"its {what} {text!r:.60} cannot be written as UTF-8: rename it") from None


def legal_values(values: Mapping[str, float], knobs: Parameters | None) -> dict[str, float]:
    """The values, switches at whole numbers; where knobs are not known, any finite numbers.

    Raises:
        BadPatch: a name that is not known, or a value out of its range.
    """
    require_at_most(_MOST_VALUES, "values", len(values))
    if knobs is None:
        return {name: _finite(name, value) for name, value in values.items()}
    by_name = {control.name: control for control in knobs}
    return {name: _legal(by_name, name, value) for name, value in values.items()}


def require_at_most(most: int, what: str, count: int) -> None:
    """That a file has no more of something than any honest one: parsing it would take too long.

    Raises:
        BadPatch: it has.
    """
    if count > most:
        raise BadPatch(f"has {count} {what}, wanted at most {most}: no file of patches has so many")


def legal_category(category: str) -> str:
    """The category.

    Raises:
        BadPatch: there is none of that name.
    """
    if category and category not in CATEGORIES:
        near = difflib.get_close_matches(category, CATEGORIES, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(CATEGORIES)}"
        raise BadPatch(f"no category {category[:40]!r}: {hint}")
    return category


def changed(patch: Patch, knobs: Parameters | None) -> dict[str, float]:
    """The knobs that stand away from their default; all that are named, where none is known."""
    if knobs is None:
        return dict(patch.values)
    defaults = {control.name: control.default for control in knobs}
    return {
        name: value
        for name, value in patch.values.items()
        if struct.pack("f", value) != struct.pack("f", defaults[name])
    }


def checksum(patch: Patch, knobs: Parameters | None = None) -> str:
    """SHA-256 of what makes the sound: equal for patches that differ in their names alone.

    >>> pad, copy = Patch("Pad", "x", {"a": 0.5}), Patch("Copy of Pad", "x", {"a": 0.5})
    >>> checksum(pad) == checksum(copy), checksum(Patch("Pad", "x", {"a": 0.6}))[:8]
    (True, '0efe26c3')
    """
    digest = hashlib.sha256(patch.synth.encode())
    for name, value in sorted(changed(patch, knobs).items()):
        digest.update(name.encode() + b"\0" + struct.pack("<f", value))
    return digest.hexdigest()


def _finite(name: str, value: float) -> float:
    if not math.isfinite(value) or abs(value) > 1e30:
        raise BadPatch(f"{name[:60]} is {value:g}, wanted a finite number")
    return value


def _legal(knobs: Mapping[str, Control], name: str, value: float) -> float:
    if name not in knobs:
        near = difflib.get_close_matches(name[:60], knobs, n=1)
        hint = f", did you mean {near[0]!r}?" if near else ": it is of another synthesizer"
        raise BadPatch(f"no parameter {name[:60]!r}{hint}")
    control = knobs[name]
    slack = _SLACK * (control.maximum - control.minimum)
    if not control.minimum - slack <= value <= control.maximum + slack:
        span = f"{control.minimum:g} to {control.maximum:g}"
        raise BadPatch(f"{name} is {value:g}, wanted {span}")
    return control.clip(value)
