"""The networks of `mel_vae`: log-mel -> latent -> harmonic, noise and level."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn

from timbrel.config import Settings, Size
from timbrel.dsp.mel import FLOOR_DB, MelScale, normalise_db
from timbrel.dsp.mel_lines import harmonic_comb
from timbrel.instruments.mel_vae.decoded import Decoded
from timbrel.nn import Down, Up, duration_feature, pitch_features, time_features
from timbrel.nn.features import N_PITCH_FEATURES, N_TIME_FEATURES
from timbrel.units import midi_to_hz, power_to_db

N_BAND_FEATURES = 6
STRIDE = 16
"""Frames and bands that the innermost layer sees as one: four halvings on the way in."""

COMB_PEAK_DB = 34.0
"""Power that a sine of amplitude 1 has at most in a band of the default mel scale."""

_LOG_VARIANCE = (-12.0, 4.0)
"""Beyond these a latent is as good as exact, or as good as noise, and KL would run away."""

# The network's outputs are of order 1: what is typical of training notes, and how far they spread.
_HARMONIC_DB = (-30.0, 20.0)
_NOISE_DB = (-60.0, 20.0)
_LEVEL_DB = (-12.0, 10.0)


class _Widths(NamedTuple):
    """Channels of the encoder's and the decoder's layers, and the width of the condition."""

    encoder: tuple[int, ...]
    decoder: tuple[int, ...]
    condition: int


_SIZES: dict[Size, _Widths] = {
    "tiny": _Widths((8, 8, 12, 16), (16, 12, 8, 8, 8), 32),
    "small": _Widths((24, 48, 96, 128), (128, 96, 64, 40, 32), 256),
    "base": _Widths((32, 64, 128, 192), (192, 128, 96, 64, 48), 384),
}


class MelVAESettings(Settings):
    """What the network looks like.

    Attributes:
        size: one dial for all widths.
        latent: numbers in a timbre.
        crop: frames that are encoded and decoded, 16 ms each; a multiple of 16.
    """

    size: Size = "small"
    latent: int = Field(default=128, ge=1, le=4096)
    crop: int = Field(default=256, ge=STRIDE, le=4096, multiple_of=STRIDE)


class Encoder(nn.Module):
    """Log-mel and pitch -> mean and log-variance of the latent."""

    def __init__(self, settings: MelVAESettings, n_mels: int) -> None:
        super().__init__()
        widths = _SIZES[settings.size]
        channels, width = widths.encoder, widths.condition
        self.downs = nn.ModuleList(
            Down(a, b) for a, b in zip((2, *channels), channels, strict=False)
        )
        self.squeeze = nn.Conv2d(channels[-1], channels[-1] // 2, 1)
        pooled = channels[-1] // 2 * (n_mels // STRIDE) * len(_pool_edges(settings.crop // STRIDE))
        self.hidden = nn.Linear(pooled + N_PITCH_FEATURES, width)
        self.moments = nn.Linear(width, 2 * settings.latent)

    def forward(
        self,
        log_mel: Float[Tensor, "batch mels frames"],
        comb: Float[Tensor, "batch mels"],
        pitch: Float[Tensor, " batch"],
    ) -> tuple[Float[Tensor, "batch latent"], Float[Tensor, "batch latent"]]:
        """Mean and log-variance."""
        x = torch.stack([log_mel, comb[..., None].expand_as(log_mel)], dim=1)
        x = x.contiguous(memory_format=torch.channels_last)
        for down in self.downs:
            x = down(x)
        x = nn.functional.silu(self.squeeze(x))
        # Short windows at the onset, long ones later: an attack is worth as much as a sustain.
        pools = [x[..., a:b].mean(-1).flatten(1) for a, b in _pool_edges(x.shape[-1])]
        hidden = nn.functional.silu(self.hidden(torch.cat([*pools, pitch_features(pitch)], 1)))
        mean, log_variance = self.moments(hidden).float().chunk(2, dim=1)
        return mean, log_variance.clamp(*_LOG_VARIANCE)


def _pool_edges(frames: int) -> list[tuple[int, int]]:
    """Windows that double in length: [0, 1), [1, 3), [3, 7) ... up to the last frame."""
    edges = [0]
    while edges[-1] < frames:
        edges.append(min(2 * edges[-1] + 1, frames))
    return list(itertools.pairwise(edges))


class Decoder(nn.Module):
    """Latent, pitch, velocity and duration -> harmonic, noise and level."""

    def __init__(self, settings: MelVAESettings, scale: MelScale) -> None:
        super().__init__()
        widths = _SIZES[settings.size]
        channels, width = widths.decoder, widths.condition
        self.scale = scale
        self.seed_bands = scale.n_mels // STRIDE
        self.condition = nn.Sequential(
            nn.Linear(settings.latent + N_PITCH_FEATURES + 1, width), nn.SiLU(),
            nn.Linear(width, width), nn.SiLU(),
        )  # fmt: skip
        self.seed = nn.Linear(width, channels[0] * self.seed_bands)
        self.seed_frames = nn.Conv1d(N_TIME_FEATURES, channels[0], 1)
        self.ups = nn.ModuleList(
            Up(a, b, n_condition=width, n_band_features=N_BAND_FEATURES,
               n_frame_features=N_TIME_FEATURES, frames=i < 3)
            for i, (a, b) in enumerate(itertools.pairwise(channels))
        )  # fmt: skip
        # The last doubling of frames happens in the head: at 16 ms a frame mels move slowly.
        self.head = nn.ConvTranspose2d(channels[-1], 2, (1, 4), (1, 2), padding=(0, 1))
        self.level = nn.Sequential(nn.Linear(width + 1, width), nn.SiLU(), nn.Linear(width, 1))

    def forward(
        self,
        latent: Float[Tensor, "batch latent"],
        pitch: Float[Tensor, " batch"],
        velocity: Float[Tensor, " batch"],
        duration_s: Float[Tensor, " batch"],
        frames: int,
        first_frame: Int[Tensor, " batch"] | None = None,
    ) -> Decoded:
        """`frames` frames of each note, whole `STRIDE`s, from its onset or from `first_frame`."""
        comb_db = comb_db_of(pitch, self.scale)
        bands = band_features(pitch, comb_db, self.scale)
        times = self._times(duration_s, frames, first_frame)
        condition = self.condition(
            torch.cat([latent, pitch_features(pitch), velocity[:, None] * 2 - 1], 1)
        )
        x = self.seed(condition).unflatten(1, (-1, self.seed_bands))[..., None]
        x = x + self.seed_frames(times[frames // STRIDE])[:, :, None]
        x = x.contiguous(memory_format=torch.channels_last)
        for up in self.ups:
            n_bands = x.shape[2] * 2
            n_frames = min(x.shape[3] * 2, frames // 2)
            here = nn.functional.avg_pool1d(bands, self.scale.n_mels // n_bands)
            x = up(x, condition, here, times[n_frames])
        harmonic, noise = self.head(nn.functional.silu(x)).float().unbind(1)
        level = self.level(torch.cat([condition, duration_feature(duration_s)], 1)).float()[:, 0]
        return Decoded(
            _in_db(harmonic, *_HARMONIC_DB), _in_db(noise, *_NOISE_DB), comb_db,
            _in_db(level, *_LEVEL_DB),
        )  # fmt: skip

    def _times(
        self,
        duration_s: Float[Tensor, " batch"],
        frames: int,
        first_frame: Int[Tensor, " batch"] | None,
    ) -> dict[int, Float[Tensor, "batch features _"]]:
        """Where in their notes the frames lie, at the resolutions of the layers, by frames."""
        first = torch.zeros_like(duration_s) if first_frame is None else first_frame
        places = first[:, None] + torch.arange(frames, device=duration_s.device)
        times = time_features(places / self.scale.frame_rate, duration_s)
        factors = (STRIDE, STRIDE // 2, STRIDE // 4, STRIDE // 8)
        return {frames // f: nn.functional.avg_pool1d(times, f) for f in factors}


def _in_db(output: Tensor, typical_db: float, spread_db: float) -> Tensor:
    return output * spread_db + typical_db


def comb_db_of(pitch: Float[Tensor, " batch"], scale: MelScale) -> Float[Tensor, "batch mels"]:
    """The comb of each note's harmonics in dB, about 0 at its teeth."""
    comb = harmonic_comb(midi_to_hz(pitch.float()), scale)
    return power_to_db(comb.clamp_min(1e-8)) - COMB_PEAK_DB


