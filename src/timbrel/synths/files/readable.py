"""Patches as TOML that people read: a file is one patch, or a bank of [[patches]].

synth = "amsynth"
name = "Warm"
category = "pad"

[values]
filter_cutoff = 0.4
osc1_waveform = "sine"
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from typing import Any

import tomli_w
from pydantic import Field

from timbrel.config import Settings, make_settings
from timbrel.errors import BadConfig, BadPatch
from timbrel.synths.files.checking import (
    legal_category,
    legal_values,
    parameters_of,
    require_at_most,
)
from timbrel.synths.files.program import LONGEST_NAME, plain_name
from timbrel.synths.parameters import Parameters
from timbrel.synths.patch import Patch

_MOST_PATCHES = 4096
_MOST_LINES = 50 * _MOST_PATCHES
_LONGEST_LINE = 1000


class _Told(Settings):
    """A patch as its file tells it."""

    synth: str = Field(min_length=1, max_length=LONGEST_NAME)
    name: str = Field(default="", max_length=LONGEST_NAME)
    category: str = Field(default="", max_length=40)
    author: str = Field(default="", max_length=LONGEST_NAME)
    values: dict[str, float | str] = Field(default_factory=dict)


def read_readable(data: bytes, knobs: Parameters | None = None) -> list[Patch]:
    """The patches of a TOML file.

    Args:
        data: its bytes.
        knobs: of the synthesizer; else of the one that the file names, where it is known.

    Raises:
        BadPatch: it is no TOML, or no patch, or holds what its synthesizer does not know.
    """
    _require_modest(data)
    try:
        tables = tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise BadPatch(f"is no TOML ({str(error)[:80]})") from None
    many = tables.get("patches")
    if many is None:
        return [_patch(tables, knobs, "patch")]
    if not isinstance(many, list) or len(many) > _MOST_PATCHES or tables.keys() - {"patches"}:
        raise BadPatch("a bank has [[patches]] and nothing else")
    return [_patch(table, knobs, f"patch {number}") for number, table in enumerate(many, start=1)]


def _require_modest(data: bytes) -> None:
    """What Python's parser would be at for minutes, and in gigabytes, is not given to it."""
    lines = data.split(b"\n")
    require_at_most(_MOST_LINES, "lines", len(lines))
    require_at_most(_LONGEST_LINE, "characters in a line", max(map(len, lines)))
    require_at_most(2 * _MOST_PATCHES, "tables", sum(line.lstrip()[:1] == b"[" for line in lines))


def readable_text(patches: Sequence[Patch], knobs: Parameters | None = None) -> bytes:
    """Patches as TOML: one at the top, several as a bank; switches by their choices' names."""
    require_at_most(_MOST_PATCHES, "patches", len(patches))
    tables = [_table(patch, knobs or parameters_of(patch.synth)) for patch in patches]
    return tomli_w.dumps(tables[0] if len(tables) == 1 else {"patches": tables}).encode()


def _patch(table: Any, knobs: Parameters | None, where: str) -> Patch:
    if not isinstance(table, dict):
        raise BadPatch(f"{where} is no table")
    try:
        told = make_settings(_Told, table, where)
    except BadConfig as error:
        raise BadPatch(str(error)) from None
    knobs = knobs or parameters_of(told.synth)
    values = {name: _number(name, value, knobs) for name, value in told.values.items()}
    try:
        return Patch(plain_name(told.name), told.synth, legal_values(values, knobs),
                     legal_category(told.category), plain_name(told.author))  # fmt: skip
    except BadPatch as error:
        raise BadPatch(f"{where}: {error}") from None


def _number(name: str, value: float | str, knobs: Parameters | None) -> float:
    """A number as it is, a choice by its name as its number."""
    if not isinstance(value, str):
        return value
    for control in knobs or ():
        if control.name == name and value in control.choices:
            return control.minimum + control.choices.index(value)
        if control.name == name and control.choices:
            raise BadPatch(f"{name} is {value[:40]!r}, wanted {', '.join(control.choices)}")
    raise BadPatch(f"{name[:60]} is {value[:40]!r}, wanted a number")


def _table(patch: Patch, knobs: Parameters | None) -> dict[str, Any]:
    said = {"synth": patch.synth, "name": patch.name, "category": patch.category,
            "author": patch.author}  # fmt: skip
    values = {name: _said(name, value, knobs) for name, value in patch.values.items()}
    return {key: text for key, text in said.items() if text} | {"values": values}


def _said(name: str, value: float, knobs: Parameters | None) -> float | str:
    for control in knobs or ():
        if control.name == name and control.choices:
            return control.choices[round(control.clip(value) - control.minimum)]
    return float(f"{value:.9g}")
