"""Who plays what: an instrument, a timbre and a place on the stage for each track of a score."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.envelope import Adsr
from timbrel.errors import BadInput, Unsupported
from timbrel.instruments.instrument import ControlValues, Instrument
from timbrel.midi import Score, Track, timbre_names
from timbrel.perform.tracks import for_tracks

WIDTH = 0.6
"""How far to the sides `spread` seats the outermost tracks."""


class PartSound(NamedTuple):
    """What makes two parts sound alike, placement aside: a key for rendered notes."""

    instrument_id: int
    timbre: bytes
    envelope: Adsr | None
    controls: tuple[tuple[str, float], ...]


@dataclass(frozen=True, eq=False)
class Part:
    """What plays a track.

    Attributes:
        instrument: that renders its notes.
        timbre: one for all of them.
        gain_db: added to what the score says.
        pan: -1 left, 0 centre, 1 right; None leaves it to the score.
        envelope: laid over each note, on top of what the instrument does, if any.
        controls: values for the instrument's controls.
        legato: whether notes that touch or overlap are slurred, as on a melody instrument; see
            `timbrel.perform.lines`.

    Raises:
        BadInput: the timbre is not one of the instrument's, or a number is out of range.
        Unsupported: the instrument cannot slur.
    """

    instrument: Instrument
    timbre: Float[Tensor, " params"]
    gain_db: float = 0.0
    pan: float | None = None
    envelope: Adsr | None = None
    controls: ControlValues | None = None
    legato: bool = False

    def __post_init__(self) -> None:
        self.instrument.timbre_space.check(self.timbre)
        if not -120.0 <= self.gain_db <= 60.0:
            raise BadInput(f"part: a gain of {self.gain_db:g} dB is outside -120 to 60")
        if self.pan is not None and not -1.0 <= self.pan <= 1.0:
            raise BadInput(f"part: a pan of {self.pan:g} is outside -1 (left) to 1 (right)")
        if self.legato and not self.instrument.can("legato"):
            raise Unsupported(f"{self.instrument.family} cannot slur: leave legato out")

    def sound(self) -> PartSound:
        """What it sounds like, as a key."""
        controls = tuple(sorted((self.controls or {}).items()))
        timbre = self.timbre.detach().cpu().numpy().tobytes()
        return PartSound(id(self.instrument), timbre, self.envelope, controls)


def cast(
    score: Score, default: Part | None, choices: Mapping[str, Part] | None = None
) -> list[Part | None]:
    """A part for each track of the score, or None where nobody plays it.

    Args:
        score: whose tracks are cast.
        default: plays every track that is not chosen for; drums only by choice.
        choices: parts by what tracks are called: number, name, program, family or "drums"; see
            `timbrel.perform.tracks`.

    Raises:
        BadInput: a choice is for no track of this score.
    """
    chosen = for_tracks(score, (choices or {}).items())
    return [
        part or (None if track.is_drum else default)
        for track, part in zip(score.tracks, chosen, strict=True)
    ]


def cast_by_program(
    score: Score,
    instrument: Instrument,
    lookup: Callable[[str], Tensor | None],
    default: Tensor | None = None,
) -> list[Part | None]:
    """A part for each track but drums, with the timbre that comes nearest to its program.

    Args:
        score: whose tracks are cast.
        instrument: plays them all.
        lookup: the timbre of a name, or None; asked for `timbrel.midi.timbre_names`: the
            program's own ("violin"), its neighbours in the family, the family ("string").
        default: timbre of programs that nothing is named like; None leaves them out.
    """
    parts: list[Part | None] = []
    for track in score.tracks:
        names = [] if track.is_drum else timbre_names(track.program)
        found = (lookup(name) for name in names)
        fallback = None if track.is_drum else default
        timbre = next((timbre for timbre in found if timbre is not None), fallback)
        parts.append(None if timbre is None else Part(instrument, timbre))
    return parts


def spread(score: Score, parts: Sequence[Part | None], width: float = WIDTH) -> list[Part | None]:
    """The parts seated from left to right where neither they nor the score say where to sit.

    The lowest track sits in the middle, where bass belongs; the others alternate between the
    sides, the next lowest innermost. A score that pans any track is left as it is.
    """
    free = [i for i, part in enumerate(parts) if part is not None and part.pan is None]
    if len(free) < 2 or any(track.pan for track in score.tracks):
        return list(parts)
    by_height = sorted(free, key=lambda i: _mean_pitch(score.tracks[i]))
    seated = list(parts)
    for rank, i in enumerate(by_height):
        side = 1.0 if rank % 2 else -1.0
        step = math.ceil(rank / 2) / math.ceil((len(free) - 1) / 2)
        part = parts[i]
        seated[i] = part and replace(part, pan=side * step * width)
    return seated


def _mean_pitch(track: Track) -> float:
    return sum(note.pitch for note in track.notes) / max(len(track.notes), 1)
