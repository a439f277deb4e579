"""The family's controls, and what each does to a note."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.tracks.bands import Bands
from timbrel.dsp.tracks.slots import Slots
from timbrel.instruments.harmonic.knots import read_curves
from timbrel.instruments.harmonic.said import TYPICAL_VELOCITY
from timbrel.sound import Control
from timbrel.units import midi_to_hz

CONTROLS = (
    Control("vibrato_depth", "cents", 0.0, 200.0, 0.0),
    Control("vibrato_rate", "Hz", 0.5, 12.0, 5.5, "log"),
    Control("tremolo", "dB", 0.0, 24.0, 0.0),
    Control("brightness", "dB/octave", -12.0, 12.0, 0.0),
    Control("noise", "dB", -40.0, 20.0, 0.0),
    Control("attack", "times", 0.125, 8.0, 1.0, "log"),
    Control("release", "times", 0.125, 8.0, 1.0, "log"),
    Control("formant_shift", "semitones", -12.0, 12.0, 0.0),
    Control("glide", "s", 0.0, 2.0, 0.0),
    Control("velocity_colour", "dB/octave", 0.0, 12.0, 1.0),
)

BEGINS_S = 0.25
"""Vibrato and tremolo come in over so long, as players have it."""

TILTED_AROUND_HZ = 1000.0
MOST_SHIFT_DB = 30.0
BLUR = (0.25, 0.5, 0.25)


@dataclass(frozen=True)
class Knobs:
    """How the controls stand: a field for each of `CONTROLS`.

    A note that is rendered has none before it to `glide` from; only players do that.

    With `velocity_colour`, harmonics gain so many dB for each octave above the first between the
    softest and the hardest touch, beside what the decoder says of velocity. At the velocity at
    which recordings are heard nothing changes.
    """

    vibrato_depth: float
    vibrato_rate: float
    tremolo: float
    brightness: float
    noise: float
    attack: float
    release: float
    formant_shift: float
    glide: float
    velocity_colour: float

    def vibrato_cents(self, time_s: Float[Tensor, " frames"], turn: float) -> Tensor:
        """Cents around the pitch."""
        if self.vibrato_depth == 0:
            return torch.zeros_like(time_s)
        return self.vibrato_depth * self._swing(time_s, turn)

    def tremolo_db(self, time_s: Float[Tensor, " frames"], turn: float) -> Tensor:
        """DB under the level: 0 at the crests, the whole control's dB in the troughs."""
        if self.tremolo == 0:
            return torch.zeros_like(time_s)
        coming = (time_s / BEGINS_S).clamp(max=1)
        return 0.5 * self.tremolo * (self._swing(time_s, turn) - coming)

    def _swing(self, time_s: Tensor, turn: float) -> Tensor:
        coming = (time_s / BEGINS_S).clamp(max=1)
        return coming * (2 * math.pi * (self.vibrato_rate * time_s + turn)).sin()

    def changed(
        self,
        levels: Float[Tensor, "moments levels"],
        pitch: Float[Tensor, ""],
        velocity: Float[Tensor, ""],
        slots: Slots,
        bands: Bands,
    ) -> Float[Tensor, "moments levels"]:
        """Levels of slots and bands with their colour changed."""
        partial, noise = levels[..., : slots.n_slots], levels[..., slots.n_slots :]
        f0_hz, noise_hz = midi_to_hz(pitch), bands.centres_hz()
        partial_hz = slots.centres * f0_hz
        if self.formant_shift != 0:
            ratio = 2 ** (-self.formant_shift / 12)
            partial = partial + _shift_db(partial, slots.centres, ratio)
            noise = noise + _shift_db(noise, noise_hz, ratio)
        if self.brightness != 0:
            partial, noise = (
                x + self.brightness * (hz / TILTED_AROUND_HZ).log2()
                for x, hz in ((partial, partial_hz), (noise, noise_hz))
            )
        harder = self.velocity_colour * (velocity - TYPICAL_VELOCITY)
        above = torch.cat([slots.centres, noise_hz / f0_hz]).log2().clamp_min(0)
        return torch.cat([partial, noise + self.noise], -1) + harder * above


def _shift_db(
    levels: Float[Tensor, "moments points"], points: Float[Tensor, " points"], ratio: float
) -> Float[Tensor, "moments points"]:
    """What is to be added so that the envelope of levels lies elsewhere.

    The envelope, not the levels: what single harmonics have (the even ones of a clarinet) stays
    with their numbers.
    """
    envelope = levels
    for _ in range(2):
        padded = torch.nn.functional.pad(envelope[None], (1, 1), mode="replicate")[0]
        left, middle, right = padded[:, :-2], padded[:, 1:-1], padded[:, 2:]
        envelope = BLUR[0] * left + BLUR[1] * middle + BLUR[2] * right
    there = read_curves(envelope.T, points, points * ratio).T
    return (there - envelope).clamp(-MOST_SHIFT_DB, MOST_SHIFT_DB)
