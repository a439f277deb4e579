"""Notes of a set as timbres of an instrument."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from timbrel.data.notes.note_set import NoteSet
from timbrel.instruments.instrument import Instrument


def encode_notes(
    instrument: Instrument,
    notes: NoteSet,
    chosen: Sequence[int] | Int[Tensor, " chosen"],
    *,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "chosen params"]:
    """The timbre of each chosen note, heard at the pitch that the set says.

    Args:
        instrument: one that can encode.
        notes: any set; its notes are resampled for the instrument.
        chosen: places in the set.
        generator: of the randomness in encoding.

    Raises:
        Unsupported: the instrument cannot encode.
        BadAudio: a note cannot be read, or is silent.
    """
    places = torch.as_tensor(chosen).tolist()
    return encode_each(instrument, [(notes, i) for i in places], generator=generator)


def encode_each(
    instrument: Instrument,
    chosen: Iterable[tuple[NoteSet, int]],
    *,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "chosen params"]:
    """The same for notes of several sets, each given as its set and its place in it."""
    return torch.stack([
        instrument.encode(
            notes.audio(i, instrument.sample_rate), pitch=float(notes.pitch[i]), generator=generator
        )
        for notes, i in chosen
    ])  # fmt: skip
