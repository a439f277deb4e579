"""How loud an instrument is: what the levels of its notes are counted from."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.data.notes.note_set import NoteSet

_LOUD_VELOCITY_SHARE = 0.9


def reference_db(
    notes: NoteSet, loudest_db: Float[Tensor, " notes"]
) -> Float[Tensor, " instruments"]:
    """Each instrument's level: the median over its loudly played notes."""
    loud = notes.velocity >= _LOUD_VELOCITY_SHARE * notes.velocity.max()
    references = []
    for i in range(len(notes.instruments)):
        own = notes.instrument == i
        chosen = own & loud if bool((own & loud).any()) else own
        references.append(loudest_db[chosen].median())
    return torch.stack(references)
