from __future__ import annotations

import math

import pytest
import torch

from timbrel.nn.features import (
    N_PITCH_FEATURES,
    N_TIME_FEATURES,
    pitch_features,
    time_features,
)

PIANO = torch.arange(21.0, 109.0)


def test_pitch_features_are_bounded_over_the_piano_and_differ_for_each_key() -> None:
    features = pitch_features(PIANO)
    assert features.shape == (88, N_PITCH_FEATURES)
    assert float(features.abs().max()) <= 1.0
    assert features[0, 0] == -1.0
    assert features[-1, 0] == 1.0
    assert float(torch.pdist(features).min()) > 0.1


def test_pitch_features_are_smooth() -> None:
    """The fastest is sin(4 pi height), 4 pi / 43.5 a semitone."""
    step = pitch_features(PIANO + 0.01) - pitch_features(PIANO)
    assert float(step.abs().max()) <= 0.01 * 4 * math.pi / 43.5 * 1.01


def test_time_features_tell_before_the_release_from_after_it() -> None:
    times_s = torch.tensor([[0.0, 0.5, 0.99, 1.0, 1.01, 1.5, 3.0]])
    features = time_features(times_s, torch.tensor([1.0]))
    assert features.shape == (1, N_TIME_FEATURES, 7)
    held, since_release = features[0, 4], features[0, 6]
    assert held[:2].tolist() == pytest.approx([1, 1], abs=1e-6)
    assert held[3] == 0
    assert held[5:].tolist() == pytest.approx([-1, -1], abs=1e-6)
    assert since_release.tolist() == pytest.approx([0, 0, 0, 0, 0.01, 0.5, 2.0], abs=1e-6)
    onset_pulse = features[0, 2]
    assert onset_pulse[0] == 1
    assert float(onset_pulse[1]) == pytest.approx(math.exp(-0.5 / 0.03))


def test_long_after_what_training_heard_only_the_decayed_pulses_move() -> None:
    """Clocks stop after 3 s, so that no feature leaves the range it was trained in."""
    held = torch.tensor([600.0])
    late, later = (time_features(torch.full((1, 1), t), held) for t in (5.0, 500.0))
    torch.testing.assert_close(late, later, atol=1e-9, rtol=1e-6)
    features = time_features(torch.linspace(0, 4, 200)[None], torch.tensor([1.0]))
    assert float(features.abs().max()) <= 3.0


def test_each_note_of_a_batch_has_its_own_release() -> None:
    times_s = torch.linspace(0, 2, 30).expand(3, -1)
    held = torch.tensor([0.1, 0.7, 1.9])
    together = time_features(times_s, held)
    for i in range(3):
        assert torch.equal(time_features(times_s[i : i + 1], held[i : i + 1])[0], together[i])
