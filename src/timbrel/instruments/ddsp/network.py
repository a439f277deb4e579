"""The networks of `ddsp`: a melody and a latent go in, what an instrument does comes out.

    pitch, loudness, voicing, latent --MLP--> what is asked --GRU or Transformer--> state --MLP-->

        partial_db(k) = loudness + source(slot of k) + body(band of k f0)
        noise_db(b)   = loudness + noise(b)

Levels are said beside the loudness that was asked for, so that louder is louder whatever was
learned, and silence is silent. As in `harmonic`, what belongs to the harmonic's number and what
belongs to its frequency are two terms: the network says a thing in whichever it moves less.

Engel et al. 2020 (arXiv 2001.04643) say one amplitude, shares of it for each harmonic, and the
magnitudes of a filter. Here all of it is levels in dB, in groups of harmonics and bands as wide as
the ear's: a tenth of the numbers.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from timbrel.config import Settings, Size
from timbrel.dsp.mel import MelScale, mel_power
from timbrel.dsp.room import Room
from timbrel.dsp.tracks.bands import Bands
from timbrel.dsp.tracks.slots import Slots
from timbrel.nn.compiled_gru import remember
from timbrel.nn.features import N_PITCH_FEATURES, pitch_features
from timbrel.units import hz_to_midi, power_to_db

LOWEST_HZ = 60.0
"""Slots hold all harmonics of this fundamental."""

_SIZES: dict[Size, tuple[int, int, int]] = {
    # width of the MLPs, of the state, of the encoder
    "tiny": (24, 32, 16),
    "small": (96, 128, 48),
    "base": (128, 192, 64),
}
CENTRE_DB, SCALE_DB = -20.0, 20.0
LOUDNESS_AT_DB, LOUDNESS_OVER_DB = -35.0, 20.0
N_ASKED = N_PITCH_FEATURES + 2

HEADS = 4
"""Of the Transformer: each attends by itself."""

_AT_ONCE = 1024
"""Frames that the Transformer answers at once: attention costs their square."""

_N_MFCC, _N_MELS = 30, 64
_HEARD_DB = 40.0
"""Frames so far below the loudest tell nothing of a timbre."""


class DdspSettings(Settings):
    """What the network looks like.

    Attributes:
        size: one dial for all widths.
        sample_rate: of the sounds it makes, in Hz.
        latent: numbers that tell one instrument from another; 0 is a model of one instrument.
        decoder: what carries the past: a GRU, lean and quick to answer, or a causal Transformer,
            which looks back `looks_back` frames.
        looks_back: frames, at 200 a second, that the Transformer sees.
        encoder: what hears a timbre: a GRU over MFCCs as in the paper, or over log-mels.
        reverb_s: length of the learned room.
    """

    size: Size = "small"
    sample_rate: int = Field(default=48000, ge=8000, le=96000)
    latent: int = Field(default=16, ge=0, le=512)
    decoder: Literal["gru", "transformer"] = "gru"
    looks_back: int = Field(default=128, ge=1, le=2000)
    encoder: Literal["mfcc", "mel"] = "mfcc"
    reverb_s: float = Field(default=0.5, ge=0, le=5)


class Said(NamedTuple):
    """Levels at each frame, in dB re full scale.

    Attributes:
        partial_db: of each slot.
        noise_db: of each band.
    """

    partial_db: Float[Tensor, "batch frames slots"]
    noise_db: Float[Tensor, "batch frames bands"]


class Asked(NamedTuple):
    """A melody as the decoder is asked for it, frame by frame.

    Attributes:
        f0_hz: also where there is no pitch: whatever it was last.
        loudness_db: A-weighted.
        voicing: how sure it is that there is a pitch, 0..1.
    """

    f0_hz: Float[Tensor, "batch frames"]
    loudness_db: Float[Tensor, "batch frames"]
    voicing: Float[Tensor, "batch frames"]

    def features(self) -> Float[Tensor, "batch frames asked"]:
        """The same as smooth numbers of about one."""
        pitch = hz_to_midi(self.f0_hz.clamp_min(1.0))
        loudness = (self.loudness_db.clamp_min(-100) - LOUDNESS_AT_DB) / LOUDNESS_OVER_DB
        of_pitch = pitch_features(pitch.flatten()).reshape(*pitch.shape, N_PITCH_FEATURES)
        return torch.cat([of_pitch, loudness[..., None], 2 * self.voicing[..., None] - 1], -1)


class Mlp(nn.Sequential):
    """Two layers, normalised: what the paper's three do."""

    def __init__(self, ins: int, width: int) -> None:
        super().__init__(
            nn.Linear(ins, width), nn.LayerNorm(width), nn.SiLU(),
            nn.Linear(width, width), nn.LayerNorm(width), nn.SiLU(),
        )  # fmt: skip


