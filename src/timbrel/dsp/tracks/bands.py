r"""Bands in which noise is measured and made, the same at every sample rate.

    mel        0    71   142   213   ...          (HTK: 2595 log10(1 + f / 700 Hz))
    band 0     ====\    .     .                   flat down to DC
    band 1          \/\      .
    band 2             \/\ ...                    the last one is flat up to Nyquist

Neighbours cross in raised cosines of *power* that sum to 1 everywhere. Power and not amplitude,
because the noise of neighbouring bands is independent, and independent powers add: bands of equal
density then make a spectrum without ripple. (Amplitudes that sum to 1 leave a dip of 3 dB between
all bands.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

MELS_APART = 71.0
"""40 bands reach 8 kHz exactly, and the first, at 71 mel too, stands at 45 Hz."""


@dataclass(frozen=True)
class Bands:
    """Bands of noise up to the Nyquist frequency of a sample rate.

    A band's number means the same frequency at every rate: 16 kHz has the first 40 of the 56
    bands of 48 kHz.

    >>> [Bands(sample_rate).n_bands for sample_rate in (16000, 44100, 48000)]
    [40, 55, 56]
    """

    sample_rate: int

    @property
    def n_bands(self) -> int:
        """Bands whose centre is below Nyquist or on it."""
        return max(1, int(_mel(self.sample_rate / 2) / MELS_APART + 1e-3))

    def centres_hz(self) -> Float[Tensor, " bands"]:
        """Centre of each band.

        >>> Bands(16000).centres_hz()[[0, 1, 39]].round()
        tensor([  46.,   94., 8000.])
        """
        mel = MELS_APART * torch.arange(1, self.n_bands + 1, dtype=torch.float64)
        return (700 * (10 ** (mel / 2595) - 1)).float()

    def widths_hz(self) -> Float[Tensor, " bands"]:
        """Integral of each band's share: power in it over density in white noise."""
        weights = self.weights(8192).double()
        cells = torch.full(weights.shape[1:], self.sample_rate / 8192, dtype=torch.float64)
        cells[0], cells[-1] = cells[0] / 2, cells[-1] / 2
        return (weights @ cells).float()

    def place(self, frequency_hz: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        """Where frequencies lie among the bands' centres: 0 at the lowest one's, 1 at the next.

        >>> Bands(16000).place(torch.tensor([46.0, 94.0, 8000.0])).round()
        tensor([ 0.,  1., 39.])
        """
        return 2595 * (1 + frequency_hz / 700).log10() / MELS_APART - 1

    def interpolation(
        self, frequency_hz: Float[Tensor, "*batch points"]
    ) -> Float[Tensor, "*batch bands points"]:
        """Weights that read a curve over the bands at some frequencies: linear between centres.

        >>> Bands(16000).interpolation(torch.tensor([[45.0, 70.0]])).shape
        torch.Size([1, 40, 2])
        """
        place = self.place(frequency_hz).clamp(0, self.n_bands - 1)
        number = torch.arange(self.n_bands, device=place.device)[:, None]
        return (1 - (place[..., None, :] - number).abs()).clamp_min(0)

    def shares(self, frequency_hz: Float[Tensor, " any"]) -> Float[Tensor, "bands any"]:
        """Share of the power at some frequencies that belongs to each band.

        >>> Bands(16000).shares(torch.tensor([0.0, 440.0, 8000.0])).sum(0)
        tensor([1.0000, 1.0000, 1.0000])
        """
        band = torch.arange(self.n_bands, device=frequency_hz.device)
        return self._shares(frequency_hz, band[:, None])

    def share(self, band: int, frequency_hz: Float[Tensor, " any"]) -> Float[Tensor, " any"]:
        """One band's share of the power at some frequencies."""
        return self._shares(frequency_hz, torch.tensor(band))

    def _shares(self, frequency_hz: Tensor, band: Tensor) -> Tensor:
        away = (self.place(frequency_hz).clamp(0, self.n_bands - 1) - band).abs().clamp(max=1)
        return 0.5 + 0.5 * (math.pi * away).cos()

    def weights(self, n_fft: int) -> Float[Tensor, "bands bins"]:
        """Share of each FFT bin in each band, averaged over the bin's own stretch of frequency.

        So that bands narrower than a bin get their part of it too. They sum to 1 over the bands.
        (Shared: do not write into it.)

        >>> Bands(16000).weights(512).shape
        torch.Size([40, 257])
        """
        return _weights(self, n_fft)

    def power(
        self, power: Float[Tensor, "*batch bins frames"], window: Float[Tensor, " win_length"]
    ) -> Float[Tensor, "*batch frames bands"]:
        """Mean square of a signal in each band, from the power spectra |STFT|^2 of it.

        Noise whose level is even over neighbouring bands comes back as it was made, at any
        n_fft; a band that stands alone shows 1.2 dB less, and the rest in its neighbours.

        Args:
            power: squared magnitudes, of spectra of n_fft = 2 (bins - 1).
            window: that the spectra were made with.

        >>> from timbrel.dsp.stft import stft
        >>> spectra = stft(torch.randn(16000), 512, 128)
        >>> total = Bands(16000).power(spectra.abs() ** 2, torch.hann_window(512)).sum(-1)
        >>> round(total[4:-4].mean().item(), 1)
        1.0
        """
        n_fft = 2 * (power.shape[-2] - 1)
        weights = self.weights(n_fft).to(power) * (2 / (n_fft * float(window.square().sum())))
        # All bins but the first and the last stand for a negative frequency as well.
        weights = torch.cat([weights[:, :1] / 2, weights[:, 1:-1], weights[:, -1:] / 2], 1)
        return (weights @ power).transpose(-1, -2)


@lru_cache(maxsize=32)
def _weights(bands: Bands, n_fft: int, points: int = 32) -> Tensor:
    bin_hz, n_bins = bands.sample_rate / n_fft, n_fft // 2 + 1
    within = (torch.arange(points, dtype=torch.float64) + 0.5) / points - 0.5
    place = (torch.arange(n_bins, dtype=torch.float64)[:, None] + within).abs()
    # what lies beyond Nyquist mirrors back, as what lies below DC does
    place = (n_bins - 1) - ((n_bins - 1) - place).abs()
    return bands.shares(bin_hz * place.reshape(-1)).reshape(-1, n_bins, points).mean(-1).float()


def _mel(frequency_hz: float) -> float:
    return 2595 * math.log10(1 + frequency_hz / 700)
