"""What a VST file holds, whatever a synthesizer makes of it."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_NAME = 200


@dataclass(frozen=True)
class Program:
    """A program of a plug-in: positions of its knobs, or an opaque chunk.

    Attributes:
        plugin_id: the four characters of the plug-in.
        name: what its maker calls it.
        params: positions 0..1 of the knobs in order; empty where there is a chunk.
        chunk: what only the plug-in understands.
        is_bank: whether the chunk is that of a whole bank.
        plugin_version: of the plug-in that wrote it.
    """

    plugin_id: str
    name: str
    params: tuple[float, ...] = ()
    chunk: bytes | None = None
    is_bank: bool = False
    plugin_version: int = 1


def plain_name(name: str) -> str:
    """A name that can be printed: no control characters, and not endless.

    >>> plain_name(f"Bass {chr(27)}[31m 1 ")
    'Bass [31m 1'
    """
    return "".join(filter(str.isprintable, name[: 2 * LONGEST_NAME])).strip()[:LONGEST_NAME]
