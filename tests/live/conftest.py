"""A player that makes no sound but remembers, to the sample, what it was asked."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from timbrel.sound.playing import Player


class Remembering(Player):
    """Fills its blocks with 0.25, and notes each call with the sample at which it came."""

    def __init__(self, sample_rate: int = 1000, n_voices: int = 4) -> None:
        self.sample_rate = sample_rate
        self.n_voices = n_voices
        self.now = 0
        self.calls: list[tuple] = []
        self.value = 0.25

    @property
    def active_voices(self) -> int:
        return 0

    def note_on(
        self, note_id: int, pitch: float, velocity: float, timbre: Tensor | None = None
    ) -> None:
        self.calls.append((self.now, "on", note_id, pitch, round(velocity * 127)))

    def note_off(self, note_id: int) -> None:
        self.calls.append((self.now, "off", note_id))

    def slur(self, from_id: int, note_id: int, pitch: float, velocity: float) -> None:
        self.calls.append((self.now, "slur", from_id, note_id, pitch, round(velocity * 127)))

    def bend(self, semitones: float) -> None:
        self.calls.append((self.now, "bend", round(semitones, 3)))

    def set_timbre(self, timbre: Tensor) -> None:
        self.calls.append((self.now, "timbre", *timbre.tolist()))

    def set(self, control: str, value: float) -> None:
        self.calls.append((self.now, "set", control, round(value, 3)))

    def process(self, out: np.ndarray) -> None:
        out[:] = self.value
        self.now += len(out)

    def silence(self) -> None:
        self.calls.append((self.now, "silence"))


@pytest.fixture
def player() -> Remembering:
    return Remembering()


@pytest.fixture(autouse=True)
def denormals_are_kept() -> Iterator[None]:
    """A callback turns them off for its thread, and here that is everybody's."""
    yield
    torch.set_flush_denormal(False)
