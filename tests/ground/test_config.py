"""Settings from TOML and from overrides: what is read, and what is said of what is wrong."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from timbrel.config import (
    Settings,
    make_settings,
    read_settings,
    read_toml,
    to_toml,
    with_overrides,
)
from timbrel.errors import BadConfig

FEW = hypothesis_settings(deadline=None, max_examples=30)


class Loop(Settings):
    steps: int = Field(10, ge=1)
    learning_rate: float = 1e-3


class Whole(Settings):
    name: str = "run"
    size: Literal["tiny", "small"] = "small"
    tags: tuple[str, ...] = ()
    limit: int | None = None
    loop: Loop = Loop()


def test_a_file_holds_what_differs_and_overrides_come_last(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text('name = "mine"\n[loop]\nsteps = 20\n', encoding="utf-8")
    settings = read_settings(Whole, path, ["loop.steps=30", "size=tiny"])
    assert settings == Whole(name="mine", size="tiny", loop=Loop(steps=30))


def test_a_byte_order_mark_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text('name = "mine"\n', encoding="utf-8-sig")
    assert read_settings(Whole, path).name == "mine"


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Whole().name = "other"  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (
            {"loop": {"stps": 1}},
            r"^settings: unknown key 'loop\.stps', did you mean 'loop\.steps'\?",
        ),
        ({"nmae": 1}, r"unknown key 'nmae', did you mean 'name'\?$"),
        ({"zzzzzz": 1}, r"unknown key 'zzzzzz', known keys: name, size, tags, limit, loop, loop\."),
        ({"loop": {"steps": "ten"}}, r"loop\.steps = 'ten': Input should be a valid integer"),
        ({"loop": {"steps": 0}}, r"loop\.steps = 0: Input should be greater than or equal to 1$"),
        ({"loop": 3}, r"loop = 3: Input should be a valid dictionary"),
        ({"size": "huge"}, r"size = 'huge': Input should be 'tiny' or 'small'$"),
        ({"size": "x", "name": 1, "nmae": 2}, r"name = 1: .* \(and 2 more\)$"),
        ({"name": ["x" * 10_000]}, r"^settings: name = \['x{78}: Input should be a valid string$"),
    ],
)
def test_errors_name_the_full_key_and_the_nearest(tables: dict[str, Any], message: str) -> None:
    with pytest.raises(BadConfig, match=message):
        make_settings(Whole, tables)


def test_a_missing_key_is_named_and_nothing_else_quoted() -> None:
    class Named(Settings):
        family: str

    with pytest.raises(BadConfig, match=r"^run\.toml: 'family' is missing: set it$"):
        make_settings(Named, {}, where="run.toml")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"steps = \n", r"a\.toml is not valid TOML \(Invalid value .*line 1"),
        (b"name = '\xff'", r"a\.toml is not valid TOML \('utf-8' codec"),
        (b"a = 1\na = 2", r"not valid TOML \(Cannot overwrite a value"),
        (b"a = " + b"[" * 9000, r"not valid TOML \(.*recursion"),
        (b"[a" + b".a" * 500 + b"]\n" + b"\n" * 20_000, r"not valid TOML \(more tables within"),
        (b"a" + b".a" * 3200 + b" = 1", r"not valid TOML \(more tables within"),
        (b"a = " + b"9" * 9000, r"not valid TOML \(Exceeds the limit"),
    ],
)
def test_what_is_no_toml_is_refused_in_one_line(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(content)
    with pytest.raises(BadConfig, match=message) as caught:
        read_toml(path)
    assert "\n" not in str(caught.value)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match=r"no settings file at .*none\.toml: check the path"):
        read_toml(tmp_path / "none.toml")
    with pytest.raises(BadConfig, match=r"cannot be read \(Is a directory\): give a TOML file"):
        read_toml(tmp_path)


@pytest.mark.parametrize(
    ("override", "tables"),
    [
        ("a=1", {"a": 1}),
        ("a = 1 ", {"a": 1}),
        ("a.b . c=true", {"a": {"b": {"c": True}}}),
        ("a=tiny", {"a": "tiny"}),
        ('a="1"', {"a": "1"}),
        ("a=", {"a": ""}),
        ("a=x=y", {"a": "x=y"}),
        ("a=[1, 2]", {"a": [1, 2]}),
        ('a={b = 1, c = "d"}', {"a": {"b": 1, "c": "d"}}),
        ("a=1e-3", {"a": 1e-3}),
        ("a=data/my set", {"a": "data/my set"}),
        ("a=[", {"a": "["}),
        ("a=" + "[" * 9000, {"a": "[" * 9000}),
        ("a=" + "9" * 5000, {"a": "9" * 5000}),
    ],
)
def test_values_are_toml_or_else_plain_text(override: str, tables: dict[str, Any]) -> None:
    assert with_overrides({}, [override]) == tables


@pytest.mark.parametrize("override", ["a", "", "=1", "a..b=1", ".a=1", "a.=1", " = 2"])
def test_an_override_without_key_or_value_is_refused(override: str) -> None:
    with pytest.raises(BadConfig, match=r"names no key or no value: write key\.path=value"):
        with_overrides({}, [override])


def test_a_value_has_no_keys_below_it() -> None:
    with pytest.raises(BadConfig, match=r"override 'a\.b=2': a is a value, not a table"):
        with_overrides({"a": 1}, ["a.b=2"])


def test_the_last_override_wins_and_the_tables_stay_as_they_were() -> None:
    tables = {"loop": {"steps": 1}}
    assert with_overrides(tables, ["loop.steps=2", "loop.steps=3"]) == {"loop": {"steps": 3}}
    assert tables == {"loop": {"steps": 1}}


TEXT = st.text(st.characters(blacklist_categories=["Cs"]), max_size=20)
SETTINGS = st.builds(
    Whole,
    name=TEXT,
    size=st.sampled_from(["tiny", "small"]),
    tags=st.lists(TEXT, max_size=3).map(tuple),
    limit=st.none() | st.integers(-(2**60), 2**60),
    loop=st.builds(
        Loop,
        steps=st.integers(1, 2**60),
        learning_rate=st.floats(allow_nan=False, allow_infinity=False),
    ),
)


@FEW
@given(SETTINGS)
def test_settings_come_back_from_toml(settings: Whole) -> None:
    """Through text as the file has it: exact floats, any letters, None by absence."""
    assert make_settings(Whole, tomllib.loads(to_toml(settings))) == settings


@FEW
@given(st.recursive(st.integers() | TEXT, lambda x: st.dictionaries(TEXT, x, max_size=2)))
def test_any_tables_give_settings_or_one_line(value: Any) -> None:
    tables = {"loop": value, "name": value}
    if not (isinstance(value, str) or value == {}):
        with pytest.raises(BadConfig) as caught:
            make_settings(Whole, tables)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 300


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="a system without /dev/zero")
def test_a_device_is_refused_and_not_read_to_its_end() -> None:
    with pytest.raises(BadConfig, match="/dev/zero is a pipe or a device: give a TOML file"):
        read_toml("/dev/zero")
