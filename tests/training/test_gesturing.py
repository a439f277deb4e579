"""Directions out of gestures: what is made sure of, and what the family's gestures do."""

from __future__ import annotations

import pytest
import torch

from timbrel.data.notes.amounts import AMOUNTS
from timbrel.errors import BadInput
from timbrel.instruments import load
from timbrel.sound import Notes
from timbrel.training.banks.gesturing import amounts_played, gestured_direction

GESTURED = {"bright": 0, "slow_attack": 2, "fast_decay": 3, "noisy": 4}
SOUNDS = ("violin", "piano", "flute", "trumpet")


def test_the_surest_way_is_taken_and_not_the_farthest() -> None:
    generator = torch.Generator().manual_seed(0)
    sure = 1 + 0.1 * torch.randn(60, generator=generator)
    far = 2 + 8 * torch.randn(60, generator=generator)
    direction = gestured_direction(torch.eye(2), torch.stack([sure, far]))
    assert float(direction[0]) > 5 * abs(float(direction[1]))


def test_what_does_other_things_too_is_left() -> None:
    growth = torch.stack([torch.full((60,), 1.0), torch.full((60,), 3.0)])
    beside = torch.stack([torch.zeros(1, 60), torch.full((1, 60), 5.0)])
    direction = gestured_direction(torch.eye(2), growth, beside)
    assert float(direction[0]) > 5 * abs(float(direction[1]))


def test_it_is_as_long_as_one_standard_deviation() -> None:
    growth = torch.stack([torch.full((60,), 2.0), torch.full((60,), 1.0)])
    direction = gestured_direction(torch.eye(2), growth)
    assert float(2 * direction[0] + direction[1]) == pytest.approx(1, rel=1e-4)


def test_what_nothing_moves_and_what_few_notes_tell_has_no_direction() -> None:
    with pytest.raises(BadInput, match="no gesture changes it"):
        gestured_direction(torch.eye(2), torch.zeros(2, 20))
    with pytest.raises(BadInput, match="3 notes tell of it: wanted 8 or more"):
        gestured_direction(torch.eye(2), torch.ones(2, 3))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "number"), GESTURED.items())
def test_harmonics_gestures_do_what_they_are_called(name: str, number: int) -> None:
    instrument = load("harmonic-16k")
    assert instrument.bank is not None
    assert instrument.gestures is not None
    timbres = torch.stack([instrument.bank[sound] for sound in SOUNDS])
    notes = Notes.of([60.0] * len(SOUNDS), duration_s=2.0)
    less, more = (
        amounts_played(instrument, notes, timbres + way * instrument.gestures[number], [name])[0]
        for way in (-1, 1)
    )
    grown = AMOUNTS[name].growth(less, more)
    assert int((grown > 0).sum()) >= 3, grown  # an attack of a millisecond stays one
