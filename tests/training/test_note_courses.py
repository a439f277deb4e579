"""A set's courses: analysed once, kept beside it, read back; another set is another file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tones import PITCHES, SLOPES, VELOCITIES, make_tones

from timbrel.data.notes.note_set import NoteSet
from timbrel.dsp.tracks.slots import Slots
from timbrel.instruments.harmonic.course import N_HEARD, N_RELEASE, heard_moments
from timbrel.training.harmonic import note_courses as room
from timbrel.training.harmonic.note_courses import joined, moments_of, note_courses

SLOTS = Slots(250)
NOTES = len(SLOPES) * len(PITCHES) * len(VELOCITIES)


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> NoteSet:
    return NoteSet.open(make_tones(tmp_path_factory.mktemp("tones") / "nsynth-train"))


@pytest.fixture(scope="module")
def courses(tones: NoteSet) -> room.NoteCourses:
    return note_courses(tones, SLOTS, 0)


def test_each_note_has_its_course(tones: NoteSet, courses: room.NoteCourses) -> None:
    assert courses.course.partial_db.shape == (NOTES, N_HEARD + N_RELEASE, SLOTS.n_slots)
    assert courses.course.noise_db.shape == (NOTES, N_HEARD + N_RELEASE, 40)
    assert torch.equal(courses.pitch, tones.pitch.float())
    assert courses.velocity.unique().tolist() == pytest.approx([64 / 127, 1.0])
    assert courses.hold_s.tolist() == pytest.approx([0.4] * NOTES)


def test_levels_are_those_of_the_tones(tones: NoteSet, courses: room.NoteCourses) -> None:
    """Harmonic k of each tone has the amplitude k^-slope; a soft stroke half the loud one's."""
    place = int((heard_moments() - 0.2).abs().argmin())
    order = torch.arange(1, 7).float()
    for i in range(NOTES):
        slope = SLOPES[tones.instruments[int(tones.instrument[i])]]
        level_db = courses.course.partial_db[i, place, :6].float()
        fallen_db = level_db[0] - level_db
        assert (fallen_db - 20 * slope * order.log10()).abs().max() < 1
    loud = courses.velocity == 1
    softer_db = (courses.course.partial_db[loud] - courses.course.partial_db[~loud])[:, place, 0]
    assert (softer_db.float() - 20 * torch.tensor(127 / 64).log10()).abs().max() < 0.2


def test_each_instrument_stands_at_the_level_of_its_loud_notes(courses: room.NoteCourses) -> None:
    loudest = courses.course.partial_db.float().amax((1, 2))
    for instrument in range(len(SLOPES)):
        loud = loudest[(courses.instrument == instrument) & (courses.velocity == 1)]
        assert loud.median().abs() < 0.1


def test_it_is_analysed_once(
    tones: NoteSet, courses: room.NoteCourses, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("analysed again")

    monkeypatch.setattr(room, "_analysed", never)
    again = note_courses(NoteSet.open(tones.folder), SLOTS)
    for a, b in zip((*courses.course, *courses[1:]), (*again.course, *again[1:]), strict=True):
        assert torch.equal(a, b)
    assert len(list(tones.folder.glob("courses-*"))) == 1


def test_another_set_another_slots_or_another_version_is_another_file(
    tones: NoteSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {room._key(tones, SLOTS), room._key(tones, Slots(750))}
    few = NoteSet.open(make_tones(tmp_path / "few", ["reed_acoustic_001"], [60]))
    keys.add(room._key(few, SLOTS))
    monkeypatch.setattr(room, "VERSION", room.VERSION + 1)
    keys.add(room._key(tones, SLOTS))
    assert len(keys) == 4


def test_progress_counts_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_CHUNK", 1)
    few = NoteSet.open(make_tones(tmp_path / "few", ["reed_acoustic_001"], [60, 67]))
    told: list[tuple[int, int]] = []
    found = note_courses(few, SLOTS, 0, lambda _, done, total: told.append((done, total)))
    assert [done for done, _ in told] == [1, 2, 3, 4]
    assert {total for _, total in told} == {4}
    assert len(found.pitch) == 4


def test_moments_after_the_release_are_each_notes_own() -> None:
    moment_s, released_s = moments_of(torch.tensor([0.4, 3.0]))
    assert moment_s.shape == released_s.shape == (2, N_HEARD + N_RELEASE)
    assert torch.equal(moment_s[0, :N_HEARD], moment_s[1, :N_HEARD])
    assert moment_s[:, N_HEARD].tolist() == pytest.approx([0.4, 3.0])
    torch.testing.assert_close(released_s, moment_s - torch.tensor([[0.4], [3.0]]))


def test_joined_sets_keep_their_instruments_apart(courses: room.NoteCourses) -> None:
    both = joined([courses, courses])
    assert len(both.pitch) == 2 * NOTES
    assert int(both.instrument.max()) == 2 * len(SLOPES) - 1
    assert torch.equal(both.course.partial_db[NOTES:], courses.course.partial_db)
    assert torch.equal(both.instrument[NOTES:], courses.instrument + len(SLOPES))
