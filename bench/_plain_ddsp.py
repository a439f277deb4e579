"""The paper's model as its PyTorch ports write it: what ours is measured against.

Engel et al. 2020 (arXiv 2001.04643), in the shape of the widespread ports: an MLP for pitch and one
for loudness, a GRU of 512, an MLP, one amplitude and its shares for 100 harmonics, 65 magnitudes of
a noise filter, 100 frames a second. Phases are a running sum in single precision, harmonics a sine
each, noise is filtered by FFT frame by frame, and the reverb is a second of learned decaying noise.

    plain = PlainDdsp(16000)
    audio = plain(f0_hz, loudness_db)      # [batch frames] -> [batch time], 100 frames a second
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

FRAME_RATE = 100
_LOUDNESS_AT_DB, _LOUDNESS_OVER_DB = -35.0, 20.0


def mlp(ins: int, width: int, layers: int = 3) -> nn.Sequential:
    """Linear, norm, leaky ReLU, so many times."""
    parts: list[nn.Module] = []
    for layer in range(layers):
        parts += [nn.Linear(width if layer else ins, width), nn.LayerNorm(width), nn.LeakyReLU()]
    return nn.Sequential(*parts)


def to_amplitude(said: Tensor) -> Tensor:
    """The paper's exponentiated sigmoid (its eq. 5)."""
    return 2 * said.sigmoid().pow(math.log(10)) + 1e-7


class PlainDdsp(nn.Module):
    """Harmonics, noise and reverb of one instrument.

    Args:
        sample_rate: in Hz, a multiple of 100.
        hidden: width of all layers.
        n_harmonics: of each tone.
        n_bands: magnitudes of the noise filter.
    """

    def __init__(
        self, sample_rate: int, hidden: int = 512, n_harmonics: int = 100, n_bands: int = 65
    ) -> None:
        super().__init__()
        self.sample_rate, self.hop = sample_rate, sample_rate // FRAME_RATE
        self.pitch, self.loudness = mlp(1, hidden), mlp(1, hidden)
        self.gru = nn.GRU(2 * hidden, hidden, batch_first=True)
        self.answer = mlp(hidden + 2, hidden)
        self.amplitudes = nn.Linear(hidden, n_harmonics + 1)
        self.magnitudes = nn.Linear(hidden, n_bands)
        self.reverb_noise = nn.Parameter(2 * torch.rand(sample_rate) - 1)
        self.reverb_decay = nn.Parameter(torch.tensor(5.0))
        self.reverb_wet = nn.Parameter(torch.tensor(0.0))

    def forward(self, f0_hz: Tensor, loudness_db: Tensor) -> Tensor:
        """Audio [batch time] of curves [batch frames], a hop for each frame."""
        pitch = (f0_hz.clamp_min(1.0) / 440).log2()[..., None]
        loudness = ((loudness_db - _LOUDNESS_AT_DB) / _LOUDNESS_OVER_DB)[..., None]
        hidden = torch.cat([self.pitch(pitch), self.loudness(loudness)], -1)
        hidden = self.answer(torch.cat([self.gru(hidden)[0], pitch, loudness], -1))
        dry = self.harmonics(hidden, f0_hz[..., None]) + self.noise(hidden)
        return self.reverb(dry)

    def harmonics(self, hidden: Tensor, f0_hz: Tensor) -> Tensor:
        """One sine for each harmonic."""
        said = to_amplitude(self.amplitudes(hidden))
        total, shares = said[..., :1], said[..., 1:]
        number = torch.arange(1, shares.shape[-1] + 1, device=hidden.device)
        shares = shares * ((f0_hz * number < self.sample_rate / 2).float() + 1e-4)
        shares = total * shares / shares.sum(-1, keepdim=True)
        f0_hz, shares = (curve.repeat_interleave(self.hop, 1) for curve in (f0_hz, shares))
        phase = (2 * math.pi * f0_hz / self.sample_rate).cumsum(1)
        return ((phase * number).sin() * shares).sum(-1)

    def noise(self, hidden: Tensor) -> Tensor:
        """White noise through a filter of each frame's own."""
        magnitude = to_amplitude(self.magnitudes(hidden) - 5)
        taps = torch.fft.irfft(magnitude)
        half = taps.shape[-1] // 2
        taps = taps.roll(half, -1) * torch.hann_window(2 * half, device=hidden.device)
        taps = nn.functional.pad(taps, (0, max(0, self.hop - 2 * half))).roll(-half, -1)
        noise = 2 * torch.rand(*taps.shape[:2], self.hop, device=hidden.device) - 1
        return fft_convolved(noise, taps)[..., : self.hop].flatten(1)

    def reverb(self, dry: Tensor) -> Tensor:
        """The sound, and what a second of noise that dies away makes of it."""
        time_s = torch.arange(self.sample_rate, device=dry.device) / self.sample_rate
        falls = (-nn.functional.softplus(-self.reverb_decay) * 500 * time_s).exp()
        response = self.reverb_noise * falls * self.reverb_wet.sigmoid()
        response = torch.cat([torch.ones_like(response[:1]), response[1:]])
        response = nn.functional.pad(response, (0, max(0, dry.shape[1] - len(response))))
        return fft_convolved(dry, response[: dry.shape[1]])[..., : dry.shape[1]]


def fft_convolved(sound: Tensor, response: Tensor) -> Tensor:
    """Both padded to twice the length, so that nothing wraps."""
    length = 2 * max(sound.shape[-1], response.shape[-1])
    return torch.fft.irfft(torch.fft.rfft(sound, length) * torch.fft.rfft(response, length), length)
