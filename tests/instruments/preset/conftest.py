"""A synthesizer of three knobs and a switch, exact and quick: what matching is tested with."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from timbrel.sound import Control, Notes, Rendered
from timbrel.synths import Parameters, Synth
from timbrel.units import db_to_amplitude, midi_to_hz

RATE = 44100


class PlainSynth(Synth):
    """Twenty harmonics: how they fall off, how the note decays, which are there, and how loud."""

    name = "plain"
    volume = "level_db"
    sample_rate = RATE
    parameters = Parameters((
        Control("slope", "", 0.0, 3.0, 1.0),
        Control("decay_s", "s", 0.05, 5.0, 1.0, "log"),
        Control("wave", "", 0, 1, 0, choices=("all", "odd")),
        Control("level_db", "dB", -40.0, 0.0, -12.0),
    ))  # fmt: skip

    def render(
        self,
        patches: Tensor,
        notes: Notes,
        controls: Mapping[str, float] | None = None,
        *,
        longest_s: float | None = None,
    ) -> Rendered:
        rows = self.parameters.space.for_notes(patches, len(notes))
        lengths = (notes.duration_s * RATE).round().long()
        audio = torch.zeros(len(notes), int(lengths.max()))
        for i, row in enumerate(rows):
            audio[i, : lengths[i]] = self._note(row, float(notes.pitch[i]), int(lengths[i]))
        return Rendered(audio, lengths, RATE)

    def _note(self, row: Tensor, pitch: float, length: int) -> Tensor:
        knobs = self.parameters.values(row)
        time_s = torch.arange(length) / RATE
        number = torch.arange(1, 21)[:, None].float()
        there = (number % 2 == 1) | (knobs["wave"] == 0)
        heights = number ** -knobs["slope"] * there
        waves = torch.sin(2 * torch.pi * midi_to_hz(pitch) * number * time_s)
        fall = torch.exp(-time_s / knobs["decay_s"])
        return (heights * waves).sum(0) / heights.sum() * fall * db_to_amplitude(knobs["level_db"])


@pytest.fixture(scope="session")
def synth() -> PlainSynth:
    return PlainSynth()
