from __future__ import annotations

import pytest
import torch
from matplotlib import image

from timbrel.data import NoteSet
from timbrel.data.notes.overview import draw_note_set, mosaic_indices
from timbrel.errors import BadInput

from .conftest import entry


@pytest.fixture
def notes(make_set) -> NoteSet:
    instruments = ("keyboard_acoustic_000", "reed_acoustic_071", "unknown_acoustic_003")
    entries = [entry(name, pitch) for name in instruments for pitch in range(40, 90, 2)]
    return NoteSet.open(make_set(entries))


def test_the_picture_is_drawn_whole(notes, tmp_path):
    path = draw_note_set(notes, tmp_path / "set.png")
    pixels = image.imread(path)
    assert pixels.shape == (1440, 1728, 4)
    assert pixels[..., :3].std() > 0.05
    assert [found.name for found in tmp_path.glob("*.png")] == ["set.png"]


def test_one_note_makes_a_picture(notes, tmp_path):
    draw_note_set(notes.subset([3]), tmp_path / "one.png", "one note")
    assert image.imread(tmp_path / "one.png").shape[0] == 1440


def test_the_mosaic_takes_from_every_family_and_pitch_and_takes_nothing_twice(notes):
    chosen = mosaic_indices(notes, 15)
    assert torch.bincount(notes.instrument[chosen]).tolist() == [5, 5, 5]
    assert notes.pitch[chosen[:5]].tolist() == [44, 54, 64, 74, 84]
    assert len(mosaic_indices(notes, 1000).unique()) == len(notes)


def test_a_name_that_is_no_pictures_is_refused(notes, tmp_path):
    with pytest.raises(BadInput, match=r"set.txt is no picture's name"):
        draw_note_set(notes, tmp_path / "set.txt")