class GruMemory(nn.Module):
    """The past in the state of a GRU (Cho et al. 2014, arXiv 1406.1078)."""

    def __init__(self, width: int, state: int) -> None:
        super().__init__()
        self.gru = nn.GRU(width, state, batch_first=True)

    def forward(
        self, asked: Float[Tensor, "batch frames width"]
    ) -> Float[Tensor, "batch frames state"]:
        """The state after each frame; where nothing is learned of it, by compiled code."""
        if torch.is_grad_enabled() or asked.device.type != "cpu":
            return self.gru(asked)[0]
        return remember(self.gru, asked)


class TransformerMemory(nn.Module):
    """The past looked up by causal attention over the last `looks_back` frames.

    Distances and not places are told to it: a bias for each head and distance, as in ALiBi (Press
    et al. 2022, arXiv 2108.12409), so that it plays on for as long as it is asked.
    """

    def __init__(self, width: int, state: int, looks_back: int) -> None:
        super().__init__()
        self.looks_back = looks_back
        self.enter = nn.Linear(width, state)
        self.layers = nn.ModuleList(_Attending(state) for _ in range(2))
        self.norm = nn.LayerNorm(state)

    def forward(
        self, asked: Float[Tensor, "batch frames width"]
    ) -> Float[Tensor, "batch frames state"]:
        """What each frame makes of itself and those before it; a long melody part by part."""
        reach = len(self.layers) * (self.looks_back - 1)
        parts = []
        for begin in range(0, asked.shape[1], _AT_ONCE):
            known = asked[:, max(0, begin - reach) : begin + _AT_ONCE]
            parts.append(self._seen(known)[:, min(begin, reach) :])
        return torch.cat(parts, 1)

    def _seen(
        self, asked: Float[Tensor, "batch frames width"]
    ) -> Float[Tensor, "batch frames state"]:
        x = self.enter(asked)
        frame = torch.arange(x.shape[1], device=x.device)
        since = frame[:, None] - frame
        bias = -slopes(x.device)[:, None, None] * since
        hidden = (since < 0) | (since >= self.looks_back)
        bias = bias.masked_fill(hidden, -torch.inf)
        for layer in self.layers:
            x = layer(x, bias)
        return self.norm(x)


def slopes(device: torch.device | None = None) -> Float[Tensor, " heads"]:
    """What each frame further back costs a head."""
    return 2.0 ** (-8.0 * torch.arange(1, HEADS + 1, device=device) / HEADS)


class _Attending(nn.Module):
    """x + attention(x), then x + MLP(x), each normalised before."""

    def __init__(self, state: int) -> None:
        super().__init__()
        self.before, self.between = nn.LayerNorm(state), nn.LayerNorm(state)
        self.into, self.out = nn.Linear(state, 3 * state), nn.Linear(state, state)
        self.wide, self.back = nn.Linear(state, 2 * state), nn.Linear(2 * state, state)

    def forward(self, x: Tensor, bias: Float[Tensor, "heads frames frames"]) -> Tensor:
        query, key, value = (part.transpose(1, 2) for part in self.looks(x))
        found = nn.functional.scaled_dot_product_attention(
            query, key, value, attn_mask=bias.to(query)
        )
        return self.answer(x, found.transpose(1, 2))

    def looks(self, x: Float[Tensor, "*batch state"]) -> list[Float[Tensor, "*batch heads size"]]:
        """What is looked up, what by, and what is found there."""
        parts = self.into(self.before(x)).chunk(3, -1)
        return [part.unflatten(-1, (HEADS, -1)) for part in parts]

    def answer(
        self, x: Float[Tensor, "*batch state"], found: Float[Tensor, "*batch heads size"]
    ) -> Float[Tensor, "*batch state"]:
        """What comes of it."""
        x = x + self.out(found.flatten(-2))
        return x + self.back(nn.functional.silu(self.wide(self.between(x))))


class Decoder(nn.Module):
    """A latent and a melody -> what the instrument does."""

    def __init__(self, settings: DdspSettings, slots: Slots, bands: Bands) -> None:
        super().__init__()
        width, state, _ = _SIZES[settings.size]
        self.slots, self.bands = slots, bands
        self.ask = Mlp(N_ASKED + settings.latent, width)
        self.memory = (
            GruMemory(width, state)
            if settings.decoder == "gru"
            else TransformerMemory(width, state, settings.looks_back)
        )
        self.answer = Mlp(width + state, width)
        self.say = nn.Linear(width, slots.n_slots + 2 * bands.n_bands)

    def forward(self, latent: Float[Tensor, "batch latent"], asked: Asked) -> Said:
        """Levels at each frame."""
        wanted = self.wanted(latent, asked)
        return self.said(wanted, self.memory(wanted), asked)

    def wanted(
        self, latent: Float[Tensor, "batch latent"], asked: Asked
    ) -> Float[Tensor, "batch frames width"]:
        """What is asked, for the memory to take in."""
        features = asked.features()
        known = latent[:, None].expand(-1, features.shape[1], -1)
        return self.ask(torch.cat([features, known], -1))

    def said(
        self,
        wanted: Float[Tensor, "batch frames width"],
        state: Float[Tensor, "batch frames state"],
        asked: Asked,
    ) -> Said:
        """Levels, by what is wanted and what was."""
        answer = self.answer(torch.cat([wanted, state], -1))
        said = CENTRE_DB + SCALE_DB * self.say(answer).float()
        n_slots, n_bands = self.slots.n_slots, self.bands.n_bands
        source, noise, body = said.split([n_slots, n_bands, n_bands], -1)
        with torch.autocast(said.device.type, enabled=False):
            frequency_hz = asked.f0_hz[..., None] * self.slots.centres.to(said)
            partial = source + read(body - CENTRE_DB, self.bands.place(frequency_hz))
        loudness_db = asked.loudness_db[..., None]
        return Said(partial + loudness_db, noise + loudness_db)


