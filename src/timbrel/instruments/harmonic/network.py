"""The networks of `harmonic`: a course is heard as a latent; any moment of any note is said.

The decoder is a neural field without recurrence: it is asked for a latent, a pitch, a velocity and
a time, and says the note at that moment. So training samples a few moments of a note, and a player
asks for the moments that it needs. A level of a partial is a sum

    partial_db(k) = source_db(slot of k) + body_db(band of k f0) - release_db

of what depends on the harmonic's number (strings, reeds, pipes) and what depends on its frequency
(bodies, rooms): the net may say a thing in whichever of the two it moves less with pitch.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from timbrel.config import Settings, Size
from timbrel.dsp.tracks.bands import Bands
from timbrel.dsp.tracks.slots import Slots
from timbrel.instruments.harmonic.course import N_HEARD, Course
from timbrel.nn import MomentField, pitch_features
from timbrel.nn.features import N_PITCH_FEATURES
from timbrel.units import midi_to_hz

LOWEST_HZ = 32.0
"""Slots hold all harmonics of this fundamental."""

_SIZES: dict[Size, tuple[tuple[int, ...], int, int, int]] = {
    # encoder channels, width of the condition, width and blocks of the field
    "tiny": ((16, 16, 24, 32), 32, 48, 1),
    "small": ((64, 80, 96, 128), 192, 224, 2),
    "base": ((64, 88, 104, 120), 224, 264, 3),
}
_RELEASE_SHARE = 2
CENTRE_DB, SCALE_DB = -45.0, 25.0
FALL_DB, SHORTEST_FALL_S = 15.0, 0.01


class HarmonicSettings(Settings):
    """What the network looks like.

    Attributes:
        size: one dial for all widths.
        sample_rate: of the sounds it hears and plays, in Hz: bands and slots reach its Nyquist.
        latent: numbers in the latent part of a timbre.
    """

    size: Size = "base"
    sample_rate: int = Field(default=16000, ge=8000, le=96000)
    latent: int = Field(default=64, ge=1, le=1024)


class Encoder(nn.Module):
    """A course and its pitch -> mean and log-variance of the latent."""

    def __init__(self, settings: HarmonicSettings, n_slots: int, n_bands: int) -> None:
        super().__init__()
        channels, width, _, _ = _SIZES[settings.size]
        ins = (n_slots + n_bands, *channels)
        self.convs = nn.ModuleList(
            nn.Conv1d(a, b, 5, stride=2, padding=2) for a, b in zip(ins, channels, strict=False)
        )
        self.norms = nn.ModuleList(nn.GroupNorm(8, c) for c in channels)
        self.pitch = nn.Linear(N_PITCH_FEATURES, channels[0])
        frames = N_HEARD >> len(channels)
        self.hidden = nn.Linear(channels[-1] // 2 * frames, width)
        self.squeeze = nn.Conv1d(channels[-1], channels[-1] // 2, 1)
        self.moments = nn.Linear(width, 2 * settings.latent)

    def forward(
        self, heard: Course, pitch: Float[Tensor, " batch"]
    ) -> tuple[Float[Tensor, "batch latent"], Float[Tensor, "batch latent"]]:
        """Mean and log-variance, of courses whose loudest partial is at 0 dB."""
        levels = torch.cat([heard.partial_db, heard.noise_db], -1).transpose(1, 2)
        x = (levels.clamp_min(-90) + 45) / 30
        for i, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            x = norm(conv(x))
            if i == 0:
                x = x + self.pitch(pitch_features(pitch))[..., None]
            x = nn.functional.silu(x)
        x = nn.functional.silu(self.squeeze(x)).flatten(1)
        mean, log_variance = self.moments(nn.functional.silu(self.hidden(x))).float().chunk(2, 1)
        return mean, log_variance.clamp(-12, 4)


class Decoder(nn.Module):
    """A latent, a note and moments of it -> its levels at those moments."""

    def __init__(self, settings: HarmonicSettings, slots: Slots, bands: Bands) -> None:
        super().__init__()
        _, condition, width, blocks = _SIZES[settings.size]
        self.slots, self.bands = slots, bands
        ins = settings.latent + N_PITCH_FEATURES + 1
        self.condition = nn.Sequential(
            nn.Linear(ins, condition), nn.SiLU(), nn.Linear(condition, condition), nn.SiLU()
        )
        n_levels = slots.n_slots + bands.n_bands
        self.sustain = MomentField(condition, width, blocks, n_levels + bands.n_bands)
        self.release = MomentField(condition, width // _RELEASE_SHARE, 1, n_levels)

    def forward(
        self,
        latent: Float[Tensor, "batch latent"],
        pitch: Float[Tensor, " batch"],
        velocity: Float[Tensor, " batch"],
        moment_s: Float[Tensor, "batch moments"],
        released_s: Float[Tensor, "batch moments"],
    ) -> Course:
        """Levels in dB re the instrument's own reference.

        Args:
            latent: what plays.
            pitch: MIDI numbers.
            velocity: 0..1.
            moment_s: seconds since the onset.
            released_s: seconds since the key came up; 0 or less while it is down.
        """
        known = torch.cat([latent, pitch_features(pitch), 2 * velocity[:, None] - 1], 1)
        condition = self.condition(known)
        n_slots, n_bands = self.slots.n_slots, self.bands.n_bands
        said = self.sustain(condition, moment_s).float()
        source, noise, body = (CENTRE_DB + SCALE_DB * said).split([n_slots, n_bands, n_bands], -1)
        fallen = self._fallen_db(condition, released_s)
        with torch.autocast(pitch.device.type, enabled=False):
            partial = source + (body - CENTRE_DB) @ self._bands_of_slots(pitch)
        return Course(partial - fallen[..., :n_slots], noise - fallen[..., n_slots:])

    def _fallen_db(
        self, condition: Tensor, released_s: Float[Tensor, "batch moments"]
    ) -> Float[Tensor, "batch moments levels"]:
        """How far each level has fallen since the release: 0 before it, and never less."""
        since_s = released_s.clamp_min(0)
        speed = nn.functional.softplus(self.release(condition, since_s).float())
        return FALL_DB * speed * (1 - (-since_s / SHORTEST_FALL_S).exp())[..., None]

    def _bands_of_slots(self, pitch: Float[Tensor, " batch"]) -> Float[Tensor, "batch bands slots"]:
        """Where each slot's frequency lies between the bands' centres."""
        frequency_hz = midi_to_hz(pitch)[:, None] * self.slots.centres.to(pitch)
        return self.bands.interpolation(frequency_hz)


class HarmonicNetwork(nn.Module):
    """Encoder and decoder, and the layout of the courses that pass between them.

    Args:
        settings: sizes, sample rate.
    """

    def __init__(self, settings: HarmonicSettings) -> None:
        super().__init__()
        self.settings = settings
        self.bands = Bands(settings.sample_rate)
        self.slots = Slots(int(settings.sample_rate / 2 / LOWEST_HZ))
        self.encoder = Encoder(settings, self.slots.n_slots, self.bands.n_bands)
        self.decoder = Decoder(settings, self.slots, self.bands)

    def encode(
        self, heard: Course, pitch: Float[Tensor, " batch"]
    ) -> tuple[Float[Tensor, "batch latent"], Float[Tensor, "batch latent"]]:
        """Mean and log-variance of the latent of notes at `heard_moments`, at any level."""
        loudest = torch.maximum(heard.partial_db.amax((1, 2)), heard.noise_db.amax((1, 2)))
        heard = Course(*(levels - loudest[:, None, None] for levels in heard))
        return self.encoder(heard, pitch)
