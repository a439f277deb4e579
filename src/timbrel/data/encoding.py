"""Notes of a set as timbres of an instrument."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from timbrel.data.note_set import NoteSet
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
    timbres = []
    for i in torch.as_tensor(chosen).tolist():
        audio = notes.audio(i, instrument.sample_rate)
        pitch = float(notes.pitch[i])
        timbres.append(instrument.encode(audio, pitch=pitch, generator=generator))
    return torch.stack(timbres)
