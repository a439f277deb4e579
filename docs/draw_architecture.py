"""Draws docs/images/architecture.svg and .png from the code: its rooms, and who imports whom.

The bands are the layers that the linter holds (pyproject.toml), the arcs are read from the import
statements, and each room's line is its own docstring's, over the rooms within it. An arc that a
longer path implies is pale; imports of the lowest band, which everyone may use, are left out.
"""

from __future__ import annotations

import ast
import itertools
import re
import tomllib
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path as MplPath

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "timbrel"
IMAGES = ROOT / "docs" / "images"
WIDTH, HEIGHT, ROW, GAP = 9.8, 0.62, 0.78, 0.34
LONGEST = 72
PAPER, INK = "#fbfaf7", "#22303c"
BANDS = ("#e4ecf5", "#e6f1e8", "#f8eeda", "#f3e6ec")
ARCS = ("#3a6ea5", "#3f8f5b", "#b8822a", "#a34a6f")

Edges = dict[tuple[str, str], int]


def layers() -> list[list[str]]:
    """The rooms of each layer, top first, as pyproject.toml's contract names them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    rows = contracts["tool"]["importlinter"]["contracts"][0]["layers"]
    names = [
        [name.strip().removeprefix("timbrel.") for name in re.split("[|:]", row)] for row in rows
    ]
    there = [[name for name in row if modules(name)] for row in names]
    return [row for row in there if row]


def modules(room: str) -> list[Path]:
    """The source files of a room, which is a package or a single module."""
    folder = SOURCE / room
    return sorted(folder.rglob("*.py")) if folder.is_dir() else sorted(SOURCE.glob(f"{room}.py"))


def imported_rooms(module: Path) -> set[str]:
    """The rooms that a file imports, at its top or inside a function."""
    names: list[str] = []
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    parts = [name.split(".") for name in names]
    return {part[1] for part in parts if part[0] == "timbrel" and len(part) > 1}


def edges(rooms: list[str]) -> Edges:
    """For each pair of rooms, how many files of the first import the second."""
    counts: Edges = {}
    for room in rooms:
        others = [imported_rooms(module) & set(rooms) - {room} for module in modules(room)]
        for other in itertools.chain.from_iterable(others):
            counts[room, other] = counts.get((room, other), 0) + 1
    return counts


def direct(all_edges: Edges) -> Edges:
    """The edges that no longer path of edges implies."""
    reach = set(all_edges)
    nodes = {node for edge in all_edges for node in edge}
    for middle, first, last in itertools.product(nodes, repeat=3):  # Warshall: middle outermost
        if (first, middle) in reach and (middle, last) in reach:
            reach.add((first, last))
    return {
        (first, last): count
        for (first, last), count in all_edges.items()
        if not any((first, m) in reach and (m, last) in reach for m in nodes)
    }


def first_line(room: str) -> str:
    """What a room says of itself, in one line: as many of its clauses as there is room for."""
    file = SOURCE / room / "__init__.py"
    file = file if file.is_file() else SOURCE / f"{room}.py"
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    line = " ".join(text.split("\n\n")[0].split()).replace("`", "").rstrip(".")
    clauses = [line[: found.start()] for found in re.finditer(r"[.,:;](?= )|$", line)]
    return max((some for some in clauses if len(some) <= LONGEST), default=clauses[0])


def rooms_within(room: str) -> str:
    """The names of the rooms within a room."""
    return " · ".join(sorted(file.parent.name for file in (SOURCE / room).glob("*/__init__.py")))


def heights(rows: list[list[str]]) -> dict[str, float]:
    """The height at which each room stands; a gap parts the layers."""
    places, y = {}, 0.0
    for row in rows:
        for room in row:
            places[room] = y
            y -= ROW
        y -= GAP
    return places


def draw(rows: list[list[str]], axes: Axes) -> None:
    """The bands, the boxes and the arcs."""
    places = heights(rows)
    for level, row in enumerate(rows):
        for room in row:
            _draw_room(axes, room, places[room], BANDS[level % len(BANDS)])
    drawn = {e: n for e, n in edges(list(places)).items() if e[1] not in rows[-1]}
    kept = direct(drawn)
    levels = {room: level for level, row in enumerate(rows) for room in row}
    for upper, lower in sorted(drawn, key=lambda edge: (edge in kept, edge)):
        colour = ARCS[levels[upper] % len(ARCS)]
        _draw_arc(axes, places[upper], places[lower], colour, strong=(upper, lower) in kept)
    axes.set_xlim(-0.1, WIDTH + 4.2)
    axes.set_ylim(min(places.values()) - ROW, ROW)
    axes.axis("off")


def _draw_room(axes: Axes, room: str, y: float, shade: str) -> None:
    style = "round,pad=0,rounding_size=0.1"
    axes.add_patch(
        FancyBboxPatch(
            (0, y - HEIGHT / 2), WIDTH, HEIGHT, style, facecolor=shade, edgecolor=INK, lw=0.7
        )
    )
    axes.text(0.2, y, room, va="center", weight="bold", color=INK, size=10)
    within = rooms_within(room)
    axes.text(2.25, y + 0.1 * bool(within), first_line(room), va="center", color=INK, size=7.5)
    axes.text(2.25, y - 0.17, within, va="center", color=INK, alpha=0.7, size=6)


def _draw_arc(axes: Axes, upper: float, lower: float, colour: str, *, strong: bool) -> None:
    """A half ellipse on the right, as wide as it is long, down to a gentle limit."""
    reach = 0.35 + 0.36 * (upper - lower)
    start, end = upper - 0.16 * HEIGHT, lower + 0.16 * HEIGHT
    curve = MplPath(
        [(WIDTH, start), (WIDTH + reach, start), (WIDTH + reach, end), (WIDTH, end)],
        [MplPath.MOVETO, MplPath.CURVE4, MplPath.CURVE4, MplPath.CURVE4],
    )
    axes.add_patch(
        FancyArrowPatch(
            path=curve,
            arrowstyle="-|>,head_width=2.2,head_length=4",
            color=colour,
            lw=1.3 if strong else 0.8,
            alpha=0.95 if strong else 0.3,
        )
    )


def main() -> None:
    """Write both pictures; the same code always gives the same bytes."""
    mpl.rcParams["svg.hashsalt"] = "timbrel"
    rows = layers()
    figure, axes = plt.subplots(figsize=(9.5, 0.36 * sum(map(len, rows)) + 2), facecolor=PAPER)
    draw(rows, axes)
    IMAGES.mkdir(exist_ok=True)
    figure.savefig(IMAGES / "architecture.svg", bbox_inches="tight", metadata={"Date": None})
    figure.savefig(IMAGES / "architecture.png", bbox_inches="tight", dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    main()
