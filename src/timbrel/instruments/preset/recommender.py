"""What patches are usual, and how they sound.

    patch, descriptors of its note -> code (Gaussian, near a standard normal prior)
    code,  descriptors asked for   -> patch
    patch, note                    -> descriptors

The first two are a VAE over patches. Its code need not say what the descriptors say already, so a
patch that is decoded with others keeps its character and takes on what was asked for. The third
says which knobs of this very patch would be heard: a filter that is open opens no further.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from timbrel.instruments.preset.answers import (
    Answer,
    answer_of,
    knobs_and_choices,
    n_choices,
    n_said,
    switches,
)
from timbrel.instruments.preset.hearing.descriptors import N_DESCRIPTORS
from timbrel.nn import pitch_features
from timbrel.nn.features import N_PITCH_FEATURES, duration_feature
from timbrel.synths import Parameters

_N_NOTE = N_PITCH_FEATURES + 1
_N_CONDITION = N_DESCRIPTORS + _N_NOTE
_FURTHEST = 4.0


class Recommender(nn.Module):
    """A conditional VAE over a synthesizer's patches, and a guess at how they sound.

    Args:
        parameters: of it.
        code: numbers of the code.
        width: of the hidden layers.

    Attributes:
        mean, std: of the descriptors over patches; what is asked for is counted in the latter.
    """

    mean: Tensor
    std: Tensor
    rest: Tensor

    def __init__(self, parameters: Parameters, code: int, width: int) -> None:
        super().__init__()
        self.space = space = parameters.space
        rest = parameters.defaults[~parameters.is_switch]
        self.register_buffer("rest", rest, persistent=False)
        features = len(rest) + sum(map(n_choices, switches(space)))
        self.register_buffer("mean", torch.zeros(N_DESCRIPTORS))
        self.register_buffer("std", torch.ones(N_DESCRIPTORS))
        self.encoder = _hidden(features + _N_CONDITION, width, 2 * code)
        self.decoder = _hidden(code + _N_CONDITION, width, n_said(space))
        self.imagination = _hidden(features + _N_NOTE, width, N_DESCRIPTORS)

    def condition(
        self,
        described: Float[Tensor, "batch descriptors"],
        pitch: Float[Tensor, " batch"],
        held_s: Float[Tensor, " batch"],
    ) -> Float[Tensor, "batch condition"]:
        """How notes sound, and which they are, as the networks are told it.

        Args:
            described: how they sound (`describe`).
            pitch: MIDI numbers.
            held_s: when each key came up.
        """
        standard = ((described - self.mean) / self.std).clamp(-_FURTHEST, _FURTHEST)
        return torch.cat([standard, _note_features(pitch, held_s)], dim=-1)

    def encode(
        self, vectors: Float[Tensor, "batch params"], condition: Float[Tensor, "batch condition"]
    ) -> tuple[Float[Tensor, "batch code"], Float[Tensor, "batch code"]]:
        """Mean and logarithm of the variance of the codes of patches."""
        seen = torch.cat([self._patch_features(vectors), condition], dim=-1)
        mean, log_variance = self.encoder(seen).float().chunk(2, dim=-1)
        return mean, log_variance.clamp(-10.0, 4.0)

    def decode(
        self,
        code: Float[Tensor, "batch code"],
        condition: Float[Tensor, "batch condition"],
        held_s: Float[Tensor, " batch"],
    ) -> Answer:
        """The patches of codes whose notes sound as the condition says."""
        said = self.decoder(torch.cat([code, condition], dim=-1)).float()
        return answer_of(said, self.rest, held_s)

    def imagine(
        self,
        vectors: Float[Tensor, "batch params"],
        pitch: Float[Tensor, " batch"],
        held_s: Float[Tensor, " batch"],
    ) -> Float[Tensor, "batch descriptors"]:
        """How notes of patches sound, unheard, in standard deviations from what is usual."""
        seen = torch.cat([self._patch_features(vectors), _note_features(pitch, held_s)], dim=-1)
        return self.imagination(seen).float()

    def _patch_features(self, vectors: Tensor) -> Tensor:
        knobs, choices = knobs_and_choices(self.space, vectors)
        return torch.cat([2 * knobs - 1, choices], dim=-1)


def _note_features(pitch: Tensor, held_s: Tensor) -> Tensor:
    return torch.cat([pitch_features(pitch), duration_feature(held_s)], dim=-1)


def _hidden(size: int, width: int, answers: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(size, width),
        nn.SiLU(),
        nn.Linear(width, width),
        nn.SiLU(),
        nn.Linear(width, answers),
    )
