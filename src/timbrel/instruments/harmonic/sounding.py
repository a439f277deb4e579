"""A note of the family from its onset to its end: levels at any time, then tracks, then sound.

A level at time t is a straight line that falls as the sound does, and what moves around it, read
at the place of t in a loop:

    level(t) = slope t + moving(place(t)),    moving(t) = level said at t - slope t

While the note is no longer than what is known, place(t) = t and the slope cancels. After the key
came up the level of that moment falls as the decoder says.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.envelope import fade
from timbrel.dsp.tracks import SILENT_DB, Tracks, TrackVoices, render_tracks, synthesise
from timbrel.dsp.tracks.bands import Bands
from timbrel.dsp.tracks.slots import Slots
from timbrel.dsp.tracks.tracks import FRAME_RATE
from timbrel.instruments.harmonic.course import LAST_RELEASE_S, heard_moments, release_moments
from timbrel.instruments.harmonic.knobs import Knobs
from timbrel.instruments.harmonic.knots import read_curves
from timbrel.instruments.harmonic.loop import Loop, Places, find_loop
from timbrel.instruments.harmonic.said import LONGEST_HOLD_S, SOFTEST_DB
from timbrel.instruments.harmonic.take import Take
from timbrel.instruments.harmonic.timbre_layout import MOVED_RATE
from timbrel.sound import Notes
from timbrel.units import db_to_power, midi_to_hz, power_to_db

REFERENCE_DB = -14.0
"""Level of a loud note's loudest partial: chords stay below full scale."""

SILENT_BELOW_DB = SOFTEST_DB + 8
"""Residuals are known to a few dB: where the softest is meant, nothing is to sound."""

RISE_MOMENTS = (0, 1, 2, 3, 4, 6, 8, 11, 14, 18, 23, 29, 36, 44, 53, 61)
"""Of `heard_moments`, those within a second that tell when the attack is over."""

RISEN_DB, RISE_S = 2.0, (0.01, 0.6)
"""An attack is over so near to the loudest, but neither sooner nor later than these."""

WELL_KNOWN_S = 1.5
"""Levels that were recorded for so long are looped; others go on as the decoder has them."""

SLOPE_OVER_S, SLOPE_SHARE = 1.0, 0.4
"""A sound's fall is measured over so much of its end, or over this share of the whole if longer."""

STEADY_DB_S, STEEPEST_DB_S = 1.5, 80.0
"""What falls more slowly than the first is steady; nothing falls on faster than the second."""

_AUDIBLE_DB = -72.0
"""Re a note's loudest moment: what stays below it to the end is not rendered."""

FADE_IN_S, FADE_OUT_S = 0.001, 0.04
RELEASE_FADE_S = 0.25
"""What has not died away when the release ends was on its way there for so long."""

_SCAN_S = 0.1
_CHUNK_FRAMES = 800


@dataclass(frozen=True, eq=False)
class Outline:
    """What is known of a note's levels and movements before its length is.

    Attributes:
        levels: of slots and bands at `heard_moments`.
        fallen: of the same after the key came up, at `release_moments`.
        wander, swell: cents and dB of movement, as in the timbre.
        known_s: how long they were recorded.
        offset: of the lowest partials.
        transient_db: the burst.
    """

    levels: Float[Tensor, "heard levels"]
    fallen: Float[Tensor, "released levels"]
    wander: Float[Tensor, " moved"]
    swell: Float[Tensor, " moved"]
    known_s: float
    offset: Float[Tensor, " offsets"]
    transient_db: Float[Tensor, "ticks bands"]


