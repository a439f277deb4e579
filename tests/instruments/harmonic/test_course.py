"""Courses are tracks at a few moments: averaged in dB over what lies between these."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from timbrel.dsp.tracks import Tracks, silence
from timbrel.dsp.tracks.slots import Slots
from timbrel.instruments.harmonic.course import (
    LAST_RELEASE_S,
    LAST_S,
    N_HEARD,
    N_RELEASE,
    QUIET_DB,
    course_of,
    heard_moments,
    release_moments,
)

SLOTS = Slots(40)


def note_of(level_db: torch.Tensor) -> Tracks:
    """One partial and one band that follow a curve."""
    note = silence(frames=len(level_db), harmonics=1, bands=2)
    noise_db = note.noise_db.clone()
    noise_db[:, 1] = level_db - 10
    return replace(note, harmonic_db=level_db[:, None], noise_db=noise_db)


def test_moments_widen_from_4_ms() -> None:
    for moments_s, count, last_s in (
        (heard_moments(), N_HEARD, LAST_S), (release_moments(), N_RELEASE, LAST_RELEASE_S)
    ):  # fmt: skip
        assert len(moments_s) == count
        assert moments_s[0] == 0
        assert float(moments_s[-1]) == pytest.approx(last_s, rel=1e-5)
        steps = moments_s.diff()
        assert bool((steps.diff() > 0).all())
        # evenly spaced in the logarithm: each step is the same factor wider than the last
        assert (steps[1:] / steps[:-1]).std() < 1e-3


def test_a_straight_line_is_read_off() -> None:
    note = note_of(-20 - 5 * torch.arange(801.0) / 200)
    moments_s = torch.linspace(0.05, 3.5, 40)
    course = course_of(note, SLOTS, moments_s)
    inside = slice(1, -1)
    wanted_db = -20 - 5 * moments_s
    torch.testing.assert_close(course.partial_db[inside, 0], wanted_db[inside], atol=1e-3, rtol=0)
    torch.testing.assert_close(
        course.noise_db[inside, 1], wanted_db[inside] - 10, atol=1e-3, rtol=0
    )


def test_between_two_moments_the_curve_is_averaged() -> None:
    """Against numerical integration of the same curve on a fine grid."""
    generator = torch.Generator().manual_seed(1)
    level_db = -30 - 20 * torch.rand(801, generator=generator)
    moments_s = heard_moments()
    course = course_of(note_of(level_db), SLOTS, moments_s)
    middle = (moments_s[1:] + moments_s[:-1]).double().numpy() / 2
    for i in (20, 50, 80, 94):
        fine = np.linspace(middle[i - 1], middle[i], 20001)
        mean_db = np.interp(fine * 200, np.arange(801), level_db.numpy()).mean()
        if middle[i] - middle[i - 1] > 1 / 200:
            assert float(course.partial_db[i, 0]) == pytest.approx(mean_db, abs=0.02)


def test_before_the_beginning_holds_the_first_and_after_the_end_is_quiet() -> None:
    note = note_of(torch.full((201,), -25.0))
    course = course_of(note, SLOTS, torch.tensor([0.0, 0.004, 0.5, 1.2, 3.0]))
    assert course.partial_db[:3, 0].tolist() == pytest.approx([-25.0] * 3, abs=1e-3)
    assert course.partial_db[4, 0] == pytest.approx(QUIET_DB, abs=1e-3)
    assert -110 < course.partial_db[3, 0] < -25


def test_quiet_is_a_floor() -> None:
    course = course_of(note_of(torch.full((201,), -119.0)), SLOTS, heard_moments())
    assert all(bool((levels >= QUIET_DB - 1e-3).all()) for levels in course)
    assert course.partial_db.shape == (N_HEARD, SLOTS.n_slots)
    assert course.noise_db.shape == (N_HEARD, 2)


def test_a_single_frame_is_a_course() -> None:
    course = course_of(note_of(torch.tensor([-25.0])), SLOTS, heard_moments())
    assert course.partial_db[0, 0] > -70
    assert course.partial_db[5:, 0].tolist() == pytest.approx([QUIET_DB] * 91, abs=1e-3)