def read(
    curve: Float[Tensor, "*batch points"], place: Float[Tensor, "*batch places"]
) -> Float[Tensor, "*batch places"]:
    """Curves at places between their points, linear; beyond the ends as there.

    >>> read(torch.tensor([0.0, 10.0, 30.0]), torch.tensor([0.5, 1.5, 9.0]))
    tensor([ 5., 20., 30.])
    """
    place = place.clamp(0, curve.shape[-1] - 1)
    left = place.floor().long().clamp(max=curve.shape[-1] - 2)
    here, there = curve.gather(-1, left), curve.gather(-1, left + 1)
    return here + (there - here) * (place - left)


class Encoder(nn.Module):
    """A recording -> mean and log-variance of its latent.

    Log-mels, each frame re its own loudness, or their first cosines, through a GRU; the mean of its
    states over what sounds.
    """

    def __init__(self, settings: DdspSettings) -> None:
        super().__init__()
        _, _, width = _SIZES[settings.size]
        self.scale = _mel_scale(settings.sample_rate)
        self.is_mfcc = settings.encoder == "mfcc"
        n_features = _N_MFCC if self.is_mfcc else self.scale.n_mels
        self.norm = nn.LayerNorm(n_features)
        self.gru = nn.GRU(n_features, width, batch_first=True)
        self.moments = nn.Linear(width, 2 * settings.latent)

    def forward(
        self, audio: Float[Tensor, "batch time"]
    ) -> tuple[Float[Tensor, "batch latent"], Float[Tensor, "batch latent"]]:
        """Mean and log-variance, of sounds at any level."""
        mel_db = power_to_db(mel_power(audio, self.scale).mT + 1e-12)
        level_db = mel_db.amax(-1, keepdim=True)
        sounds = (level_db > level_db.amax(1, keepdim=True) - _HEARD_DB).float()
        colour = (mel_db - level_db).clamp_min(-80.0) / 20
        if self.is_mfcc:
            colour = colour @ _cosines(self.scale.n_mels).to(colour)
        states = self.gru(self.norm(colour))[0].float()
        mean_state = (states * sounds).sum(1) / sounds.sum(1).clamp_min(1)
        mean, log_variance = self.moments(mean_state).float().chunk(2, 1)
        return mean, log_variance.clamp(-12, 4)


def _mel_scale(sample_rate: int) -> MelScale:
    n_fft, hop_length = round(0.064 * sample_rate), round(0.016 * sample_rate)
    highest_hz = min(16000.0, 0.475 * sample_rate)
    return MelScale(sample_rate, n_fft, hop_length, _N_MELS, 60.0, highest_hz)


@lru_cache(maxsize=2)
def _cosines(n_mels: int) -> Float[Tensor, "mels mfccs"]:
    """The first cosines of a discrete transform (type II), orthonormal."""
    place = (torch.arange(n_mels) + 0.5) * math.pi / n_mels
    matrix = (place[:, None] * torch.arange(_N_MFCC)).cos() * math.sqrt(2 / n_mels)
    matrix[:, 0] /= math.sqrt(2)
    return matrix


class DdspNetwork(nn.Module):
    """Encoder, decoder and room.

    Args:
        settings: sizes, sample rate.

    Attributes:
        encoder: what hears a latent, where there is one.
    """

    def __init__(self, settings: DdspSettings) -> None:
        super().__init__()
        self.settings = settings
        self.bands = Bands(settings.sample_rate)
        self.slots = Slots(int(settings.sample_rate / 2 / LOWEST_HZ))
        self.encoder = Encoder(settings) if settings.latent else None
        self.decoder = Decoder(settings, self.slots, self.bands)
        self.room = Room(settings.sample_rate, settings.reverb_s)

    def hear(
        self, audio: Float[Tensor, "batch time"]
    ) -> tuple[Float[Tensor, "batch latent"], Float[Tensor, "batch latent"]]:
        """Mean and log-variance of the latent in recordings; of no number where there is none."""
        if self.encoder is not None:
            return self.encoder(audio)
        nothing = audio.new_zeros(len(audio), 0)
        return nothing, nothing