def normalised_comb(comb_db: Float[Tensor, "batch mels"]) -> Float[Tensor, "batch mels"]:
    """The comb as the networks see it, on the scale of log-mels."""
    return normalise_db(comb_db.clamp(FLOOR_DB, 0))


def band_features(
    pitch: Float[Tensor, " batch"], comb_db: Float[Tensor, "batch mels"], scale: MelScale
) -> Float[Tensor, "batch features mels"]:
    """Where each band lies: among the harmonics, and on the absolute scale.

    The comb; the harmonic number on a logarithmic scale; cosines that tell even from odd
    harmonics, as long as bands resolve them; the absolute frequency; how far above the
    fundamental.
    """
    f0_hz = midi_to_hz(pitch.float())
    order = scale.centres_hz().to(pitch) / f0_hz[:, None]
    # harmonics three bins apart are about to melt together under a Hann window
    bins_apart = f0_hz * (scale.n_fft / scale.sample_rate)
    resolved = torch.sigmoid(bins_apart - 3)[:, None].expand_as(order)
    height = torch.linspace(-1, 1, scale.n_mels, device=pitch.device).expand_as(order)
    features = [
        normalised_comb(comb_db),
        order.log2() / 3,
        (torch.pi * order).cos() * resolved,
        (2 * torch.pi * order).cos() * resolved,
        height,
        torch.sigmoid((order - 0.75) * 8),
    ]
    return torch.stack(features, dim=1)


class MelVAENetwork(nn.Module):
    """Encoder and decoder together: what is trained and saved."""

    def __init__(self, settings: MelVAESettings) -> None:
        super().__init__()
        self.scale = MelScale()
        self.encoder = Encoder(settings, self.scale.n_mels)
        self.decoder = Decoder(settings, self.scale)

    def encode(
        self, log_mel: Float[Tensor, "batch mels frames"], pitch: Float[Tensor, " batch"]
    ) -> tuple[Float[Tensor, "batch latent"], Float[Tensor, "batch latent"]]:
        """Mean and log-variance of each sound's latent."""
        return self.encoder(log_mel, normalised_comb(comb_db_of(pitch, self.scale)), pitch)
