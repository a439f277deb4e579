"""The documents' tables are what the measured figures say, and the picture is the code's."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]
RESULTS = sorted((ROOT / "bench" / "results").glob("*.json"))


@pytest.fixture(scope="module")
def tables() -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(ROOT / "docs" / "make_tables.py")))


@pytest.fixture(scope="module")
def drawing() -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(ROOT / "docs" / "draw_architecture.py")))


def test_every_table_is_current() -> None:
    command = [sys.executable, "docs/make_tables.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_results_say_how_they_were_measured(path: Path) -> None:
    result = json.loads(path.read_text(encoding="utf-8"))
    assert set(result) >= {"figures", "command", "commit", "machine", "threads", "date"}
    assert all(not isinstance(value, dict | list) for value in result["figures"].values())


def test_keys_become_rows_and_columns(tables: SimpleNamespace) -> None:
    columns = {"ours": ("", ""), "theirs": ("", "_theirs"), "fade": ("fade_", "")}
    rows = tables.pivot({"a": 1, "a_theirs": 2, "fade_a": 3, "b": None}, columns)
    assert rows == {"a": {"ours": 1, "theirs": 2, "fade": 3}, "b": {"ours": None}}


def test_keys_of_no_column_are_left_out(tables: SimpleNamespace) -> None:
    assert tables.pivot({"notes": 3, "a_share": 0.5}, {"share": ("", "_share")}) == {
        "a": {"share": 0.5}
    }


def test_the_longest_suffix_wins(tables: SimpleNamespace) -> None:
    columns = {"all": ("", ""), "x": ("", "_x"), "y x": ("", "_y_x")}
    assert tables.pivot({"a_y_x": 1}, columns) == {"a": {"y x": 1}}


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.957, "0.957"), (12.345, "12.3"), (8.0, "8.00"), (10040, "10,040"), (10040.4, "10,040"),
     (0.0012345, "0.00123"), (0.0, "0.00"), (-0.5, "-0.500"), (None, "-"), (True, "True")],
)  # fmt: skip
def test_three_digits_that_count(tables: SimpleNamespace, value: object, text: str) -> None:
    assert tables.shown(value) == text


def test_arrows_point_down(drawing: SimpleNamespace) -> None:
    """The picture's arcs obey the layers: none goes up, and none within a layer but the lowest."""
    rows = drawing.layers()
    levels = {room: level for level, row in enumerate(rows) for room in row}
    arcs = drawing.edges(list(levels))
    assert arcs
    ground = len(rows) - 1
    assert [(a, b) for a, b in arcs if levels[a] >= levels[b] and levels[b] < ground] == []


def test_every_room_is_in_the_picture(drawing: SimpleNamespace) -> None:
    source = ROOT / "src" / "timbrel"
    packages = {path.parent.name for path in source.glob("*/*.py")}
    modules = {path.stem for path in source.glob("[!_]*.py")}
    drawn = {room for row in drawing.layers() for room in row}
    assert packages | modules == drawn


def test_implied_arcs_are_told_apart(drawing: SimpleNamespace) -> None:
    arcs = {("a", "b"): 1, ("b", "c"): 1, ("a", "c"): 1}
    assert set(drawing.direct(arcs)) == {("a", "b"), ("b", "c")}
