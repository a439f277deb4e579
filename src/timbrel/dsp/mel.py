"""Mel spectrograms, and log-mels normalised to [-1, 1].

    audio -> |STFT|^2 -> mel bands -> dB under the sound's own maximum -> [-80, 0] dB as [-1, 1]

The filterbank is Slaney's (librosa's default): triangles on a scale that is linear below 1 kHz and
logarithmic above, each with unit area, so that white noise has a level spectrum.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.stft import stft
from timbrel.units import power_to_db

FLOOR_DB = -80.0

# ln(10) / 10 to the seven digits that the shipped weights were trained with: more would change
# the last bits of every training.
_NEPERS_PER_DB = 0.2302585
_LINEAR_MELS_PER_HZ = 3.0 / 200.0
_CORNER_HZ = 1000.0
_CORNER_MEL = _CORNER_HZ * _LINEAR_MELS_PER_HZ
_MELS_PER_LOG_HZ = 27.0 / math.log(6.4)


@dataclass(frozen=True)
class MelScale:
    """What a mel spectrogram is measured with; the defaults are `mel_vae`'s."""

    sample_rate: int = 16000
    n_fft: int = 1024
    hop_length: int = 256
    n_mels: int = 80
    minimum_hz: float = 40.0
    maximum_hz: float = 7600.0

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self.sample_rate / self.hop_length

    @property
    def bin_hz(self) -> float:
        """Distance of neighbouring STFT bins in Hz."""
        return self.sample_rate / self.n_fft

    def frames(self, length: int) -> int:
        """Frames of a signal of `length` samples."""
        return 1 + length // self.hop_length

    def filterbank(self) -> Float[Tensor, "mels bins"]:
        """Weights of each STFT bin's power in each mel band (shared: do not write into it)."""
        return _filterbank(self)

    def centres_hz(self) -> Float[Tensor, " mels"]:
        """Centre frequency of each band."""
        return _edges_hz(self)[1:-1].float()

    def band_of(self, frequency_hz: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        """The (fractional) band that a frequency is the centre of.

        >>> MelScale().band_of(MelScale().centres_hz()[[0, 40]]).round().tolist()
        [0.0, 40.0]
        """
        lowest, next_one = hz_to_mel(_edges_hz(self)[1:3]).tolist()
        return (hz_to_mel(frequency_hz) - lowest) / (next_one - lowest)


def hz_to_mel(frequency_hz: Tensor) -> Tensor:
    """Slaney's mel scale."""
    above = _CORNER_MEL + (frequency_hz.clamp_min(1e-9) / _CORNER_HZ).log() * _MELS_PER_LOG_HZ
    below = frequency_hz * _LINEAR_MELS_PER_HZ
    return torch.where(frequency_hz < _CORNER_HZ, below, above)


def mel_to_hz(mel: Tensor) -> Tensor:
    """The inverse of `hz_to_mel`."""
    above = _CORNER_HZ * ((mel - _CORNER_MEL) / _MELS_PER_LOG_HZ).exp()
    return torch.where(mel < _CORNER_MEL, mel / _LINEAR_MELS_PER_HZ, above)


def _edges_hz(scale: MelScale) -> Tensor:
    ends = hz_to_mel(torch.tensor([scale.minimum_hz, scale.maximum_hz], dtype=torch.float64))
    lowest, highest = ends.tolist()
    return mel_to_hz(torch.linspace(lowest, highest, scale.n_mels + 2, dtype=torch.float64))


@lru_cache(maxsize=16)
def _filterbank(scale: MelScale) -> Tensor:
    edges = _edges_hz(scale)
    bins = torch.arange(scale.n_fft // 2 + 1, dtype=torch.float64) * scale.bin_hz
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    triangles = torch.minimum((bins - left) / (centre - left), (right - bins) / (right - centre))
    return (triangles.clamp_min(0) * 2 / (right - left)).float()


def mel_power(
    audio: Float[Tensor, "*batch time"], scale: MelScale | None = None
) -> Float[Tensor, "*batch mels frames"]:
    """Power in each mel band.

    >>> mel_power(torch.randn(3, 64000)).shape
    torch.Size([3, 80, 251])
    """
    scale = scale or MelScale()
    spectra = stft(audio, scale.n_fft, scale.hop_length)
    return scale.filterbank().to(audio) @ (spectra.real.square() + spectra.imag.square())


def mel_db(
    power: Float[Tensor, "*batch mels frames"],
    reference: Float[Tensor, "*batch"] | None = None,
) -> Float[Tensor, "*batch mels frames"]:
    """Mel power in dB in [-80, 0] under a reference power, by default each sound's own maximum."""
    if reference is None:
        reference = power.amax((-2, -1))
    relative = power / reference[..., None, None].clamp_min(1e-20)
    return power_to_db(relative.clamp_min(1e-8)).clamp(FLOOR_DB, 0.0)


def log_mel(
    audio: Float[Tensor, "*batch time"], scale: MelScale | None = None
) -> Float[Tensor, "*batch mels frames"]:
    """Normalised log-mel: [-80, 0] dB under the sound's own maximum as [-1, 1].

    >>> log_mel(torch.randn(16000)).max().item()
    1.0
    """
    return normalise_db(mel_db(mel_power(audio, scale)))


def normalise_db(level_db: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """[-80, 0] dB as [-1, 1]."""
    return level_db / (-FLOOR_DB / 2) + 1.0


def denormalise_db(normalised: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """[-1, 1] as [-80, 0] dB."""
    return (normalised - 1.0) * (-FLOOR_DB / 2)


def add_powers_db(
    a_db: Float[Tensor, "*any"], b_db: Float[Tensor, "*any"]
) -> Float[Tensor, "*any"]:
    """The level of two powers together, without leaving the range of floats.

    >>> round(add_powers_db(torch.tensor(-6.0), torch.tensor(-6.0)).item(), 2)
    -2.99
    """
    return torch.logaddexp(a_db * _NEPERS_PER_DB, b_db * _NEPERS_PER_DB) / _NEPERS_PER_DB
