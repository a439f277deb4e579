"""The public names: a small, tested list, imported when they are used."""

from __future__ import annotations

import importlib

import pytest
import torch

import timbrel

PUBLIC = [
    "Bank", "Instrument", "Notes", "Rendered", "Score", "TimbreSpace", "TimbrelError",
    "__version__", "blend", "load", "models", "morph", "pad", "read_audio", "read_score",
    "write_audio",
]  # fmt: skip


def test_the_public_names_are_these() -> None:
    assert timbrel.__all__ == PUBLIC
    assert set(PUBLIC) <= set(dir(timbrel))


@pytest.mark.parametrize("name", PUBLIC)
def test_each_name_is_there(name: str) -> None:
    assert getattr(timbrel, name) is not None


def test_no_public_name_hides_a_room() -> None:
    for name in PUBLIC:
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module(f"timbrel.{name}")


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match="module 'timbrel' has no attribute 'nothing'"):
        _ = timbrel.nothing


def test_a_sound_in_six_lines(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("six")
    instrument = timbrel.load("sine")
    note = instrument.render(timbrel.Notes.of(60), instrument.timbre_space.project(_ones(4)))
    path = timbrel.write_audio(folder / "a.wav", note.audio[0] / 4, note.sample_rate)
    heard = instrument.encode(timbrel.read_audio(path, instrument.sample_rate), pitch=60)
    steps = timbrel.morph(instrument.timbre_space, [heard, _ones(4) / 2], steps=3)
    assert instrument.render(timbrel.Notes.of([60] * 3), steps).audio.shape[0] == 3


def _ones(size: int) -> torch.Tensor:
    return torch.ones(size)
