"""Patches as TOML that people read and write.

A file is one patch,

    synth = "amsynth"
    name = "Warm"
    category = "pad"
    author = "me"                  # this and the category may be left out

    [values]
    filter_cutoff = 0.4            # in the knob's unit
    osc1_waveform = "sine"         # a switch: its choice, or the number of it

or a bank, which says once what holds for all that do not say otherwise:

    synth = "amsynth"
    author = "me"

    [[patches]]
    name = "Warm"
    [patches.values]
    filter_cutoff = 0.4

Knobs that are not named stand at their default.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import tomli_w
from pydantic import BeforeValidator, ConfigDict, Field

from timbrel.config import Settings, make_settings
from timbrel.errors import BadConfig, BadPatch
from timbrel.sound import Control
from timbrel.synths.formats.checking import legal_category, legal_values, require_at_most
from timbrel.synths.formats.program import LONGEST_NAME, plain_name
from timbrel.synths.parameters import Parameters
from timbrel.synths.patch import Patch

KnobsOf = Callable[[str], Parameters | None]
"""What knows the knobs of a synthesizer by its name; None of one that it does not know."""

_MOST_PATCHES = 4096
_MOST_LINES = 50 * _MOST_PATCHES
_LONGEST_LINE = 1000
_MOST_DOTS = 10_000
"""Beyond two a line: each makes a table within a table."""

_MOST_DOTS_OF_A_TABLE = 16
"""The parser walks through them all again for each line below it."""

_SHARED = ("synth", "category", "author")
"""What a bank may say once."""


def _number_or_choice(value: object) -> float | str:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("wanted a number, or the name of a choice")
    try:
        return value if isinstance(value, str) else float(value)
    except OverflowError:
        raise ValueError("wanted a number that a knob can have") from None


_Place = Annotated[float | str, BeforeValidator(_number_or_choice)]


class _Told(Settings):
    """A patch as its file tells it; what is not finite, the knobs refuse in words of their own."""

    model_config = ConfigDict(allow_inf_nan=True)

    synth: str = Field(min_length=1, max_length=LONGEST_NAME)
    name: str = Field(default="", max_length=LONGEST_NAME)
    category: str = Field(default="", max_length=40)
    author: str = Field(default="", max_length=LONGEST_NAME)
    values: dict[str, _Place] = Field(default_factory=dict)


def read_readable(data: bytes, knobs_of: KnobsOf) -> list[Patch]:
    """The patches of a TOML file.

    Args:
        data: its bytes.
        knobs_of: what knows the synthesizer that the file names.

    Raises:
        BadPatch: it is no TOML, or no patch, or holds what its synthesizer does not know.
    """
    _require_modest(data)
    try:
        tables = tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise BadPatch(f"is no TOML ({str(error)[:80]})") from None
    if "patches" in tables:
        return _bank(tables, knobs_of)
    return [_patch(tables, knobs_of, "patch")]


def _require_modest(data: bytes) -> None:
    """What Python's parser would be at for minutes, and in gigabytes, is not given to it."""
    lines = data.split(b"\n")
    require_at_most(_MOST_LINES, "lines", len(lines))
    require_at_most(_LONGEST_LINE, "characters in a line", max(map(len, lines)))
    require_at_most(_MOST_DOTS, "dots", sum(max(line.count(b".") - 2, 0) for line in lines))
    tables = [line for line in lines if line.lstrip()[:1] == b"["]
    require_at_most(2 * _MOST_PATCHES, "tables", len(tables))
    deepest = max((line.count(b".") for line in tables), default=0)
    require_at_most(_MOST_DOTS_OF_A_TABLE, "dots in the name of a table", deepest)


def readable_text(patches: Sequence[Patch], knobs_of: KnobsOf) -> bytes:
    """Patches as TOML: one at the top, several as a bank; switches by their choices' names."""
    require_at_most(_MOST_PATCHES, "patches", len(patches))
    tables = [_table(patch, knobs_of(patch.synth)) for patch in patches]
    if len(tables) == 1:
        return tomli_w.dumps(tables[0]).encode()
    shared = {key: tables[0][key] for key in _SHARED if _is_shared(key, tables)}
    return "\n".join((tomli_w.dumps(shared), *(_in_bank(t, shared) for t in tables))).encode()


def _in_bank(table: dict[str, Any], shared: Mapping[str, Any]) -> str:
    """A patch of a bank; tomli_w itself would put short ones into lists within a line."""
    own = {key: text for key, text in table.items() if key not in {*shared, "values"}}
    return f"[[patches]]\n{tomli_w.dumps(own)}[patches.values]\n{tomli_w.dumps(table['values'])}"


def _is_shared(key: str, tables: Sequence[dict[str, Any]]) -> bool:
    return key in tables[0] and all(table.get(key) == tables[0][key] for table in tables)


def _bank(tables: dict[str, Any], knobs_of: KnobsOf) -> list[Patch]:
    patches = tables.pop("patches")
    if not isinstance(patches, list) or len(patches) > _MOST_PATCHES:
        raise BadPatch(f"patches is no list: a bank has [[patches]], at most {_MOST_PATCHES}")
    if others := tables.keys() - set(_SHARED):
        raise BadPatch(f"a bank has {', '.join(_SHARED)} and [[patches]], not {min(others)[:40]!r}")
    found = []
    for number, own in enumerate(patches, start=1):
        if not isinstance(own, dict):
            raise BadPatch(f"patch {number} is no table")
        found.append(_patch(tables | own, knobs_of, f"patch {number}"))
    if not found:
        raise BadPatch("holds no patch")
    return found


def _patch(table: dict[str, Any], knobs_of: KnobsOf, where: str) -> Patch:
    try:
        told = make_settings(_Told, table, where)
    except BadConfig as error:
        raise BadPatch(str(error)) from None
    name = plain_name(told.name)
    knobs = knobs_of(told.synth)
    known = {control.name: control for control in knobs or ()}
    try:
        values = {key: _number(key, value, known) for key, value in told.values.items()}
        return Patch(name, told.synth, legal_values(values, knobs),
                     legal_category(told.category), plain_name(told.author))  # fmt: skip
    except BadPatch as error:
        raise BadPatch(f"{where} {name[:40]!r}: {error}" if name else f"{where}: {error}") from None


def _number(name: str, value: float | str, known: Mapping[str, Control]) -> float:
    """A number as it is, a choice by its name as its number."""
    choices = known[name].choices if name in known else ()
    if value in choices:
        return known[name].minimum + choices.index(str(value))
    if isinstance(value, str):
        wanted = ", ".join(choices) or "a number"
        raise BadPatch(f"{name[:60]} is {value[:40]!r}, wanted {wanted}")
    if choices and not float(value).is_integer():
        raise BadPatch(f"{name} is {value:g}, wanted a whole number or {', '.join(choices)}")
    return value


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
