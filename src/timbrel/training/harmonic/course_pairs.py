"""Batches for the `harmonic` family: a note that is heard, and moments of a note that is wanted.

Both are of one instrument. It is a recorded one, changed alike in both (equalised, layered with
another, made to decay or to speak late, or read at another speed, as a tape would), or one that
nobody built.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from timbrel.dsp.tracks.bands import Bands
from timbrel.dsp.tracks.slots import Slots
from timbrel.instruments.harmonic.course import N_HEARD, Course, heard_moments
from timbrel.training.harmonic.course_changes import Change, PairSettings, Recorded
from timbrel.training.harmonic.note_courses import NoteCourses, moments_of
from timbrel.training.harmonic.synthetic_courses import synthetic_courses

_RELEASE_SHARE = 0.15
"""Of the moments that are asked for: how many lie after the release."""

_FARTHEST = 18
"""Semitones between the two notes of a synthetic pair, at most."""

_SYNTHETIC_PITCHES = (24, 100)


class CoursePairs(NamedTuple):
    """A batch.

    Attributes:
        heard: at `heard_moments`.
        heard_pitch: its pitch.
        wanted: at `moment_s` after the onset, `released_s` after the release.
        pitch, velocity: of the wanted note.
        loudest_db: the wanted note's loudest partial or band of noise, at any moment.
    """

    heard: Course
    heard_pitch: Float[Tensor, " batch"]
    wanted: Course
    pitch: Float[Tensor, " batch"]
    velocity: Float[Tensor, " batch"]
    moment_s: Float[Tensor, "batch moments"]
    released_s: Float[Tensor, "batch moments"]
    loudest_db: Float[Tensor, " batch"]


class CourseSet:
    """A training set of pairs.

    Args:
        notes: recorded ones.
        slots: of their courses.
        bands: of their courses.
        settings: None pairs each note with itself, unchanged and at all its moments.
    """

    def __init__(
        self, notes: NoteCourses, slots: Slots, bands: Bands, settings: PairSettings | None
    ) -> None:
        self.notes, self.slots, self.bands, self.settings = notes, slots, bands, settings
        self._by_instrument = notes.instrument.argsort(stable=True)
        self._sizes = torch.bincount(notes.instrument)
        self._firsts = self._sizes.cumsum(0) - self._sizes
        self._instruments = Recorded(notes, slots, bands)
        spacing = torch.gradient(heard_moments())[0].sqrt()
        self._often = (1 - _RELEASE_SHARE) * spacing / spacing.sum()

    def __len__(self) -> int:
        return len(self.notes.pitch)

    def batch(self, indices: Int[Tensor, " batch"], generator: torch.Generator) -> CoursePairs:
        """The notes at `indices` as wanted notes, each with a note to be heard."""
        if self.settings is None:
            return self.unchanged(indices)
        n_synthetic = round(self.settings.synthetic * len(indices))
        recorded = self._recorded(indices[n_synthetic:], generator)
        if n_synthetic == 0:
            return recorded
        made = self._synthetic(indices[:n_synthetic], generator)
        return _joined(made, recorded)

    def unchanged(self, indices: Int[Tensor, " batch"]) -> CoursePairs:
        """The notes at `indices`, each heard and wanted as it is."""
        notes = self.notes
        course = notes.course_at(indices)
        moment_s, released_s = moments_of(notes.hold_s[indices])
        pitch, velocity = notes.pitch[indices], notes.velocity[indices]
        return CoursePairs(
            _heard(course), pitch, course, pitch, velocity, moment_s, released_s, _loudest(course)
        )

    def _recorded(self, wanted_at: Tensor, generator: torch.Generator) -> CoursePairs:
        assert self.settings is not None
        notes, count = self.notes, len(wanted_at)
        group = notes.instrument[wanted_at]
        other = (torch.rand(count, generator=generator) * self._sizes[group]).long()
        other = self._by_instrument[self._firsts[group] + other]
        crossed = torch.rand(count, generator=generator) < self.settings.cross
        heard_at = torch.where(crossed, other, wanted_at)
        change = Change(self._instruments, self.settings, heard_at, wanted_at, generator)
        heard, wanted = change.made(heard_at), change.made(wanted_at)
        moment_s, released_s = moments_of(notes.hold_s[wanted_at])
        heard_pitch = notes.pitch[heard_at] + change.semitones
        return self._picked(
            heard, wanted, heard_pitch, notes.pitch[wanted_at] + change.semitones,
            notes.velocity[wanted_at], moment_s, released_s, generator,
        )  # fmt: skip

    def _synthetic(self, wanted_at: Tensor, generator: torch.Generator) -> CoursePairs:
        """Notes of the set as to pitch, velocity and hold; of random instruments as to sound."""
        assert self.settings is not None
        notes, count = self.notes, len(wanted_at)
        crossed = torch.rand(count, generator=generator) < self.settings.cross_synthetic
        heard_at = torch.where(crossed, wanted_at.roll(1), wanted_at)
        both = torch.stack([heard_at, wanted_at], 1)
        pitch, velocity, hold_s = notes.pitch[both], notes.velocity[both], notes.hold_s[both]
        away = 2 * _FARTHEST * (torch.rand(count, 1, generator=generator) - 0.5)
        near = (pitch[:, 1:] + away).clamp(*_SYNTHETIC_PITCHES)
        pitch[:, :1] = torch.where(crossed[:, None], near, pitch[:, :1])
        moment_s, released_s = (x.reshape(count, 2, -1) for x in moments_of(hold_s.reshape(-1)))
        made = synthetic_courses(
            pitch, velocity, moment_s, released_s, self.slots, self.bands, generator
        )
        heard, wanted = (Course(*(levels[:, i] for levels in made)) for i in (0, 1))
        return self._picked(
            heard, wanted, pitch[:, 0], pitch[:, 1], velocity[:, 1], moment_s[:, 1],
            released_s[:, 1], generator,
        )  # fmt: skip

    def _picked(
        self,
        heard: Course,
        wanted: Course,
        heard_pitch: Tensor,
        pitch: Tensor,
        velocity: Tensor,
        moment_s: Tensor,
        released_s: Tensor,
        generator: torch.Generator,
    ) -> CoursePairs:
        """Some moments of the wanted notes; the denser ones more often."""
        assert self.settings is not None
        n_release = moment_s.shape[1] - N_HEARD
        often = torch.cat([self._often, torch.full((n_release,), _RELEASE_SHARE / n_release)])
        some = torch.multinomial(
            often.expand(len(pitch), -1), self.settings.moments, generator=generator
        )
        loudest = _loudest(wanted)
        picked = Course(*(x.gather(1, some[..., None].expand(-1, -1, x.shape[-1])) for x in wanted))
        return CoursePairs(
            _heard(heard), heard_pitch, picked, pitch, velocity,
            moment_s.gather(1, some), released_s.gather(1, some), loudest,
        )  # fmt: skip


def _heard(course: Course) -> Course:
    return Course(*(levels[:, :N_HEARD] for levels in course))


def _loudest(course: Course) -> Float[Tensor, " batch"]:
    return torch.maximum(course.partial_db.amax((1, 2)), course.noise_db.amax((1, 2)))


def _joined(first: CoursePairs, second: CoursePairs) -> CoursePairs:
    """Both batches as one."""

    def courses(name: str) -> Course:
        both = zip(getattr(first, name), getattr(second, name), strict=True)
        return Course(*(torch.cat(levels) for levels in both))

    def rows(name: str) -> Tensor:
        return torch.cat([getattr(first, name), getattr(second, name)])

    return CoursePairs(
        courses("heard"), rows("heard_pitch"), courses("wanted"), rows("pitch"), rows("velocity"),
        rows("moment_s"), rows("released_s"), rows("loudest_db"),
    )  # fmt: skip
