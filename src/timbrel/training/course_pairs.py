"""Batches for the `harmonic` family: a note that is heard, and moments of a note that is wanted.

Both are of one instrument. It is a recorded one, changed alike in both (equalised, layered with
another, made to decay or to speak late, or read at another speed, as a tape would), or one that
nobody built.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor

from timbrel.config import Settings
from timbrel.dsp.mel import hz_to_mel
from timbrel.dsp.tracks.bands import Bands
from timbrel.instruments.harmonic.course import (
    N_HEARD,
    QUIET_DB,
    Course,
    heard_moments,
)
from timbrel.instruments.harmonic.network import band_shares
from timbrel.instruments.harmonic.slots import Slots
from timbrel.training.note_courses import NoteCourses, moments_of
from timbrel.training.synthetic import synthetic_courses
from timbrel.units import amplitude_to_db, midi_to_hz, sum_of_powers_db

Share = Annotated[float, Field(ge=0, le=1)]

_POINTS = 9
_RELEASE_SHARE = 0.15
_SYNTHETIC_PITCHES = (24, 100)


class PairSettings(Settings):
    """How often notes are made into new instruments, and how strongly.

    Attributes:
        cross: share of pairs whose wanted note is another one of the same instrument.
        synthetic: share of pairs of instruments that nobody built.
        cross_synthetic: share of those whose wanted note has another pitch and velocity.
        equalise, layer, decay, attack, speed: shares of recorded pairs that get a random
            equaliser, a second instrument on top, an extra decay, a slower attack, another speed.
        equaliser_db: standard deviation of the equaliser's points.
        moments: of each wanted note that are asked for.
    """

    cross: Share = 0.5
    synthetic: Share = 0.4
    cross_synthetic: Share = 0.7
    equalise: Share = 0.7
    layer: Share = 0.3
    decay: Share = 0.2
    attack: Share = 0.15
    speed: Share = 0.4
    equaliser_db: float = Field(default=5.0, ge=0, le=40)
    moments: int = Field(default=40, ge=1, le=96)


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
        held = notes.hold_s >= notes.hold_s.max() - 0.01
        self._place = _places(notes, held)
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
        course = _at(notes.course, indices)
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
        change = _Change(self, heard_at, wanted_at, generator)
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
        near = (pitch[:, 1:] + 36 * (torch.rand(count, 1, generator=generator) - 0.5)).clamp(
            24, 100
        )
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


class _Change:
    """What makes a recorded instrument another one: the same for all its notes."""

    def __init__(
        self, of: CourseSet, heard_at: Tensor, wanted_at: Tensor, generator: torch.Generator
    ) -> None:
        assert of.settings is not None
        self._set, self._settings = of, of.settings
        count = len(heard_at)

        def some(share: float) -> Float[Tensor, "batch 1"]:
            return (torch.rand(count, 1, generator=generator) < share).float()

        def uniform(low: float, high: float) -> Float[Tensor, "batch 1"]:
            return low + (high - low) * torch.rand(count, 1, generator=generator)

        points = torch.randn(count, _POINTS, generator=generator) * of.settings.equaliser_db
        self._equaliser_db = points * some(of.settings.equalise)
        self._decay_db = (2 + 28 * uniform(0, 1).square()) * some(of.settings.decay)
        self._rise_s = torch.where(
            some(of.settings.attack) > 0, 0.03 * 20 ** uniform(0, 1), torch.tensor(1e-6)
        )
        self.semitones = (uniform(-5, 5) * some(of.settings.speed)).round()[:, 0]
        self._layer_db = -20 * uniform(0, 1)
        layered = some(of.settings.layer)[:, 0] > 0
        self._layer = self._partner(heard_at, wanted_at, layered, generator)

    def _partner(
        self, heard_at: Tensor, wanted_at: Tensor, layered: Tensor, generator: torch.Generator
    ) -> Int[Tensor, " batch"]:
        """An instrument that has a held note like each of the two; -1 where none is layered."""
        place = self._set._place
        partner = torch.randint(len(place), (len(heard_at),), generator=generator)
        has = torch.ones(len(heard_at), dtype=torch.bool)
        for at in (heard_at, wanted_at):
            has &= self._like(partner, at) >= 0
            has &= self._set.notes.hold_s[at] >= float(self._set.notes.hold_s.max()) - 0.01
        return torch.where(has & layered, partner, -1)

    def _like(self, instrument: Tensor, at: Tensor) -> Int[Tensor, " batch"]:
        """The instrument's held note of the same pitch and velocity, or -1."""
        notes = self._set.notes
        pitch, velocity = notes.pitch[at].long(), (notes.velocity[at] * 127).round().long()
        return self._set._place[instrument, pitch, velocity]

    def made(self, at: Tensor) -> Course:
        """The notes at these places, changed."""
        notes, slots, bands = self._set.notes, self._set.slots, self._set.bands
        course = self._layered(at)
        moment_s = moments_of(notes.hold_s[at])[0]
        rise_db = amplitude_to_db(((moment_s + 0.004) / self._rise_s).clamp(max=1))
        envelope_db = (rise_db - self._decay_db * moment_s)[..., None]
        f0_hz = midi_to_hz(notes.pitch[at] + self.semitones)[:, None]
        partial_db = course.partial_db + self._equalised(f0_hz * slots.centres)[:, None]
        noise_db = (
            self._shifted(course.noise_db) + self._equalised(bands.centres_hz()[None])[:, None]
        )
        return Course(
            (partial_db + envelope_db).clamp_min(QUIET_DB),
            (noise_db + envelope_db).clamp_min(QUIET_DB),
        )

    def _layered(self, at: Tensor) -> Course:
        notes = self._set.notes
        course = _at(notes.course, at)
        rows = (self._layer >= 0).nonzero()[:, 0]
        if not len(rows):
            return course
        under = _at(notes.course, self._like(self._layer[rows], at[rows]))
        gain_db = self._layer_db[rows, :, None]
        for levels, more in zip(course, under, strict=True):
            levels[rows] = sum_of_powers_db(levels[rows], more + gain_db)
        return course

    def _shifted(
        self, noise_db: Float[Tensor, "batch moments bands"]
    ) -> Float[Tensor, "batch moments bands"]:
        """Noise moves along when a note is read faster."""
        centres_hz = self._set.bands.centres_hz()
        read_hz = centres_hz * (-self.semitones[:, None] / 12).exp2()
        return noise_db @ band_shares(read_hz, self._set.bands)

    def _equalised(self, frequency_hz: Float[Tensor, "#batch levels"]) -> Tensor:
        top = float(hz_to_mel(torch.tensor(self._set.bands.sample_rate / 2)))
        place = (hz_to_mel(frequency_hz) / top * (_POINTS - 1)).clamp(0, _POINTS - 1)
        near = (1 - (place[..., None] - torch.arange(_POINTS)).abs()).clamp_min(0)
        return (near * self._equaliser_db[:, None]).sum(-1)


def _places(notes: NoteCourses, held: Tensor) -> Int[Tensor, "instruments pitches velocities"]:
    """The held note of each instrument, pitch and velocity; -1 where there is none."""
    place = torch.full((int(notes.instrument.max()) + 1, 128, 128), -1)
    velocity = (notes.velocity * 127).round().long()
    at = held.nonzero()[:, 0]
    place[notes.instrument[at], notes.pitch[at].long(), velocity[at]] = at
    return place


def _at(course: Course, places: Tensor) -> Course:
    return Course(*(levels[places].float() for levels in course))


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
