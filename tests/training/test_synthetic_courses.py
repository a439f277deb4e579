"""Random instruments: finite, below Nyquist, as loud as struck, the same from the same seed."""

from __future__ import annotations

import pytest
import torch

from timbrel.dsp.tracks import Bands
from timbrel.dsp.tracks.slots import Slots
from timbrel.instruments.harmonic.course import QUIET_DB, Course
from timbrel.training.harmonic.note_courses import moments_of
from timbrel.training.harmonic.synthetic_courses import synthetic_courses
from timbrel.units import midi_to_hz

COUNT = 48
RATE = 16000
SLOTS = Slots(250)


def made(seed: int = 0, rate: int = RATE, velocity: float = 0.67) -> tuple[Course, torch.Tensor]:
    pitch = torch.stack([torch.linspace(24, 100, COUNT), torch.linspace(100, 24, COUNT)], 1)
    moment_s, released_s = (
        x.reshape(COUNT, 2, -1) for x in moments_of(torch.full((2 * COUNT,), 1.0))
    )
    course = synthetic_courses(
        pitch, torch.full((COUNT, 2), velocity), moment_s, released_s, SLOTS, Bands(rate),
        torch.Generator().manual_seed(seed),
    )  # fmt: skip
    return course, pitch


@pytest.mark.parametrize("rate", [16000, 48000])
def test_they_are_finite_and_below_nyquist(rate: int) -> None:
    course, pitch = made(rate=rate)
    assert course.partial_db.shape == (COUNT, 2, 120, SLOTS.n_slots)
    assert course.noise_db.shape == (COUNT, 2, 120, Bands(rate).n_bands)
    for levels in course:
        assert bool(levels.isfinite().all())
        assert levels.min() >= QUIET_DB
        assert levels.max() < 80
    beyond = midi_to_hz(pitch)[..., None] * SLOTS.centres >= 0.49 * rate
    silent = (course.partial_db == QUIET_DB).all(2)
    assert bool(silent[beyond].all())


def test_the_first_note_peaks_where_its_velocity_puts_it() -> None:
    """At velocity 0.67 and middle C at 0 dB; its pitch moves that by 0.1 dB a semitone or so."""
    course, pitch = made()
    peak_db = course.partial_db[:, 0].amax((1, 2))
    slope = peak_db / (pitch[:, 0] - 60).clamp(min=-99).where(pitch[:, 0] != 60, torch.tensor(1.0))
    assert slope.abs().max() < 0.5


def test_louder_strokes_are_louder_by_10_to_40_db_a_decade() -> None:
    soft, loud = (made(velocity=velocity)[0] for velocity in (0.2, 0.8))
    louder_db = (loud.partial_db[:, 0].amax((1, 2)) - soft.partial_db[:, 0].amax((1, 2))) / 0.602
    assert louder_db.min() > 9.9
    assert louder_db.max() < 40.1


def test_one_seed_repeats_and_others_differ() -> None:
    one, again, other = made(3)[0], made(3)[0], made(4)[0]
    assert all(torch.equal(a, b) for a, b in zip(one, again, strict=True))
    assert (one.partial_db - other.partial_db).abs().mean() > 5


def test_instruments_of_a_batch_differ_and_their_notes_are_akin() -> None:
    """Two notes of one instrument, a semitone apart, against those of two instruments."""
    pitch = torch.tensor([[60.0, 61.0]]).expand(COUNT, -1)
    times = (x.reshape(COUNT, 2, -1) for x in moments_of(torch.full((2 * COUNT,), 1.0)))
    course = synthetic_courses(
        pitch, torch.full((COUNT, 2), 0.7), *times, SLOTS, Bands(RATE),
        torch.Generator().manual_seed(0),
    )  # fmt: skip
    level_db = course.partial_db[:, :, :60, :20]
    own = (level_db[:, 0] - level_db[:, 1]).abs().mean()
    others = (level_db[:, 0] - level_db[:, 1].roll(1, 0)).abs().mean()
    assert own < 0.25 * others


def test_after_the_release_they_fall() -> None:
    course, _ = made()
    end = course.partial_db[:, 0, 96:, :4].amax(-1)
    assert bool((end[:, -1] <= end[:, 0]).all())
    assert (end[:, 0] - end[:, -1]).median() > 15
