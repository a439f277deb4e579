"""Settings: frozen pydantic models, TOML files that hold what differs, `key.path=value` on top.

`Settings` is the base that every configurable class puts beside itself. `read_settings` is the
only way from a file to one of them; its errors name the full key, and the nearest known one.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import tomli_w
from pydantic import BaseModel, ConfigDict, ValidationError

from timbrel.errors import BadConfig
from timbrel.files import is_stream, unreadable

Size = Literal["tiny", "small", "base"]
"""The one dial of a model's size; `tiny` trains in a test."""

_LARGEST = 4 << 20
_MOST_STEPS = 10_000_000
"""From table to table, of a parser that takes three seconds for so many."""


class Settings(BaseModel):
    """Base of all settings: frozen, and strict about unknown keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False
    )


S = TypeVar("S", bound=Settings)


def read_toml(path: str | Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        BadConfig: the file is missing, no plain file, not UTF-8 or not TOML.
    """
    path = Path(path)
    try:
        if is_stream(path):
            raise BadConfig(f"{path} is a pipe or a device: give a TOML file")
        if path.stat().st_size > _LARGEST:
            raise BadConfig(f"{path} is larger than {_LARGEST >> 20} MB: no settings are")
        return parse_toml(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise BadConfig(f"no settings file at {path}: check the path") from None
    except OSError as error:
        raise BadConfig(unreadable(path, error, "give a TOML file")) from None
    except (ValueError, RecursionError) as error:
        raise BadConfig(f"{path} is not valid TOML ({error}): mend that line") from None


def parse_toml(text: str) -> dict[str, Any]:
    """The tables of a TOML text.

    Raises:
        ValueError: it is none, or Python's parser, which for each line walks through all tables
            around it, would be at it for minutes.
    """
    lines = text.split("\n")
    deepest = max((line.count(".") for line in lines if line.lstrip()[:1] == "["), default=0)
    dots = (line.count(".") for line in lines)
    if sum(n * (n + deepest) + deepest for n in dots) > _MOST_STEPS:
        raise ValueError("more tables within tables than anybody writes")
    return tomllib.loads(text)


def read_settings(cls: type[S], path: str | Path, overrides: Iterable[str] = ()) -> S:
    """Settings from a TOML file, with `key.path=value` overrides applied last."""
    return make_settings(cls, with_overrides(read_toml(path), overrides), where=str(path))


def make_settings(cls: type[S], tables: Mapping[str, Any], where: str = "settings") -> S:
    """Validated settings from nested tables.

    Raises:
        BadConfig: an unknown key (the nearest known one is named) or a value that does not fit.
    """
    try:
        return cls.model_validate(dict(tables))
    except ValidationError as error:
        raise BadConfig(f"{where}: {_explain(cls, error)}") from None


def with_overrides(tables: Mapping[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    """A copy of the tables with each `key.path=value` set; values are read as TOML.

    >>> with_overrides({"loop": {"steps": 10}}, ["loop.steps=20", "name=test"])
    {'loop': {'steps': 20}, 'name': 'test'}
    """
    result = _copied(tables)
    for override in overrides:
        key, equals, text = override.partition("=")
        *parents, last = (part.strip() for part in key.split("."))
        if not equals or not all((*parents, last)):
            raise BadConfig(f"override {override!r} names no key or no value: write key.path=value")
        table = result
        for parent in parents:
            table = table.setdefault(parent, {})
            if not isinstance(table, dict):
                raise BadConfig(f"override {override!r}: {parent} is a value, not a table")
        table[last] = _parsed(text.strip())
    return result


def _copied(tables: Mapping[str, Any]) -> dict[str, Any]:
    return {k: _copied(v) if isinstance(v, Mapping) else v for k, v in tables.items()}


def _parsed(text: str) -> Any:
    """`text` as a TOML value, or as a plain string where it is none (`size=tiny`)."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def to_toml(settings: Settings) -> str:
    """The complete settings as TOML text; `None` values are left out, being the default."""
    return tomli_w.dumps(settings.model_dump(mode="json", exclude_none=True))


def _explain(cls: type[BaseModel], error: ValidationError) -> str:
    """The first problem in one line; the count of the others behind it."""
    problems = error.errors()
    first = problems[0]
    key = ".".join(str(part) for part in first["loc"])
    said = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        known = _known_keys(cls)
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.3)
        hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}"
        line = f"unknown key {key!r}, {hint}"
    elif first["type"] == "missing":
        line = f"{key!r} is missing: set it"
    elif not key:
        line = said
    else:
        line = f"{key} = {first.get('input')!r:.80}: {said}"
    return line if len(problems) == 1 else f"{line} (and {len(problems) - 1} more)"


def _known_keys(cls: type[BaseModel], prefix: str = "") -> list[str]:
    keys: list[str] = []
    for name, field in cls.model_fields.items():
        keys.append(prefix + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += _known_keys(field.annotation, f"{prefix}{name}.")
    return keys
