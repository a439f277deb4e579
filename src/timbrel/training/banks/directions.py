"""The directions of a bank, measured on notes of all instruments.

How much of a quality each note has (`data.notes.amounts`) is held against its timbre, with pitch
and velocity taken out. Families that have gestures get directions of these and of that measure
(`gesturing.py`): what is measured of few sounds alone moves some of them the wrong way.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from timbrel.data import NoteSet
from timbrel.data.evenly import evenly
from timbrel.data.notes.amounts import AMOUNTS
from timbrel.data.notes.encoding import encode_notes
from timbrel.errors import BadInput
from timbrel.instruments import Instrument
from timbrel.sound import Notes
from timbrel.timbre.directions import class_weights, measure_direction
from timbrel.training.banks.gesturing import amounts_played, gestured_direction

_log = logging.getLogger(__name__)

_SHORTEST_HOLD_S = 1.0
_CHUNK = 100
_PLAYED = 64
"""Notes that gestures are tried on."""


def long_notes(notes: NoteSet, count: int, seed: int) -> Int[Tensor, " chosen"]:
    """Places of so many notes, drawn from those in which decay and release show."""
    long = (notes.hold_s >= min(_SHORTEST_HOLD_S, float(notes.hold_s.max()))).nonzero()[:, 0]
    generator = torch.Generator().manual_seed(seed)
    return long[torch.randperm(len(long), generator=generator)[:count]].sort().values


def measured_directions(
    instrument: Instrument, notes: NoteSet, chosen: Int[Tensor, " chosen"], names: Sequence[str]
) -> Iterator[tuple[str, Float[Tensor, " params"]]]:
    """A direction for every wanted quality of which the chosen notes have different amounts."""
    timbres = encode_notes(instrument, notes, chosen)
    directions = dict(_by_measure(instrument, notes, chosen, timbres, names))
    gestures = instrument.gestures
    if gestures is None or not directions:
        yield from directions.items()
        return
    few = evenly(len(chosen), _PLAYED)
    yield from _by_gestures(
        instrument, _as_played(notes, chosen[few]), timbres[few], gestures, directions
    )


def _by_measure(
    instrument: Instrument,
    notes: NoteSet,
    chosen: Int[Tensor, " chosen"],
    timbres: Float[Tensor, "chosen params"],
    names: Sequence[str],
) -> Iterator[tuple[str, Float[Tensor, " params"]]]:
    """Which way sounds lie that have more of a quality."""
    pitch, velocity = notes.pitch[chosen].float() / 60, notes.velocity[chosen].float() / 127
    beside = torch.stack([pitch, pitch.square(), velocity], dim=1)
    weights = class_weights(notes.instrument[chosen].tolist())
    for name in names:
        amount = torch.cat([_amounts(name, notes, part) for part in chosen.split(_CHUNK)])
        known = ~amount.isnan()
        try:
            direction = measure_direction(
                timbres[known], amount[known], beside=beside[known], weights=weights[known]
            )
        except BadInput as error:  # too few or all alike: these notes do not tell
            _log.warning("the bank gets no direction %r: %s", name, error)
            continue
        yield name, direction * instrument.timbre_space.is_learned


def _amounts(name: str, notes: NoteSet, chosen: Int[Tensor, " chosen"]) -> Float[Tensor, " chosen"]:
    return AMOUNTS[name].of(notes.audio_batch(chosen), notes.hold_s[chosen], notes.sample_rate)


def _by_gestures(
    instrument: Instrument,
    notes: Notes,
    timbres: Float[Tensor, "notes params"],
    gestures: Float[Tensor, "gestures params"],
    measured: dict[str, Float[Tensor, " params"]],
) -> Iterator[tuple[str, Float[Tensor, " params"]]]:
    """Each direction as the sum of gestures, and of what was measured, that does it most surely."""
    names = list(measured)
    plain = amounts_played(instrument, notes, timbres, names)
    deviation = torch.stack([amount[amount.isfinite()].std() for amount in plain]).clamp_min(1e-6)

    def grown(move: Tensor) -> Float[Tensor, "amounts notes"]:
        """Half of what the move adds to each amount, and its opposite takes away."""
        more, less = (
            amounts_played(instrument, notes, timbres + way * move, names) for way in (1, -1)
        )
        rows = [AMOUNTS[name].growth(less[i], more[i]) / 2 for i, name in enumerate(names)]
        return torch.stack(rows) / deviation[:, None]

    by_gesture = torch.stack([grown(move) for move in gestures])
    for i, (name, direction) in enumerate(measured.items()):
        growth = torch.cat([by_gesture, grown(direction)[None]])
        moves = torch.cat([gestures, direction[None]])
        others = [k for k, other in enumerate(names) if not _is_alike(name, other)]
        try:
            yield name, gestured_direction(moves, growth[:, i], growth[:, others])
        except BadInput as error:
            _log.warning("the bank gets no direction %r: %s", name, error)


def _is_alike(name: str, other: str) -> bool:
    """Whether two qualities are the same amount, or each other's opposite."""
    return AMOUNTS[name].measure is AMOUNTS[other].measure


def _as_played(notes: NoteSet, chosen: Int[Tensor, " chosen"]) -> Notes:
    """The same notes for an instrument to play."""
    pitch, velocity, hold_s = (
        x[chosen].float() for x in (notes.pitch, notes.velocity, notes.hold_s)
    )
    return Notes.of(pitch.tolist(), (velocity / 127).tolist(), hold_s.tolist())