class Sounding:
    """One note that can be asked for its tracks at any time.

    Args:
        outline: its levels and movements.
        note: pitch, velocity, duration, bend: a batch of one.
        slots, bands: of the model.
        sample_rate: in Hz.
        knobs: how the controls stand.
        take: what is different each time a note is played.
    """

    def __init__(
        self, outline: Outline, note: Notes, slots: Slots, bands: Bands, sample_rate: int,
        knobs: Knobs, take: Take,
    ) -> None:  # fmt: skip
        self.outline, self.note, self.slots, self.bands = outline, note, slots, bands
        self.sample_rate, self.knobs, self.take = sample_rate, knobs, take
        self.held_s = float(note.duration_s[0])
        self.release_s = LAST_RELEASE_S * knobs.release

    @cached_property
    def attack_s(self) -> float:
        """When the note first comes near its loudest."""
        level = _loudest(self.outline.levels.detach()[list(RISE_MOMENTS)])
        near = int((level > level.max() - RISEN_DB).nonzero()[0])
        return float(heard_moments()[RISE_MOMENTS[near]].clamp(*RISE_S))

    @cached_property
    def slope(self) -> Float[Tensor, " levels"]:
        """DB per second at which each level goes on falling; 0 where it is steady or silent."""
        end_s = self.level_loop.end_s
        over_s = min(max(SLOPE_OVER_S, SLOPE_SHARE * end_s), 0.8 * end_s)
        time_s = torch.linspace(end_s - over_s, end_s, 40)
        levels = read_curves(self.outline.levels, heard_moments(), time_s)
        away = (time_s - time_s.mean())[:, None]
        slope = (levels * away).sum(0) / away.square().sum()
        sure = (-slope / STEADY_DB_S - 1).clamp(0, 1)
        return sure * slope.clamp(-STEEPEST_DB_S, 0)

    @cached_property
    def moved_loop(self) -> Loop:
        """Of wander and swell."""
        wander, swell = (x.detach().numpy() for x in (self.outline.wander, self.outline.swell))
        return find_loop(wander, swell, self.outline.known_s)

    @cached_property
    def level_loop(self) -> Loop:
        """Of the levels: the same if they are well known, otherwise none."""
        if self.outline.known_s >= WELL_KNOWN_S:
            return self.moved_loop
        return Loop(math.inf, LONGEST_HOLD_S, 0.0)

    def _when(self, time_s: Float[Tensor, " frames"]) -> Float[Tensor, " frames"]:
        """Time in the sound at a time of the note: slower or faster until the attack is over."""
        slower = self.knobs.attack
        over_s = self.attack_s * slower
        return torch.where(time_s < over_s, time_s / slower, time_s - over_s + self.attack_s)

    def levels(self, time_s: Float[Tensor, " frames"]) -> Float[Tensor, "frames levels"]:
        """Levels of slots and bands at rising times, movement in common left out."""
        held_s = self._when(time_s.clamp(max=self.held_s))
        levels = self.knobs.changed(
            self._held(held_s), self.note.pitch[0], self.note.velocity[0], self.slots, self.bands
        )
        since_s = (time_s - self.held_s).clamp_min(0) / self.knobs.release
        released = since_s > 0
        if bool(released.any()):
            fallen = read_curves(self.outline.fallen, release_moments(), since_s[released])
            levels = torch.cat([levels[~released], levels[released] + fallen])
        return levels

    def _held(self, sound_s: Float[Tensor, " frames"]) -> Float[Tensor, "frames levels"]:
        moments_s = heard_moments()
        places = self.level_loop.places(sound_s)
        moving = self.outline.levels - self.slope * moments_s[:, None]
        return _read_at(moving, moments_s, places) + self.slope * sound_s[:, None]

    @cached_property
    def length_s(self) -> float:
        """How long the note is heard."""
        scanned = torch.arange(0, self.held_s, _SCAN_S)
        early = heard_moments() * max(self.knobs.attack, 1.0)
        time_s = torch.cat([
            torch.cat([scanned, early[early < self.held_s]]).unique(),
            self.held_s + release_moments() * self.knobs.release,
        ])  # fmt: skip
        level = torch.cat([self.levels(part).detach().amax(-1) for part in time_s.split(500)])
        audible = level > max(float(level.max()) + _AUDIBLE_DB, SILENT_BELOW_DB)
        last = int(audible.nonzero()[-1]) if bool(audible.any()) else 0
        end_s = float(time_s[min(last + 1, len(time_s) - 1)])
        return max(end_s, 2 * FADE_OUT_S)

    @cached_property
    def n_harmonics(self) -> int:
        """Partials below Nyquist where the note is lowest."""
        bend = self.note.bend_semitones
        # with a semitone to spare: movement goes below the pitch that is written
        lowest = float(self.note.pitch[0]) + (0.0 if bend is None else float(bend.min())) - 1.0
        most = int(0.5 * self.sample_rate / midi_to_hz(lowest))
        return max(1, min(most, int(self.slots.firsts[-1] + self.slots.counts[-1]) - 1))

    def tracks(self, first: int, count: int) -> Tracks:
        """Frames of the note from a given one on; a batch of one."""
        time_s = torch.arange(first, first + count) / FRAME_RATE
        n_slots = self.slots.n_slots
        levels = self.levels(time_s)
        places = self.moved_loop.places(self._when(time_s))
        moved = torch.stack([self.outline.wander, self.outline.swell], 1)
        cents, swell = _read_at(moved, _moved_s(len(moved)), places).unbind(1)
        gain_db = self.knobs.tremolo_db(time_s, self.take.turn) + self.take.level_db
        gain_db = gain_db + self._ending_db(time_s)
        partial = levels[:, :n_slots] + (swell + gain_db)[:, None]
        partial = self.slots.spread(partial, self.n_harmonics)
        cents = cents + self.knobs.vibrato_cents(time_s, self.take.turn)
        cents = cents + self.take.drift_cents(time_s)
        semitones = self.note.pitch[0] + self.note.bend_at(time_s)[0] + cents / 100
        offset = torch.nn.functional.pad(self.outline.offset, (0, self.n_harmonics))
        return Tracks(
            FRAME_RATE,
            midi_to_hz(semitones)[None],
            _played(partial)[None],
            offset[None, : self.n_harmonics],
            _played(levels[:, n_slots:] + gain_db[:, None])[None],
            (self.outline.transient_db + REFERENCE_DB)[None],
        )

    def _ending_db(self, time_s: Float[Tensor, " frames"]) -> Float[Tensor, " frames"]:
        """A raised cosine down to silence where the release ends."""
        left = (self.held_s + self.release_s - time_s) / (RELEASE_FADE_S * self.knobs.release)
        way = 0.5 - 0.5 * (math.pi * left.clamp(0, 1)).cos()
        return 20 * (way + 1e-15).log10()

    def audio(self) -> Float[Tensor, " time"]:
        """The whole note; long ones are made in pieces, and take no more memory than those."""
        length = round(self.length_s * self.sample_rate)
        n_frames = math.ceil(self.length_s * FRAME_RATE) + 1
        start = self.take.phases(self.n_harmonics)
        has_gradient = self.outline.levels.requires_grad
        if has_gradient or n_frames <= 2 * _CHUNK_FRAMES:
            make = synthesise if has_gradient else render_tracks
            sound = make(
                self.tracks(0, n_frames), self.sample_rate, length=length, start=start[None],
                noise_start=torch.tensor([self.take.noise_start]),
            )[0]  # fmt: skip
        else:
            sound = self._streamed(length, n_frames, start)
        in_s = FADE_IN_S * max(self.knobs.attack, 1.0)
        return fade(sound, self.sample_rate, in_s=in_s, out_s=FADE_OUT_S)

    def _streamed(self, length: int, n_frames: int, start: Tensor) -> Float[Tensor, " time"]:
        """The same, `_CHUNK_FRAMES` at a time."""
        n_bands = self.outline.transient_db.shape[-1]
        voices = TrackVoices(
            1, self.sample_rate, n_harmonics=self.n_harmonics, n_bands=n_bands,
            ahead=_CHUNK_FRAMES + 1,
        )  # fmt: skip
        audio, done = np.zeros(length, np.float32), 0
        for first in range(0, n_frames, _CHUNK_FRAMES):
            piece = self.tracks(first, min(_CHUNK_FRAMES, n_frames - first))
            if first == 0:
                voices.begin(
                    0, offset=piece.offset[0].numpy(), start=start.numpy(),
                    transient_db=piece.transient_db[0].numpy(),
                    noise_start=self.take.noise_start,
                )  # fmt: skip
            curves = (piece.f0_hz, piece.harmonic_db, piece.noise_db)
            voices.push(np.array([0]), *(curve.numpy() for curve in curves))
            last = first + piece.n_frames - 1
            until = length if last == n_frames - 1 else int(last * self.sample_rate / FRAME_RATE)
            voices.process(audio[done:until])
            done = until
        return torch.from_numpy(audio)


def _played(level_db: Tensor) -> Tensor:
    """Levels re full scale; what is softer than the softest is silent."""
    silent = level_db.new_tensor(SILENT_DB)
    return torch.where(level_db > SILENT_BELOW_DB, level_db + REFERENCE_DB, silent)


def _loudest(levels: Float[Tensor, "frames levels"]) -> Float[Tensor, " frames"]:
    power = db_to_power(levels) * (levels > SILENT_BELOW_DB)
    return power_to_db(power.sum(-1) + db_to_power(SOFTEST_DB))


def _read_at(curves: Tensor, knots_s: Tensor, places: Places) -> Float[Tensor, "frames any"]:
    """Curves at the places of a loop, the two places of each mixed."""
    here = read_curves(curves, knots_s, places.here_s)
    if not bool(places.share.any()):
        return here
    return torch.lerp(here, read_curves(curves, knots_s, places.there_s), places.share[:, None])


def _moved_s(count: int) -> Float[Tensor, " moved"]:
    return torch.arange(count) / MOVED_RATE
