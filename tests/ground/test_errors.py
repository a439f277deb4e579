"""One tree, one line each, and whole after a journey between processes."""

from __future__ import annotations

import copy
import inspect

import pytest

from timbrel import errors
from timbrel.errors import (
    BadAudio,
    BadConfig,
    BadInput,
    BadModel,
    BadScore,
    MissingExtra,
    TimbrelError,
    Unsupported,
)


def test_the_tree_is_as_drawn() -> None:
    assert {c.__name__: c.__base__ for c in (BadAudio, BadScore, BadConfig, BadModel)} == (
        dict.fromkeys(("BadAudio", "BadScore", "BadConfig", "BadModel"), BadInput)
    )
    assert BadInput.__base__ is Unsupported.__base__ is MissingExtra.__base__ is TimbrelError
    drawn = errors.__doc__ or ""
    classes = [n for n, c in vars(errors).items() if inspect.isclass(c)]
    assert all(name in drawn for name in classes)


def test_a_message_is_one_line_whatever_it_quotes() -> None:
    assert str(BadInput("no file\n  at 'a\tb'\r\n")) == "no file at 'a b'"


def test_a_missing_part_says_how_to_get_it() -> None:
    error = MissingExtra("CREPE", "crepe")
    assert str(error) == "CREPE is not installed: pip install 'timbrel[crepe]'"


@pytest.mark.parametrize("error", [BadModel("x is damaged"), MissingExtra("CREPE", "crepe")])
def test_an_error_survives_the_way_back_from_a_worker(error: TimbrelError) -> None:
    """Process pools rebuild an exception from its class and `args`, as copying does."""
    again = copy.copy(error)
    assert type(again) is type(error)
    assert str(again) == str(error)
