"""A stereo bus: notes are added at their onsets, and leave as blocks at the mix's sample rate.

    notes --add--> | waiting samples, tails included | --take--> resample --> DC out --> block

Only what still sounds is held, so a song of any length needs the memory of a window and its tails.
"""

from __future__ import annotations

import math

import numpy as np
import soxr
import torch
from jaxtyping import Float
from scipy.signal import lfilter
from torch import Tensor

_DC_HZ = 5.0
"""Corner of the filter that takes out DC; it costs the lowest note of a bass 0.06 dB."""


class Bus:
    """Sums notes of one sample rate in stereo."""

    def __init__(self, sample_rate: int, mix_rate: int) -> None:
        self.sample_rate = sample_rate
        self.mix_rate = mix_rate
        self._start = 0
        self._waiting = torch.zeros(2, 0)
        self._length = 0
        self._sent = 0
        self._resampler = None
        if sample_rate != mix_rate:
            self._resampler = soxr.ResampleStream(sample_rate, mix_rate, 2, "float32", "HQ")
        self._pole = math.exp(-2 * math.pi * _DC_HZ / mix_rate)
        self._filter_state = np.zeros((2, 1))

    def add(
        self, audio: Float[Tensor, " time"], onset_s: float, gains: Float[Tensor, " channels"]
    ) -> None:
        """Adds a note; its onset must not lie before what was taken."""
        first = max(round(onset_s * self.sample_rate) - self._start, 0)
        last = first + len(audio)
        if last > self._waiting.shape[1]:
            # twice as much as needed, so that a busy window does not copy for each note
            room = 2 * last - self._waiting.shape[1]
            self._waiting = torch.nn.functional.pad(self._waiting, (0, room))
        self._waiting[:, first:last] += gains[:, None] * audio
        self._length = max(self._length, self._start + last)

    @property
    def end_s(self) -> float:
        """When the last note so far has died away."""
        return self._length / self.sample_rate

    def take(self, until_s: float) -> Float[Tensor, "2 time"]:
        """What sounds until a time, as far as the resampler lets it go."""
        count = max(round(until_s * self.sample_rate) - self._start, 0)
        return self._sent_on(self._cut(count), last=False)

    def finish(self, until_s: float) -> Float[Tensor, "2 time"]:
        """The rest up to a time, which must not lie before `end_s`."""
        frames = round(until_s * self.mix_rate)
        count = max(round(until_s * self.sample_rate) - self._start, 0)
        sent_before = self._sent
        block = self._sent_on(self._cut(count), last=True)
        return block[:, : max(frames - sent_before, 0)]

    def _cut(self, count: int) -> Float[Tensor, "2 time"]:
        """Takes samples off the front; silence where none wait."""
        ready, self._waiting = self._waiting[:, :count], self._waiting[:, count:].clone()
        self._start += count
        return torch.nn.functional.pad(ready, (0, count - ready.shape[1]))

    def _sent_on(self, block: Float[Tensor, "2 time"], *, last: bool) -> Float[Tensor, "2 frames"]:
        samples = block.numpy()
        if self._resampler is not None:
            frames = np.ascontiguousarray(samples.T)
            samples = self._resampler.resample_chunk(frames, last=last).T
        self._sent += samples.shape[1]
        if not samples.shape[1]:
            return torch.zeros(2, 0)
        # y[n] = x[n] - x[n-1] + pole * y[n-1]
        clean, self._filter_state = lfilter(
            [1.0, -1.0], [1.0, -self._pole], samples.astype(np.float64), zi=self._filter_state
        )
        return torch.from_numpy(clean.astype(np.float32))
