"""Sets of notes, phrases and patches to train on: how they are made, and read.

`NoteSet` is imported when it is first asked for: the processes that render and measure notes
import parts of this room hundreds of times, and most of them can do without torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from timbrel.data.notes.note_set import NoteRecord, NoteSet

__all__ = ["NoteRecord", "NoteSet"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from timbrel.data.notes import note_set

    return getattr(note_set, name)
