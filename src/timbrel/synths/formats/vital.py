""".vital presets: JSON, of whose `settings` the numbers are knobs.

What else is in them, wavetables, LFO shapes, samples and cables, is no knob and is left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from timbrel.errors import BadPatch
from timbrel.synths.formats.checking import legal_values, require_at_most
from timbrel.synths.formats.program import plain_name
from timbrel.synths.formats.readable import KnobsOf
from timbrel.synths.patch import Patch

_STYLES = {
    "bass": "bass", "lead": "lead", "pad": "pad", "sfx": "fx", "keys": "keys", "pluck": "pluck",
    "percussion": "drum", "sequence": "sequence", "experiment": "other",
}  # fmt: skip


_MOST = {"[": 100_000, "{": 100_000, ",": 500_000}
"""Wavetables and samples, of which the larger part of a preset consists, are strings."""


def read_vital(data: bytes, knobs_of: KnobsOf) -> list[Patch]:
    """The one patch of a .vital.

    Args:
        data: its bytes.
        knobs_of: what knows Vital, asked when the rest is as it should be.

    Raises:
        BadPatch: it is no JSON, or none of Vital's, or a value is out of its range.
    """
    for what, most in _MOST.items():
        require_at_most(most, what, data.count(what.encode()))
    try:
        preset = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadPatch(f"is no JSON ({str(error)[:60]})") from None
    settings = preset.get("settings") if isinstance(preset, dict) else None
    if not isinstance(settings, dict):
        raise BadPatch("has no table 'settings': it is no preset of Vital")
    values = {name: _number(name, v) for name, v in settings.items() if _is_number(v)}
    knobs = knobs_of("vital")
    if knobs is not None:  # presets of other versions of Vital know other knobs
        known = set(knobs.names)
        values = {name: value for name, value in values.items() if name in known}
    if not values:
        raise BadPatch("sets no knob of Vital")
    style = _STYLES.get(_text(preset, "preset_style").lower(), "")
    name, author = _text(preset, "preset_name"), _text(preset, "author")
    return [Patch(name, "vital", legal_values(values, knobs), style, author)]


def with_names(text: str, patch: Patch) -> bytes:
    """The text of a preset that vita wrote, with what the patch is called."""
    style = next((s for s, category in _STYLES.items() if category == patch.category), "")
    named = {"preset_name": patch.name, "author": patch.author, "preset_style": style.capitalize()}
    return json.dumps(json.loads(text) | named).encode()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(name: str, value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        raise BadPatch(f"{plain_name(name)[:60]} is beyond all numbers") from None


def _text(preset: Mapping[str, Any], key: str) -> str:
    value = preset.get(key)
    return plain_name(value) if isinstance(value, str) else ""
