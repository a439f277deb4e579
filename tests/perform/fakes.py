"""Instruments whose sound is known in closed form."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import torch

from timbrel.instruments.instrument import Instrument
from timbrel.midi import Score, ScoreNote, Track
from timbrel.sound import Control, Notes, Rendered, TimbreSpace
from timbrel.sound.playing import Follower
from timbrel.units import midi_to_hz


class Decaying(Instrument):
    """A decaying cosine with a tail of a given length: sharp onset, exact pitch, some DC."""

    family: ClassVar[str] = "decaying"
    timbre_space = TimbreSpace.gaussian(1)

    def __init__(self, sample_rate=16000, tail_s=0.3, abilities=("velocity", "bend"), dc=0.0):
        self.sample_rate = sample_rate
        self.tail_s = tail_s
        self.dc = dc
        self.abilities = frozenset(abilities)
        self.batches: list[Notes] = []

    def render(self, notes, timbre, controls=None, *, generator=None):
        self.batches.append(notes)
        lengths = ((notes.duration_s.double() + self.tail_s) * self.sample_rate).round().long()
        times_s = torch.arange(int(lengths.max()), dtype=torch.float64) / self.sample_rate
        pitch = notes.pitch[:, None].double() + notes.bend_at(times_s)
        phase = 2 * torch.pi * (midi_to_hz(pitch) / self.sample_rate).cumsum(1)
        level = notes.velocity[:, None] if self.can("velocity") else 1.0
        level = level * timbre.expand(len(notes), 1)
        audio = level * (torch.exp(-2 * times_s) * torch.cos(phase) + self.dc)
        audio = audio * (times_s < lengths[:, None] / self.sample_rate)
        return Rendered(audio.float(), lengths, self.sample_rate)


class Click(Decaying):
    """One sample of the timbre's value at the onset, silence until the key is up."""

    def render(self, notes, timbre, controls=None, *, generator=None):
        self.batches.append(notes)
        lengths = (notes.duration_s * self.sample_rate).round().long()
        audio = torch.zeros(len(notes), int(lengths.max()))
        audio[:, :1] = timbre.expand(len(notes), 1)
        return Rendered(audio, lengths, self.sample_rate)


def notes_of(*rows) -> tuple[ScoreNote, ...]:
    return tuple(ScoreNote(*row) for row in rows)


def score_of(*tracks: tuple[ScoreNote, ...]) -> Score:
    return Score(tuple(Track("", 40 + i, False, notes) for i, notes in enumerate(tracks)))


def busy_score(n_notes=30, n_tracks=3, length_s=4.0) -> Score:
    """Overlapping notes of all lengths, some of them equal, some bent."""
    generator = torch.Generator().manual_seed(3)
    tracks = []
    for number in range(n_tracks):
        notes = []
        for k in range(n_notes):
            onset_s, duration_s, pitch, velocity = torch.rand(4, generator=generator).tolist()
            bend = (0.0, 0.5, 1.0, -1.0) if k % 7 == 0 else None
            notes.append(
                ScoreNote(
                    40 + round(pitch * 40), 0.1 + 0.2 * round(velocity * 4), onset_s * length_s,
                    0.1 * round(1 + duration_s * 12), bend, -3.0 * (k % 3),
                )
            )  # fmt: skip
        notes.sort(key=lambda note: note.onset_s)
        tracks.append(Track("", 40 + number, False, tuple(notes), pan=0.4 * number - 0.4))
    return Score(tuple(tracks))


class Following(Decaying):
    """A sine that goes from frame to frame of a performance; silent where there is no pitch.

    Its loudness is that of the frames, its register what it is told, and its `transfer` the closed
    form of what its follower plays frame by frame.
    """

    family: ClassVar[str] = "following"
    controls = (Control("harmonic_gain", "dB", -40.0, 12.0, 0.0),)

    def __init__(self, sample_rate=16000, abilities=("transfer", "follow"), register=None):
        super().__init__(sample_rate, abilities=abilities)
        self.told = register

    def register(self, timbre):
        return self.told

    def follower(self, timbre, sample_rate):
        return FollowingSine(sample_rate)

    def transfer(self, performance, timbre, controls=None):
        follower, hop = FollowingSine(self.sample_rate), self.sample_rate // 200
        for name, value in (controls or {}).items():
            follower.set(name, value)
        curves = (performance.f0_hz, performance.loudness_db, performance.confidence)
        blocks = []
        for frame in zip(*(curve.tolist() for curve in curves), strict=True):
            follower.hear(*frame)
            blocks.append(np.zeros(hop, np.float32))
            follower.process(blocks[-1])
        return torch.from_numpy(np.concatenate(blocks[1:]))


class FollowingSine(Follower):
    """Pitch and amplitude go straight from each frame to the next, in one frame."""

    frame_rate = 200.0

    def __init__(self, sample_rate):
        self.sample_rate = sample_rate
        self.gain_db = 0.0
        self.before = self.now = (440.0, 0.0)
        self.since = 0
        self.phase = 0.0
        self.timbres = []

    def hear(self, f0_hz, loudness_db, confidence):
        is_sure = confidence >= 0.5 and f0_hz > 0
        level = math.sqrt(2) * 10 ** ((loudness_db + self.gain_db) / 20) if is_sure else 0.0
        self.before, self.now = self.now, (f0_hz if is_sure else self.now[0], level)
        self.since = 0

    def set_timbre(self, timbre):
        self.timbres.append(timbre)

    def set(self, control, value):
        assert control == "harmonic_gain"
        self.gain_db = value

    def process(self, out):
        hop = self.sample_rate / self.frame_rate
        way = np.minimum((self.since + np.arange(len(out))) / hop, 1.0)
        (f0_from, level_from), (f0_to, level_to) = self.before, self.now
        cycles = self.phase + np.cumsum(f0_from + (f0_to - f0_from) * way) / self.sample_rate
        out[:] = (level_from + (level_to - level_from) * way) * np.sin(2 * np.pi * cycles)
        self.phase = cycles[-1] % 1.0 if len(out) else self.phase
        self.since += len(out)
