"""Instruments that nobody built: random strings, pipes, reeds and synthesizers, as courses.

Some ninety recorded instruments teach a network their names. Thousands more, drawn at each step,
teach it what instruments do: a source that goes by harmonic number, a body and a filter that go by
frequency, an envelope, noise, and how all of them move with pitch and velocity. Every number below
is drawn for each instrument; the notes of one instrument share it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.mel import hz_to_mel
from timbrel.dsp.tracks.bands import Bands
from timbrel.dsp.tracks.slots import Slots
from timbrel.instruments.harmonic.course import QUIET_DB, Course
from timbrel.units import amplitude_to_db, midi_to_hz, sum_of_powers_db

_EQUALISER_POINTS = 10
_SINGLE_HARMONICS = 32
"""As many have slots of their own: what parts odd from even has no meaning above."""

_TYPICAL_VELOCITY = 0.67
_DB_PER_NEPER = 8.7
"""20 / ln 10, as the shipped weights were trained: a stroke fades by 1/e in `stroke_s`."""


def synthetic_courses(
    pitch: Float[Tensor, "instruments notes"],
    velocity: Float[Tensor, "instruments notes"],
    moment_s: Float[Tensor, "instruments notes moments"],
    released_s: Float[Tensor, "instruments notes moments"],
    slots: Slots,
    bands: Bands,
    generator: torch.Generator,
) -> Course:
    """Some notes of as many random instruments; the first of each peaks where velocity puts it.

    Args:
        pitch: MIDI numbers of each instrument's notes.
        velocity: 0..1.
        moment_s: since the onset of each note.
        released_s: since its release, negative before it.
        slots: of the courses.
        bands: of the courses.
        generator: of the instruments.

    Returns:
        Levels [instruments notes moments slots or bands], re full scale.
    """
    draw = _Draw(len(pitch), generator)
    f0_hz = midi_to_hz(pitch)[..., None]
    order = slots.centres
    note = _Note(pitch[..., None, None], velocity[..., None, None], moment_s[..., None])
    envelope = _envelope(draw, note, released_s[..., None])
    body = _Body(draw, bands)
    partial_db = (
        _source_db(draw, slots)[:, None, None]
        + body.at(f0_hz * order)[:, :, None]
        + _filter_db(draw, note, (f0_hz * order)[:, :, None])
        + envelope.at(order)
    )
    level_db = draw.uniform(10, 40) * (note.velocity / _TYPICAL_VELOCITY).log10()
    level_db = level_db + draw.normal(0.1) * (note.pitch - 60)
    loudest = partial_db[:, :1].amax((2, 3), keepdim=True)
    noise_db = _noise_db(draw, note, envelope, body, bands)
    partial_db = partial_db + level_db - loudest
    sounds = f0_hz * order < 0.49 * bands.sample_rate
    return Course(
        torch.where(sounds[:, :, None], partial_db, QUIET_DB).clamp_min(QUIET_DB),
        (noise_db + level_db).clamp_min(QUIET_DB),
    )


class _Draw:
    """Random numbers, one for each instrument, shaped to spread over notes, moments, levels."""

    def __init__(self, count: int, generator: torch.Generator) -> None:
        self.count = count
        self._generator = generator

    def uniform(self, low: float, high: float) -> Float[Tensor, "instruments 1 1 1"]:
        return low + (high - low) * torch.rand(self.count, 1, 1, 1, generator=self._generator)

    def log_uniform(self, low: float, high: float) -> Float[Tensor, "instruments 1 1 1"]:
        return self.uniform(math.log(low), math.log(high)).exp()

    def chance(self, share: float) -> Float[Tensor, "instruments 1 1 1"]:
        return (self.uniform(0, 1) < share).float()

    def normal(self, deviation: float) -> Float[Tensor, "instruments 1 1 1"]:
        return deviation * self.normals(1)[:, :, None, None]

    def normals(self, size: int) -> Float[Tensor, "instruments size"]:
        return torch.randn(self.count, size, generator=self._generator)


class _Note(NamedTuple):
    """What is played: all shaped to spread over instruments, notes, moments, levels."""

    pitch: Tensor
    velocity: Tensor
    moment_s: Tensor


def _source_db(draw: _Draw, slots: Slots) -> Float[Tensor, "instruments slots"]:
    """What goes by harmonic number: tilt, missing even harmonics, a plucking point, unevenness."""
    order = slots.centres
    tilt_db = -draw.uniform(1, 14) * order.log2()
    even = (order % 2 == 0) & (order <= _SINGLE_HARMONICS)
    hollow_db = -draw.uniform(3, 30) * draw.chance(0.25) * even
    plucked_at = draw.uniform(0.05, 0.5)
    comb = (math.pi * order * plucked_at).sin().abs().clamp_min(0.05)
    pluck_db = amplitude_to_db(comb) * draw.chance(0.3) * (order <= _SINGLE_HARMONICS)
    uneven_db = draw.uniform(0, 6)[..., 0, 0] * draw.normals(slots.n_slots)
    uneven_db = uneven_db / (1 + (order / _SINGLE_HARMONICS).square())
    return (tilt_db + hollow_db + pluck_db)[:, 0, 0] + uneven_db


class _Body:
    """What goes by frequency and stays: an uneven response and three resonances."""

    def __init__(self, draw: _Draw, bands: Bands) -> None:
        self._uneven_db = draw.normals(_EQUALISER_POINTS) * draw.uniform(0, 7)[:, 0, 0]
        self._top_mel = float(hz_to_mel(torch.tensor(bands.sample_rate / 2)))
        self._resonances = [
            (draw.log_uniform(150, 6000)[:, 0], draw.uniform(0.12, 0.6)[:, 0],
             (draw.uniform(2, 20) * draw.chance(0.5))[:, 0])
            for _ in range(3)
        ]  # fmt: skip

    def at(
        self, frequency_hz: Float[Tensor, "#instruments notes levels"]
    ) -> Float[Tensor, "instruments notes levels"]:
        place = hz_to_mel(frequency_hz) / self._top_mel * (_EQUALISER_POINTS - 1)
        place = place.clamp(0, _EQUALISER_POINTS - 1)[..., None]
        near = (1 - (place - torch.arange(_EQUALISER_POINTS)).abs()).clamp_min(0)
        level_db = (near * self._uneven_db[:, None, None]).sum(-1)
        for centre_hz, width_octaves, gain_db in self._resonances:
            away = (frequency_hz / centre_hz).log2() / width_octaves
            level_db = level_db + gain_db * (-0.5 * away.square()).exp()
        return level_db


def _filter_db(
    draw: _Draw, note: _Note, frequency_hz: Float[Tensor, "instruments notes 1 levels"]
) -> Float[Tensor, "instruments notes moments levels"]:
    """A low-pass that follows pitch, velocity and time to random degrees.

    Far above its cutoff it falls by the drawn slope in dB an octave, at the cutoff it is half of
    that down: -slope / 2 log2(1 + (f / cutoff)^2).
    """
    cutoff_octaves = draw.log_uniform(400, 20000).log2()
    cutoff_octaves = cutoff_octaves + draw.uniform(0, 1) * (note.pitch - 60) / 12
    cutoff_octaves = cutoff_octaves + draw.uniform(0, 2.5) * (note.velocity - _TYPICAL_VELOCITY)
    swing = draw.uniform(-0.7, 3) * draw.chance(0.6)
    swung = (-note.moment_s / draw.log_uniform(0.03, 1.0)).exp()
    cutoff_octaves = cutoff_octaves + swing * swung
    above = (2 * (frequency_hz.log2() - cutoff_octaves)).clamp(-30, 30)
    return -draw.uniform(6, 36) / 2 * above.exp2().log1p() / math.log(2)


@dataclass(frozen=True)
class _Envelope:
    """Rise, decay and release; high harmonics may come later and go sooner.

    Attributes:
        moment_s: since the onset.
        rise_s: in which the first harmonic rises.
        late: how much longer the rise takes an octave of harmonics higher, as a share of it.
        fall_db: by which decay and release have lowered the first harmonic.
        soon: how much faster each further harmonic falls, as a share.
        course_db: of what moves all harmonics alike: the drop after the attack, and a swell.
    """

    moment_s: Tensor
    rise_s: Tensor
    late: Tensor
    fall_db: Tensor
    soon: Tensor
    course_db: Tensor

    def at(
        self, order: Float[Tensor, " levels"]
    ) -> Float[Tensor, "instruments notes moments levels"]:
        rise_s = self.rise_s * (1 + self.late * order.log2())
        rise_db = amplitude_to_db(((self.moment_s + 0.001) / rise_s).clamp(0.002, 1))
        faster = (1 + self.soon * (order - 1)).clamp(max=12)
        return rise_db + self.course_db - self.fall_db * faster


def _envelope(draw: _Draw, note: _Note, released_s: Tensor) -> _Envelope:
    """Half of the instruments decay, as strings do; the others hold, as pipes do."""
    decays = draw.chance(0.55)
    rise_s = torch.where(decays > 0, draw.log_uniform(0.001, 0.03), draw.log_uniform(0.005, 0.5))
    follow = draw.uniform(0, 0.8)
    decay_db = draw.log_uniform(2, 60) * (follow * (note.pitch - 60) / 12).exp2() * note.moment_s
    drop_db = draw.uniform(0, 14) * (1 - (-note.moment_s / draw.log_uniform(0.02, 0.6)).exp())
    swell_db = draw.normal(2) * (note.moment_s / 2).clamp(max=1)
    fall_db = draw.log_uniform(20, 900) * released_s.clamp(0, 1.5)
    return _Envelope(
        note.moment_s,
        rise_s,
        draw.uniform(0, 0.5),
        decays * decay_db + fall_db,
        draw.log_uniform(0.002, 0.4),
        swell_db - drop_db,
    )


def _noise_db(
    draw: _Draw, note: _Note, envelope: _Envelope, body: _Body, bands: Bands
) -> Float[Tensor, "instruments notes moments bands"]:
    """Breath and bow that go with the tone, a stroke that does not, and a floor."""
    centres_hz = bands.centres_hz()
    colour_db = _Body(draw, bands).at(centres_hz.expand(1, 1, -1))[:, :, None]
    colour_db = colour_db - draw.uniform(-1, 6) * (centres_hz / 1000).log2()
    coloured = draw.chance(0.5)
    colour_db = colour_db + coloured * body.at(centres_hz.expand(1, 1, -1))[:, :, None]
    breath_db = draw.uniform(-95, -25) + envelope.at(torch.ones(1))
    stroke_s = draw.log_uniform(0.004, 0.15)
    stroke_db = draw.uniform(-75, -20) - _DB_PER_NEPER * note.moment_s / stroke_s
    floor_db = draw.uniform(-115, -85)
    return sum_of_powers_db(sum_of_powers_db(breath_db, stroke_db) + colour_db, floor_db)
