"""More acoustic, electronic or synthetic? A judge for what no single measure tells.

It hears a sound as a coarse picture (12 mel bands in five spans of time, in dB) and was shown real
notes alone, so it shares nothing with the model whose renders it judges.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.mel import MelScale, mel_db, mel_power
from timbrel.timbre.directions import class_weights

_SPANS_S = (0.0, 0.05, 0.2, 0.6, 1.5, 3.0)
_SCALE = MelScale(n_mels=12)
_RIDGE = 3.0


class SourceJudge:
    """A linear judge of how much a note sounds like one class of instruments.

    Args:
        audio: real notes at 16 kHz.
        pitch: their MIDI numbers.
        labels: their classes.
    """

    def __init__(
        self,
        audio: Float[Tensor, "notes time"],
        pitch: Float[Tensor, " notes"],
        labels: Sequence[str],
    ) -> None:
        self._heard = _picture(audio)
        self._labels = list(labels)
        self._facts = _facts(pitch)
        self._mean = self._heard.mean(0)
        self._scale = self._heard.std(0).clamp_min(1.0)

    def amount(
        self, label: str, audio: Float[Tensor, "notes time"], pitch: Float[Tensor, " notes"]
    ) -> Float[Tensor, " notes"]:
        """How much each note sounds like that class: about 1 where it does, 0 where not."""
        return self._inputs(_picture(audio), _facts(pitch)) @ self._fitted(label, None)

    def accuracy(self, label: str, groups: Sequence[str]) -> float:
        """Balanced share of real notes told rightly, each by a judge without that note's group."""
        right = torch.zeros(len(groups))
        inputs = self._inputs(self._heard, self._facts)
        halves = {g: i % 4 for i, g in enumerate(sorted(set(groups)))}
        for part in range(4):
            left_out = torch.tensor([halves[g] == part for g in groups])
            told = inputs @ self._fitted(label, ~left_out) > 0.5
            is_label = torch.tensor([name == label for name in self._labels])
            right[left_out] = (told == is_label).float()[left_out]
        weights = class_weights([name == label for name in self._labels])
        return float((right * weights).sum() / weights.sum())

    def _inputs(self, heard: Tensor, facts: Tensor) -> Float[Tensor, "notes inputs"]:
        return torch.cat([(heard - self._mean) / self._scale, facts], dim=1)

    def _fitted(self, label: str, kept: Tensor | None) -> Float[Tensor, " inputs"]:
        inputs = self._inputs(self._heard, self._facts).double()
        is_label = torch.tensor([name == label for name in self._labels])
        weights = class_weights(is_label.tolist()).double()
        weights = weights if kept is None else weights * kept
        weighted = inputs * (weights / weights.sum())[:, None]
        ridge = _RIDGE * torch.eye(inputs.shape[1], dtype=torch.float64) / inputs.shape[1]
        ridge[-1, -1] = 1e-9  # the constant
        return torch.linalg.solve(
            weighted.T @ inputs + ridge, weighted.T @ is_label.double()
        ).float()


def _picture(audio: Tensor) -> Float[Tensor, "notes features"]:
    levels_db = mel_db(mel_power(audio, _SCALE))
    edges = [round(second * _SCALE.frame_rate) for second in _SPANS_S]
    edges[-1] = levels_db.shape[-1]
    spans = [
        levels_db[..., min(start, levels_db.shape[-1] - 1) : max(end, start + 1)].mean(-1)
        for start, end in itertools.pairwise(edges)
    ]
    return torch.cat(spans, dim=1)


def _facts(pitch: Tensor) -> Float[Tensor, "notes 2"]:
    return torch.stack([(pitch - 60) / 12, torch.ones_like(pitch)], dim=1)
