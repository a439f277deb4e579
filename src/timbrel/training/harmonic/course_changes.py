"""New instruments out of recorded ones: equalised, layered, decaying, late, or read faster.

A change is drawn for an instrument and laid over every note of it alike: what is heard and what is
wanted stay one instrument's.
"""

from __future__ import annotations

from typing import Annotated

import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field
from torch import Tensor

from timbrel.config import Settings
from timbrel.dsp.mel import hz_to_mel
from timbrel.dsp.tracks.bands import Bands
from timbrel.dsp.tracks.slots import Slots
from timbrel.instruments.harmonic.course import QUIET_DB, Course
from timbrel.training.harmonic.note_courses import NoteCourses, moments_of
from timbrel.units import amplitude_to_db, midi_to_hz, sum_of_powers_db

Share = Annotated[float, Field(ge=0, le=1)]

_POINTS = 9
"""Of an equaliser, evenly over mels up to Nyquist."""


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


class Recorded:
    """Recorded instruments, and where each has which note.

    Args:
        notes: of all instruments.
        slots: of their courses.
        bands: of their courses.

    Attributes:
        is_held: which notes are held as long as any.
    """

    def __init__(self, notes: NoteCourses, slots: Slots, bands: Bands) -> None:
        self.notes, self.slots, self.bands = notes, slots, bands
        self.is_held = notes.hold_s >= notes.hold_s.max() - 0.01
        self._place = _places(notes, self.is_held)

    @property
    def n_instruments(self) -> int:
        """How many there are."""
        return len(self._place)

    def held_like(
        self, instrument: Int[Tensor, " batch"], at: Int[Tensor, " batch"]
    ) -> Int[Tensor, " batch"]:
        """Each instrument's held note of the pitch and velocity of the note at a place, or -1."""
        pitch = self.notes.pitch[at].long()
        velocity = (self.notes.velocity[at] * 127).round().long()
        return self._place[instrument, pitch, velocity]


class Change:
    """What makes recorded instruments other ones: the same for all notes of each.

    Args:
        recorded: the instruments.
        settings: how often they are changed, and how strongly.
        heard_at, wanted_at: places of the notes that will be changed, a pair an instrument.
        generator: of all that is drawn.

    Attributes:
        semitones: by which each instrument is read faster, as a tape would be.
    """

    def __init__(
        self,
        recorded: Recorded,
        settings: PairSettings,
        heard_at: Int[Tensor, " batch"],
        wanted_at: Int[Tensor, " batch"],
        generator: torch.Generator,
    ) -> None:
        self._recorded = recorded
        count = len(heard_at)

        def some(share: float) -> Float[Tensor, "batch 1"]:
            return (torch.rand(count, 1, generator=generator) < share).float()

        def uniform(low: float, high: float) -> Float[Tensor, "batch 1"]:
            return low + (high - low) * torch.rand(count, 1, generator=generator)

        points = torch.randn(count, _POINTS, generator=generator) * settings.equaliser_db
        self._equaliser_db = points * some(settings.equalise)
        self._decay_db_per_s = (2 + 28 * uniform(0, 1).square()) * some(settings.decay)
        self._rise_s = torch.where(
            some(settings.attack) > 0, 0.03 * 20 ** uniform(0, 1), torch.tensor(1e-6)
        )
        self.semitones = (uniform(-5, 5) * some(settings.speed)).round()[:, 0]
        self._layer_db = -20 * uniform(0, 1)
        layered = some(settings.layer)[:, 0] > 0
        self._layer = self._partner(heard_at, wanted_at, layered, generator)

    def _partner(
        self, heard_at: Tensor, wanted_at: Tensor, layered: Tensor, generator: torch.Generator
    ) -> Int[Tensor, " batch"]:
        """An instrument that has a held note like each of the two; -1 where none is layered."""
        recorded = self._recorded
        partner = torch.randint(recorded.n_instruments, (len(heard_at),), generator=generator)
        has = torch.ones(len(heard_at), dtype=torch.bool)
        for at in (heard_at, wanted_at):
            has &= recorded.held_like(partner, at) >= 0
            has &= recorded.is_held[at]
        return torch.where(has & layered, partner, -1)

    def made(self, at: Int[Tensor, " batch"]) -> Course:
        """The notes at these places, one of each instrument, changed."""
        notes, slots, bands = self._recorded.notes, self._recorded.slots, self._recorded.bands
        course = self._layered(at)
        moment_s = moments_of(notes.hold_s[at])[0]
        rise_db = amplitude_to_db(((moment_s + 0.004) / self._rise_s).clamp(max=1))
        envelope_db = (rise_db - self._decay_db_per_s * moment_s)[..., None]
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
        """The notes with their partners' like notes under them."""
        notes = self._recorded.notes
        course = notes.course_at(at)
        rows = (self._layer >= 0).nonzero()[:, 0]
        if not len(rows):
            return course
        under = notes.course_at(self._recorded.held_like(self._layer[rows], at[rows]))
        gain_db = self._layer_db[rows, :, None]
        for levels, more in zip(course, under, strict=True):
            levels[rows] = sum_of_powers_db(levels[rows], more + gain_db)
        return course

    def _shifted(
        self, noise_db: Float[Tensor, "batch moments bands"]
    ) -> Float[Tensor, "batch moments bands"]:
        """Noise moves along when a note is read faster."""
        bands = self._recorded.bands
        read_hz = bands.centres_hz() * (-self.semitones[:, None] / 12).exp2()
        return noise_db @ bands.interpolation(read_hz)

    def _equalised(
        self, frequency_hz: Float[Tensor, "#batch levels"]
    ) -> Float[Tensor, "batch levels"]:
        """Gain in dB at some frequencies: linear over mels between the equaliser's points."""
        top = float(hz_to_mel(torch.tensor(self._recorded.bands.sample_rate / 2)))
        place = (hz_to_mel(frequency_hz) / top * (_POINTS - 1)).clamp(0, _POINTS - 1)
        near = (1 - (place[..., None] - torch.arange(_POINTS)).abs()).clamp_min(0)
        return (near * self._equaliser_db[:, None]).sum(-1)


def _places(
    notes: NoteCourses, held: Bool[Tensor, " notes"]
) -> Int[Tensor, "instruments pitches velocities"]:
    """The held note of each instrument, pitch and velocity; -1 where there is none."""
    place = torch.full((int(notes.instrument.max()) + 1, 128, 128), -1)
    velocity = (notes.velocity * 127).round().long()
    at = held.nonzero()[:, 0]
    place[notes.instrument[at], notes.pitch[at].long(), velocity[at]] = at
    return place
