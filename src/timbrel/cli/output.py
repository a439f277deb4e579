"""What a verb says: paths and figures on stdout, for programs; progress on stderr, for people."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from timbrel.progress import Progress

T = TypeVar("T")


def printable(text: str) -> str:
    r"""A text whose letters are no commands to the terminal, as names in files may be.

    >>> printable("a\x1b[31m")
    'a\\x1b[31m'
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def say_text(lines: Iterable[str]) -> None:
    """Lines for people."""
    for line in lines:
        print(printable(line))


def say_paths(paths: Iterable[Path]) -> None:
    """Results, one line a path."""
    for path in paths:
        print(path, flush=True)


def say_note(line: str) -> None:
    """A remark for people, on stderr."""
    print(f"timbrel: {printable(line)}", file=sys.stderr)


def say_lines(groups: Mapping[str, Iterable[str]]) -> None:
    """Lists under their names."""
    for name, lines in groups.items():
        print(f"{name}:", *(lines or ["none"]), sep="\n  ")


def say_json(figures: Mapping[str, Any] | Sequence[Any]) -> None:
    """Figures as strict JSON: what is not a finite number becomes null."""
    print(json.dumps(_strict(figures), indent=2, ensure_ascii=False), flush=True)


def _strict(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _strict(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value


def say_figures(figures: Mapping[str, Any], *, as_json: bool = False) -> None:
    """Figures as two columns for people, nothing known is a dash; or as JSON for programs."""
    if as_json:
        say_json(figures)
        return
    width = max(map(len, figures), default=0)
    say_text(f"{name:<{width}}  {_readable(value)}" for name, value in figures.items())


def say_tables(model: str, figures: Mapping[str, Any]) -> None:
    """What `evaluate` measured, as tables for people; what is in no table follows below."""
    from rich.console import Console

    from timbrel.cli.tables import tables

    rest = dict(figures)
    # A pipe has no width: nothing need be folded for it.
    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False)
    for table in tables(model, rest):
        console.print(table)
        console.print()
    say_figures(rest)


def _readable(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "-"
    return str(value)


def tracked(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """The items, with a progress bar on a terminal's stderr while they are worked through."""
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(
        items, description=what, total=total, console=Console(stderr=True), transient=True
    )


@contextmanager
def progress_bar(what: str = "working") -> Iterator[Progress]:
    """A bar that is called `what` until it is told something else; silent off a terminal."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)

        def tell(what: str, done: float, total: float) -> None:
            bar.update(task, description=what, completed=done, total=total)

        yield tell
