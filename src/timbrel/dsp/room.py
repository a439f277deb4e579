"""A room as noise that dies away: each band at its own level, in its own time.

    response(t) = sum over b of 10^(level_b / 20) exp(-t ln 1000 / decay_b) noise_b(t)

What comes back from a room is dense after some ten milliseconds, and then it is this (Moorer 1979,
Polack 1988). Two numbers a band are learned and can be turned by hand, where Engel et al. 2020
learn every sample of a response, which fits the hiss of one training set as well as its room.

Nothing comes back before `PRE_DELAY_S`, as where the nearest wall is a metre away. Whoever
convolves live in partitions needs that: a partition is transformed once its last sample is there,
so it is first heard as late as it is long. A response that begins at once would want its
beginning convolved sample by sample (Gardner 1995); one that waits for a partition's length needs
nothing but partitions, and comes without latency.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float, Float32
from scipy.fft import next_fast_len
from torch import Tensor, nn

from timbrel.dsp.tracks.noise import NoiseBank, noise_bank
from timbrel.units import db_to_amplitude

PRE_DELAY_S = 0.006
"""256 samples at 44.1 and 48 kHz, and a few more: 64 at 16 kHz, 512 at 96 kHz."""

_FIRST_LEVEL_DB, _FIRST_DECAY_S = -70.0, 0.3
_UNKNOWN_DB = -200.0
_SHORTEST_S = 0.02
_RISE_S = 0.004
_PARTS_OF = 2
"""Times the response's length, at least, of a long sound's parts."""

_LEARNING_DB = 10.0
"""Decibels that one unit of a level's parameter stands for: optimisers move all alike."""


class Room(nn.Module):
    """What a sound comes back as, learned by gradients.

    Args:
        sample_rate: in Hz.
        length_s: of the response; 0 is no room.
    """

    noise: Tensor

    def __init__(self, sample_rate: int, length_s: float) -> None:
        super().__init__()
        bank = noise_bank(sample_rate)
        length = round(length_s * sample_rate)
        n_bands = len(bank.lengths)
        self.sample_rate, self.length = sample_rate, length
        self.register_buffer("noise", torch.from_numpy(_looped(bank, length)), persistent=False)
        self.level = nn.Parameter(torch.full((n_bands,), _FIRST_LEVEL_DB / _LEARNING_DB))
        self.decay = nn.Parameter(torch.full((n_bands,), math.log(_FIRST_DECAY_S)))
        self._known: tuple[Tensor, Tensor] | None = None

    def at(self, sample_rate: int) -> Room:
        """The same room at another sample rate; of bands that it knows nothing of nothing comes.

        >>> Room(16000, 0.25).at(48000).response().shape
        torch.Size([12000])
        """
        if sample_rate == self.sample_rate:
            return self
        room = Room(sample_rate, self.length / self.sample_rate)
        count = min(len(room.level), len(self.level))
        with torch.no_grad():
            room.level.fill_(_UNKNOWN_DB / _LEARNING_DB)
            room.level[:count], room.decay[:count] = self.level[:count], self.decay[:count]
        return room

    @property
    def decay_s(self) -> Float[Tensor, " bands"]:
        """Time in which each band falls by 60 dB."""
        return self.decay.exp().clamp_min(_SHORTEST_S)

    def response(self) -> Float[Tensor, " time"]:
        """The room alone, without the sound that comes straight.

        >>> Room(16000, 0.25).response().shape
        torch.Size([4000])
        """
        time_s = torch.arange(self.length, device=self.noise.device) / self.sample_rate
        falls = (-math.log(1000) * time_s / self.decay_s[:, None]).exp()
        level = db_to_amplitude(_LEARNING_DB * self.level)[:, None]
        rise = ((time_s - PRE_DELAY_S) / _RISE_S).clamp(0, 1)
        ends = (self.length / self.sample_rate - time_s).div(0.05).clamp(0, 1)
        return (level * falls * self.noise).sum(0) * rise * ends

    def forward(self, audio: Float[Tensor, "*batch time"]) -> Float[Tensor, "*batch time"]:
        """The sound in the room; what comes after its end is cut off."""
        if self.length == 0:
            return audio
        response = self.response() if torch.is_grad_enabled() else self._known_response()
        return audio + convolved(audio, response)

    def _known_response(self) -> Float[Tensor, " time"]:
        """The response, made once for what was learned."""
        learned = torch.stack([self.level, self.decay])
        if self._known is None or not torch.equal(self._known[0], learned):
            self._known = learned, self.response()
        return self._known[1]


def _looped(bank: NoiseBank, length: int) -> Float32[np.ndarray, "bands time"]:
    """Each band's noise for so long, its loop again and again."""
    if length <= bank.samples.shape[1]:
        return bank.samples[:, :length].copy()
    bands = zip(bank.samples, bank.lengths.tolist(), strict=True)
    return np.stack([np.resize(noise[:once], length) for noise, once in bands])


def convolved(
    audio: Float[Tensor, "*batch time"], response: Float[Tensor, " taps"]
) -> Float[Tensor, "*batch time"]:
    """Audio through a response, as long as it was.

    >>> convolved(torch.tensor([1.0, 0.0, 0.0, 1.0]), torch.tensor([0.0, 2.0])).round()
    tensor([0., 2., 0., -0.])
    """
    n_taps, length = len(response), audio.shape[-1]
    n_fft = _PARTS_OF * (1 << n_taps.bit_length())
    if length > n_fft and not torch.is_grad_enabled():
        return _convolved_in_parts(audio, response.to(audio), n_fft)
    n_fft: int = next_fast_len(length + n_taps - 1, real=True)  # pyright: ignore[reportAssignmentType]
    spectrum = torch.fft.rfft(audio, n_fft) * torch.fft.rfft(response.to(audio), n_fft)
    return torch.fft.irfft(spectrum, n_fft)[..., :length]


def _convolved_in_parts(audio: Tensor, response: Tensor, n_fft: int) -> Tensor:
    """The same by transforms that the processor's cache can hold, in a third of the time."""
    n_before, length = len(response) - 1, audio.shape[-1]
    n_parts = -(-length // (n_fft - n_before))
    more = n_parts * (n_fft - n_before) - length
    padded = torch.nn.functional.pad(audio, (n_before, more))
    parts = padded.unfold(-1, n_fft, n_fft - n_before)
    spectrum = torch.fft.rfft(parts) * torch.fft.rfft(response, n_fft)
    return torch.fft.irfft(spectrum, n_fft)[..., n_before:].flatten(-2)[..., :length]
