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

from typing import Literal, NamedTuple

from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from timbrel.config import Settings, Size
from timbrel.nn.features import N_PITCH_FEATURES

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


class DdspSettings(Settings):
    """What the network looks like.

    Attributes:
        size: one dial for all widths.
        sample_rate: of the sounds it makes, in Hz.
        latent: numbers in a timbre.
        decoder: what carries the past: a GRU, lean and quick to answer, or a causal Transformer,
            which looks back `looks_back` frames.
        looks_back: frames, at 200 a second, that the Transformer sees.
        encoder: what hears a timbre: a GRU over MFCCs as in the paper, or over log-mels.
        reverb_s: length of the learned room.
    """

    size: Size = "small"
    sample_rate: int = Field(default=48000, ge=8000, le=96000)
    latent: int = Field(default=16, ge=1, le=512)
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
