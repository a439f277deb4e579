import math

import pytest
import torch

from timbrel.evaluate.baselines import cross_fade, through_mels
from timbrel.evaluate.comparison import compare, heard_pitch, means
from timbrel.instruments.sine import Sine
from timbrel.sound import Notes


def note(pitch: float, timbre=(1.0, 0.5, 0.25, 0.1), velocity: float = 1.0) -> torch.Tensor:
    return Sine().render(Notes.of(pitch, velocity, 1.0), torch.tensor(timbre)).audio[0]


def test_a_sound_is_no_way_from_itself():
    row = compare(note(60), note(60))
    assert row.pop("rms_cosine") == pytest.approx(1.0)
    assert row == pytest.approx(dict.fromkeys(row, 0.0), abs=1e-4)


def test_level_is_judged_apart():
    row = compare(note(60, velocity=0.5), note(60))
    assert row["level_error_db"] == pytest.approx(20 * math.log10(2), abs=0.01)
    assert row["log_mel_l1"] == pytest.approx(0.0, abs=1e-3)


def test_means_leave_nan_out():
    rows = [{"mss": 1.0, "attack_error_ms": 1.0}, {"mss": math.nan, "attack_error_ms": 2.0}]
    rows += [{"mss": 2.0, "attack_error_ms": 900.0}]
    assert means(rows) == {"mss": 1.5, "attack_error_ms": 2.0}
    assert math.isnan(means([{"mss": math.nan}])["mss"])
    assert means([]) == {}


def test_the_ceiling_of_mels_is_near_and_in_tune():
    again = through_mels(note(57), 57.0)
    assert compare(again, note(57))["log_mel_l1"] < 4.0
    assert heard_pitch(again, 57.0) > 0.95


def test_a_cross_fade_weighs_amplitudes():
    a, b = torch.ones(4), torch.full((6,), 3.0)
    faded = cross_fade(a, b, torch.tensor([0.0, 0.5, 1.0]))
    assert faded.tolist() == [[1, 1, 1, 1, 0, 0], [2, 2, 2, 2, 1.5, 1.5], [3, 3, 3, 3, 3, 3]]
