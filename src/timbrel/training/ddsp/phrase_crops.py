"""Crops of phrases, with the melody of each: what `ddsp` is trained on.

Sound is kept as 16-bit samples: a quarter of an hour at 48 kHz is 86 MB.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from timbrel.data.phrases.phrase_set import PhraseSet
from timbrel.dsp.listening import FRAME_RATE
from timbrel.dsp.trackers import Tracker
from timbrel.errors import BadInput
from timbrel.instruments.ddsp import Asked, asked_of

_SAMPLE = 32767.0
_QUIETEST_DB = -60.0
"""Re the loudest of an instrument's frames: crops that never get louder are not trained on."""


class PhraseCrops(NamedTuple):
    """A batch of crops.

    Attributes:
        audio: of each.
        asked: its melody, a frame more than hops.
        heard: another crop of the same instrument, for the encoder.
    """

    audio: Float[Tensor, "batch time"]
    asked: Asked
    heard: Float[Tensor, "batch time"]


@dataclass(frozen=True, eq=False)
class _Phrase:
    samples: np.ndarray
    asked: Asked  # a batch of one
    instrument: int


class PhraseCropSet:
    """Instruments' phrases in memory, asked for in crops; a `TrainingSet`.

    Args:
        sets: one for each instrument.
        sample_rate: of the crops.
        crop_s: seconds of each; its frames are whole.
        tracker: who heard the melodies.

    Raises:
        BadInput: no phrase is as long as a crop.
    """

    def __init__(
        self,
        sets: Sequence[PhraseSet],
        sample_rate: int,
        crop_s: float,
        tracker: Tracker = "light",
    ) -> None:
        self.sample_rate = sample_rate
        self.n_hops = round(crop_s * FRAME_RATE)
        self.length = round(self.n_hops * sample_rate / FRAME_RATE)
        self.names = tuple(phrases.name for phrases in sets)
        self._phrases: list[_Phrase] = []
        for number, phrases in enumerate(sets):
            melodies = phrases.melodies(tracker)
            for place, melody in enumerate(melodies):
                audio = phrases.audio(place, sample_rate)
                if len(audio) > self.length:
                    samples = (audio.clamp(-1, 1) * _SAMPLE).round().short().numpy()
                    self._phrases.append(_Phrase(samples, asked_of(melody), number))
        if not self._phrases:
            raise BadInput(f"no phrase is longer than {crop_s:g} s: record longer ones")
        hops = [phrase.asked.f0_hz.shape[1] // self.n_hops for phrase in self._phrases]
        self._first = np.concatenate([[0], np.cumsum(hops)])
        self._of = [
            np.flatnonzero([phrase.instrument == number for phrase in self._phrases])
            for number in range(len(sets))
        ]

    def __len__(self) -> int:
        """Crops that lie side by side in all phrases."""
        return int(self._first[-1])

    def batch(self, indices: Int[Tensor, " batch"], generator: torch.Generator) -> PhraseCrops:
        """Crops from somewhere around those places."""
        rows = [self._crop(index, generator) for index in indices.tolist()]
        audio, asked, heard = zip(*rows, strict=True)
        melody = Asked(*(torch.cat(curves) for curves in zip(*asked, strict=True)))
        return PhraseCrops(torch.stack(audio), melody, torch.stack(heard))

    def _crop(self, index: int, generator: torch.Generator) -> tuple[Tensor, Asked, Tensor]:
        place = int(np.searchsorted(self._first, index, side="right")) - 1
        phrase = self._phrases[place]
        within = index - int(self._first[place])
        jitter = int(torch.randint(self.n_hops, (), generator=generator))
        others = self._of[phrase.instrument]
        other = self._phrases[others[int(torch.randint(len(others), (), generator=generator))]]
        begin = within * self.n_hops + jitter
        return (*self._cut(phrase, begin), self._cut(other, self._anywhere(other, generator))[0])

    def _anywhere(self, phrase: _Phrase, generator: torch.Generator) -> int:
        spare = self._last(phrase)
        return int(torch.randint(spare + 1, (), generator=generator))

    def _last(self, phrase: _Phrase) -> int:
        """The last frame that a crop can begin at."""
        by_sound = int((len(phrase.samples) - self.length) / self.sample_rate * FRAME_RATE)
        return min(by_sound, phrase.asked.f0_hz.shape[1] - self.n_hops - 1)

    def _cut(self, phrase: _Phrase, begin: int) -> tuple[Tensor, Asked]:
        begin = min(begin, self._last(phrase))
        first = round(begin * self.sample_rate / FRAME_RATE)
        audio = torch.from_numpy(phrase.samples[first : first + self.length] / np.float32(_SAMPLE))
        frames = slice(begin, begin + self.n_hops + 1)
        return audio, Asked(*(curve[:, frames] for curve in phrase.asked))
