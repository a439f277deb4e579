"""Pairs: what is heard and what is wanted are one instrument's, changed alike."""

from __future__ import annotations

import pytest
import torch

from timbrel.dsp.tracks import Bands
from timbrel.dsp.tracks.slots import Slots
from timbrel.instruments.harmonic.course import N_HEARD, N_RELEASE, QUIET_DB, Course
from timbrel.training.harmonic.course_pairs import CoursePairs, CourseSet, PairSettings
from timbrel.training.harmonic.note_courses import NoteCourses, moments_of

SLOTS, BANDS = Slots(250), Bands(16000)
PITCHES = (40, 52, 64)
PLAIN = dict.fromkeys(("cross", "synthetic", "equalise", "layer", "decay", "attack", "speed"), 0.0)


@pytest.fixture(scope="module")
def notes() -> NoteCourses:
    """Five instruments with three pitches and two velocities each; every level is random."""
    generator = torch.Generator().manual_seed(0)
    count = 5 * len(PITCHES) * 2
    index = torch.arange(count)
    moments = N_HEARD + N_RELEASE
    return NoteCourses(
        Course(
            (-60 * torch.rand(count, moments, SLOTS.n_slots, generator=generator)).half(),
            (-30 - 60 * torch.rand(count, moments, 40, generator=generator)).half(),
        ),
        torch.tensor(PITCHES)[index % 3].float(),
        torch.tensor([64, 127])[index // 3 % 2] / 127,
        torch.full((count,), 3.0),
        index // 6,
    )


def set_of(notes: NoteCourses, **changes) -> CourseSet:
    return CourseSet(notes, SLOTS, BANDS, PairSettings(**(PLAIN | changes)))


def batch_of(courses: CourseSet, seed: int = 0, count: int = 30) -> CoursePairs:
    generator = torch.Generator().manual_seed(seed)
    return courses.batch(torch.arange(count) % len(courses), generator)


def leaves(pairs: CoursePairs) -> list[torch.Tensor]:
    return [leaf for part in pairs for leaf in (part if isinstance(part, Course) else (part,))]


def test_without_changes_a_note_is_heard_and_wanted_as_it_is(notes: NoteCourses) -> None:
    pairs = batch_of(set_of(notes))
    for heard, recorded in zip(pairs.heard, notes.course, strict=True):
        torch.testing.assert_close(heard, recorded[:, :N_HEARD].float(), atol=1e-3, rtol=0)
    assert torch.equal(pairs.heard_pitch, notes.pitch)
    assert torch.equal(pairs.velocity, notes.velocity)
    loudest = torch.maximum(*(levels.float().amax((1, 2)) for levels in notes.course))
    torch.testing.assert_close(pairs.loudest_db, loudest, atol=1e-3, rtol=0)


def test_moments_are_gathered_with_their_times(notes: NoteCourses) -> None:
    """Each wanted moment is the recorded one at its time; no moment comes twice."""
    pairs = batch_of(set_of(notes))
    all_s, _ = moments_of(notes.hold_s)
    assert pairs.moment_s.shape == (30, 40)
    torch.testing.assert_close(pairs.released_s, pairs.moment_s - 3.0)
    for note in range(30):
        places = (all_s[note] - pairs.moment_s[note, :, None]).abs().argmin(1)
        assert torch.equal(all_s[note, places], pairs.moment_s[note])
        assert len(places.unique()) == 40
        for wanted, recorded in zip(pairs.wanted, notes.course, strict=True):
            torch.testing.assert_close(
                wanted[note], recorded[note, places].float(), atol=1e-3, rtol=0
            )


def test_dense_moments_come_more_often_and_the_release_in_its_share(notes: NoteCourses) -> None:
    moment_s = torch.cat([batch_of(set_of(notes), seed).moment_s.reshape(-1) for seed in range(8)])
    released = (moment_s >= 3.0).float().mean()
    assert 0.12 < released < 0.45
    assert (moment_s < 0.5).float().mean() > 0.25


CHANGES = {
    "equalise": {"equalise": 1, "equaliser_db": 6.0},
    "decay": {"decay": 1},
    "attack": {"attack": 1},
    "speed": {"speed": 1},
    "layer": {"layer": 1},
}


@pytest.mark.parametrize("change", CHANGES)
def test_heard_and_wanted_are_changed_alike(notes: NoteCourses, change: str) -> None:
    """A pair of a note with itself: what is wanted is what is heard, at the wanted moments."""
    pairs = batch_of(set_of(notes, **CHANGES[change], moments=96))
    all_s, _ = moments_of(notes.hold_s)
    changed = 0.0
    for note in range(30):
        places = (all_s[note] - pairs.moment_s[note, :, None]).abs().argmin(1)
        first = places < N_HEARD
        for heard, wanted, recorded in zip(pairs.heard, pairs.wanted, notes.course, strict=True):
            torch.testing.assert_close(wanted[note][first], heard[note, places[first]])
            changed += float((heard[note] - recorded[note, :N_HEARD].float()).abs().mean())
    if change == "speed":
        assert (pairs.pitch == pairs.heard_pitch).all()
        assert (pairs.pitch - notes.pitch).abs().max() <= 5
        assert (pairs.pitch - notes.pitch).unique().numel() > 4
    assert changed > 0.1


def test_an_equaliser_goes_by_frequency_for_both_pitches(notes: NoteCourses) -> None:
    """Harmonic 2 of one pitch and harmonic 1 of its octave get the same gain."""
    flat = notes._replace(course=Course(*(torch.zeros_like(x) for x in notes.course)))
    pairs = batch_of(set_of(flat, equalise=1, cross=1), seed=2, count=30)
    up = (pairs.pitch - pairs.heard_pitch == 12).nonzero()[:, 0]
    assert len(up) > 0
    for note in up.tolist():
        gains_db = pairs.heard.partial_db[note, 0], pairs.wanted.partial_db[note, 0]
        assert gains_db[0].std() > 0.1
        torch.testing.assert_close(gains_db[0][1:32:2], gains_db[1][:16], atol=1e-3, rtol=0)


def test_crossed_pairs_are_of_one_instrument(notes: NoteCourses) -> None:
    """Instruments are told apart by their level."""
    level_db = -10.0 * notes.instrument.half()[:, None, None]
    told = notes._replace(course=Course(*(torch.zeros_like(x) + level_db for x in notes.course)))
    pairs = batch_of(set_of(told, cross=1))
    heard_db = pairs.heard.partial_db.mean((1, 2))
    torch.testing.assert_close(heard_db, pairs.wanted.partial_db.mean((1, 2)))
    assert (pairs.heard_pitch != pairs.pitch).float().mean() > 0.4


def test_a_layer_adds_power(notes: NoteCourses) -> None:
    pairs = batch_of(set_of(notes, layer=1))
    more_db = pairs.heard.partial_db - notes.course.partial_db[:, :N_HEARD].float()
    assert more_db.min() > -1e-3
    assert (more_db.amax((1, 2)) > 1).float().mean() > 0.9


def test_an_attack_is_softened_and_a_decay_grows(notes: NoteCourses) -> None:
    late = batch_of(set_of(notes, attack=1)).heard.noise_db - notes.course.noise_db[:, :N_HEARD]
    assert (late[:, 0] < -8).all()
    assert late[:, -1].abs().max() < 0.1
    heard = batch_of(set_of(notes, decay=1)).heard.partial_db[..., 0]
    fallen = notes.course.partial_db[:, :N_HEARD, 0].float() - heard
    assert fallen[:, 0].abs().max() < 1e-3
    assert fallen[:, -1].min() > 2 * 3.8
    assert fallen[:, -1].max() < 30 * 4


def test_a_batch_repeats_from_its_seed(notes: NoteCourses) -> None:
    courses = CourseSet(notes, SLOTS, BANDS, PairSettings())
    one, again, other = (leaves(batch_of(courses, seed)) for seed in (5, 5, 6))
    assert all(torch.equal(a, b) for a, b in zip(one, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_share_of_the_batch_is_synthetic(notes: NoteCourses) -> None:
    pairs = batch_of(set_of(notes, synthetic=0.5, cross_synthetic=0))
    recorded = notes.course.partial_db[15:30, :N_HEARD].float()
    torch.testing.assert_close(pairs.heard.partial_db[15:], recorded, atol=1e-3, rtol=0)
    made = pairs.heard.partial_db[:15]
    assert (made - notes.course.partial_db[:15, :N_HEARD]).abs().mean() > 5
    assert made.min() >= QUIET_DB
    assert torch.equal(pairs.pitch, notes.pitch)


def test_validation_is_every_note_unchanged(notes: NoteCourses) -> None:
    courses = CourseSet(notes, SLOTS, BANDS, None)
    pairs = batch_of(courses)
    assert pairs.moment_s.shape == (30, N_HEARD + N_RELEASE)
    torch.testing.assert_close(pairs.wanted.partial_db, notes.course.partial_db.float())
    torch.testing.assert_close(pairs.heard.noise_db, notes.course.noise_db[:, :N_HEARD].float())
