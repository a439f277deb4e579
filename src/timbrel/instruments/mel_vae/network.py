"""The networks of `mel_vae`: log-mel -> latent -> harmonic, noise and level."""

from __future__ import annotations

import itertools

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn

from timbrel.config import Settings, Size
from timbrel.dsp.mel import MelScale, normalise_db
from timbrel.dsp.mel_lines import harmonic_comb
from timbrel.instruments.mel_vae.decoded import Decoded
from timbrel.nn import Down, Up, pitch_features, time_features
from timbrel.nn.features import N_PITCH_FEATURES, N_TIME_FEATURES
from timbrel.units import midi_to_hz

N_BAND_FEATURES = 6
COMB_PEAK_DB = 34.0
"""Power that a sine of amplitude 1 has at most in a band of document 000's mel scale."""

_SIZES: dict[Size, tuple[tuple[int, ...], tuple[int, ...], int]] = {
    # encoder channels, decoder channels, width of the condition
    "tiny": ((8, 8, 12, 16), (16, 12, 8, 8, 8), 32),
    "small": ((24, 48, 96, 128), (128, 96, 64, 40, 32), 256),
    "base": ((32, 64, 128, 192), (192, 128, 96, 64, 48), 384),
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
    crop: int = Field(default=256, ge=16, le=4096, multiple_of=16)


class Encoder(nn.Module):
    """Log-mel and pitch -> mean and log-variance of the latent."""

    def __init__(self, settings: MelVAESettings, n_mels: int) -> None:
        super().__init__()
        channels, _, width = _SIZES[settings.size]
        self.downs = nn.ModuleList(
            Down(a, b) for a, b in zip((2, *channels), channels, strict=False)
        )
        self.squeeze = nn.Conv2d(channels[-1], channels[-1] // 2, 1)
        pooled = channels[-1] // 2 * (n_mels // 16) * len(_pool_edges(settings.crop // 16))
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
        return mean, log_variance.clamp(-12, 4)


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
        _, channels, width = _SIZES[settings.size]
        self.scale = scale
        self.seed_bands = scale.n_mels // 16
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
        """`frames` frames of each note, a multiple of 16, from its onset or from `first_frame`."""
        comb_db = comb_db_of(pitch, self.scale)
        bands = band_features(pitch, comb_db, self.scale)
        first = torch.zeros_like(pitch) if first_frame is None else first_frame
        times_s = (
            first[:, None] + torch.arange(frames, device=pitch.device)
        ) / self.scale.frame_rate
        times = time_features(times_s, duration_s)
        pooled = {f: nn.functional.avg_pool1d(times, frames // f)
                  for f in (frames // 16, frames // 8, frames // 4, frames // 2)}  # fmt: skip
        condition = self.condition(
            torch.cat([latent, pitch_features(pitch), velocity[:, None] * 2 - 1], 1)
        )
        x = self.seed(condition).unflatten(1, (-1, self.seed_bands))[..., None]
        x = x + self.seed_frames(pooled[frames // 16])[:, :, None]
        x = x.contiguous(memory_format=torch.channels_last)
        for up in self.ups:
            n_bands = x.shape[2] * 2
            n_frames = min(x.shape[3] * 2, frames // 2)
            here = nn.functional.avg_pool1d(bands, self.scale.n_mels // n_bands)
            x = up(x, condition, here, pooled[n_frames])
        harmonic, noise = self.head(nn.functional.silu(x)).float().unbind(1)
        duration = (duration_s[:, None] / 0.05).log1p() / 2.5 - 1
        level = self.level(torch.cat([condition, duration], 1)).float()[:, 0]
        return Decoded(harmonic * 20 - 30, noise * 20 - 60, comb_db, level * 10 - 12)


def comb_db_of(pitch: Float[Tensor, " batch"], scale: MelScale) -> Float[Tensor, "batch mels"]:
    """The comb of each note's harmonics in dB, about 0 at its teeth."""
    comb = harmonic_comb(midi_to_hz(pitch.float()), scale)
    return 10 * comb.clamp_min(1e-8).log10() - COMB_PEAK_DB


def band_features(
    pitch: Float[Tensor, " batch"], comb_db: Float[Tensor, "batch mels"], scale: MelScale
) -> Float[Tensor, "batch features mels"]:
    """Where each band lies: among the harmonics, and on the absolute scale.

    The comb; the harmonic number on a logarithmic scale; cosines that tell even from odd
    harmonics, as long as bands resolve them; the absolute frequency; how far above the
    fundamental.
    """
    order = scale.centres_hz().to(pitch) / midi_to_hz(pitch.float())[:, None]
    width = scale.n_fft / scale.sample_rate
    resolved = torch.sigmoid(midi_to_hz(pitch.float()) * width - 3)[:, None].expand_as(order)
    height = torch.linspace(-1, 1, scale.n_mels, device=pitch.device).expand_as(order)
    features = [
        normalise_db(comb_db.clamp(-80, 0)),
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
        comb = normalise_db(comb_db_of(pitch, self.scale).clamp(-80, 0))
        return self.encoder(log_mel, comb, pitch)
