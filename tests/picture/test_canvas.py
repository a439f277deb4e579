"""Pictures are written whatever the names in them are, and nothing is said on the way."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from timbrel.picture.canvas import sheet


@pytest.mark.parametrize(
    "name", ["\udcff\udcfe.wav", "we\x1b[31mird\n$\\frac{", "笛.wav", "a\x00b"]
)
def test_whatever_a_sound_is_called_its_picture_is_drawn(tmp_path: Path, name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with sheet(tmp_path / "it.png", 3, 2, title=name) as figure:
            figure.subplots().set(title=name, xlabel=name)
    assert (tmp_path / "it.png").stat().st_size > 1000
