"""What work that takes a while tells whoever waits for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

Progress = Callable[[str, float, float], None]
"""Called with what is being done ("rendering"), how much of it is done, and how much there is."""


def silent(what: str, done: float, total: float) -> None:
    """Where nobody waits."""


def told(items: Sequence[T], what: str, progress: Progress | None) -> Iterator[T]:
    """The items; how many are done is told before the first and after each.

    >>> list(told("ab", "reading", print))
    reading 0 2
    reading 1 2
    reading 2 2
    ['a', 'b']
    """
    tell = progress or silent
    tell(what, 0, len(items))
    for done, item in enumerate(items, 1):
        yield item
        tell(what, done, len(items))
