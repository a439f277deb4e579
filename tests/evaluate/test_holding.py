import math

import pytest
import torch

from timbrel.evaluate.holding import (
    level_drift_db_per_s,
    movement,
    movement_db,
    periodicity,
    release_s,
)

RATE = 16000


def tone(seconds: float, pitch_hz: float = 440.0) -> torch.Tensor:
    return torch.sin(2 * math.pi * pitch_hz * torch.arange(round(RATE * seconds)) / RATE)


@pytest.mark.parametrize("fall_db_per_s", [40.0, 100.0, 400.0])
def test_release_is_the_time_of_20_db(fall_db_per_s):
    held_s = 0.5
    sound = tone(2.0)
    after_s = (torch.arange(len(sound)) / RATE - held_s).clamp_min(0)
    sound = sound * 10 ** (-after_s * fall_db_per_s / 20)
    assert release_s(sound, RATE, held_s) == pytest.approx(20 / fall_db_per_s, abs=0.012)


def test_release_of_a_note_that_stops_or_never_does():
    assert release_s(torch.cat([tone(0.5), torch.zeros(RATE)]), RATE, 0.5) <= 0.011
    assert release_s(tone(1.5), RATE, 0.5) == pytest.approx(1.0, abs=0.02)
    assert release_s(tone(0.4), RATE, 0.5) == 0.0


@pytest.mark.parametrize("drift", [-6.0, 0.0, 2.0])
def test_drift_is_the_slope_of_the_level(drift):
    sound = tone(10.0) * 10 ** (drift * torch.arange(10 * RATE) / RATE / 20) * 0.01
    assert level_drift_db_per_s(sound, RATE, 3.0, 10.0) == pytest.approx(drift, abs=0.05)


def wobbling(seconds: float, seed: int = 0) -> torch.Tensor:
    """A chord of partials whose levels wander by themselves, a few times a second."""
    generator = torch.Generator().manual_seed(seed)
    sound = torch.zeros(round(RATE * seconds))
    for k in range(1, 9):
        knots = 6 * torch.randn(round(8 * seconds), generator=generator)
        level_db = torch.nn.functional.interpolate(
            knots[None, None], len(sound), mode="linear", align_corners=True
        )[0, 0]
        sound += tone(seconds, 300.0 * k) * 10 ** (level_db / 20) / 8
    return sound


def test_a_loop_repeats_and_a_living_note_does_not():
    living = movement(wobbling(10.0), RATE, 3.0, 10.0)
    looped = movement(wobbling(1.0).repeat(11), RATE, 3.0, 10.0)
    assert movement_db(living) > 1.0
    assert periodicity(living) < 0.6
    assert periodicity(looped) > 0.9


def test_a_frozen_frame_repeats_and_does_not_move():
    moved = movement(tone(10.0, 500.0), RATE, 3.0, 10.0)
    assert movement_db(moved) < 0.3
    assert periodicity(moved) > 0.97
    assert periodicity(torch.zeros(100, 80)) == 1.0


def test_slow_changes_of_level_are_no_movement():
    fading = tone(10.0) * 10 ** (-2 * torch.arange(10 * RATE) / RATE / 20)
    assert movement_db(movement(fading, RATE, 3.0, 10.0)) < 0.3
