import math

import pytest
import torch

from timbrel.dsp.distances import pitch_accuracy
from timbrel.dsp.shifting import shift_pitch


def tone(pitch: float) -> torch.Tensor:
    times_s = torch.arange(16000) / 16000
    return (2 * math.pi * 440 * 2 ** ((pitch - 69) / 12) * times_s).sin()


@pytest.mark.parametrize("semitones", [-12.0, 5.0, 12.0])
def test_shifting_moves_the_pitch_and_keeps_the_length(semitones: float) -> None:
    moved = shift_pitch(tone(60), 16000, semitones)
    assert len(moved) == 16000
    assert pitch_accuracy(moved, 16000, 60 + semitones) > 0.9
    assert pitch_accuracy(moved, 16000, 60) < 0.1


def test_shifting_by_nothing_is_the_sound_itself() -> None:
    assert torch.equal(shift_pitch(tone(60), 16000, 0.0), tone(60))
