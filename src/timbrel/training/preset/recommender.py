"""The recommender is learned when a model is exported: it needs patches and words, and no ear.

loss = ParameterLoss(patch decoded, patch) + KL / knobs      a VAE's, weighted per knob
+ |imagined - described|                        in standard deviations
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from timbrel.config import Settings
from timbrel.data.evenly import evenly
from timbrel.data.presets.preset_set import PresetSet
from timbrel.instruments.preset.hearing.descriptors import describe
from timbrel.instruments.preset.recommender import Recommender
from timbrel.training.preset.parameter_loss import ParameterLoss

_AT_ONCE = 64


class RecommenderTraining(Settings):
    """How the recommender is learned.

    Attributes:
        notes: of the set, evenly chosen, whose sounds are described; 0 leaves it as it is.
        steps, batch_size, learning_rate: of AdamW; the rate rises and falls once.
        weight_decay: of AdamW.
    """

    notes: int = Field(default=20000, ge=0)
    steps: int = Field(default=5000, ge=1)
    batch_size: int = Field(default=128, ge=1)
    learning_rate: float = Field(default=3e-3, gt=0, le=1)
    weight_decay: float = Field(default=0.05, ge=0, le=1)


class Described(NamedTuple):
    """Patches, and how notes of them sound."""

    vector: Float[Tensor, "notes params"]
    described: Float[Tensor, "notes descriptors"]
    pitch: Float[Tensor, " notes"]
    held_s: Float[Tensor, " notes"]


def learn_recommender(
    recommender: Recommender,
    presets: PresetSet,
    parameter_loss: ParameterLoss,
    settings: RecommenderTraining,
    generator: torch.Generator,
) -> None:
    """Learn from a set's patches and the descriptors of their notes, in a minute or two."""
    if not settings.notes:
        return
    rows = evenly(len(presets), settings.notes)
    described = described_notes(presets, rows)
    recommender.mean.copy_(described.mean(0))
    recommender.std.copy_(described.std(0).clamp_min(1e-3))
    notes = presets.notes
    known = Described(notes.vector[rows], described, notes.pitch[rows], notes.held_s[rows])
    recommender.train().requires_grad_(True)
    optimizer = torch.optim.AdamW(recommender.parameters(), weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, settings.steps
    )
    for _ in range(settings.steps):
        some = torch.randint(len(rows), (settings.batch_size,), generator=generator)
        batch = Described(*(column[some] for column in known))
        loss = recommender_loss(recommender, batch, parameter_loss, generator)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    recommender.eval().requires_grad_(False)


def described_notes(presets: PresetSet, rows: Tensor) -> Tensor:
    """How notes of a set sound (`describe`)."""
    held_s = presets.notes.held_s
    return torch.cat([describe(presets.heard(some), held_s[some]) for some in rows.split(_AT_ONCE)])


def recommender_loss(
    recommender: Recommender,
    batch: Described,
    parameter_loss: ParameterLoss,
    generator: torch.Generator,
) -> Tensor:
    """What is minimised; the VAE's part as in Kingma and Welling (2013)."""
    vectors, described, pitch, held_s = batch
    condition = recommender.condition(described, pitch, held_s)
    mean, log_variance = recommender.encode(vectors, condition)
    noise = torch.randn(mean.shape, generator=generator).to(mean)
    decoded = recommender.decode(mean + (0.5 * log_variance).exp() * noise, condition, held_s)
    known = parameter_loss(decoded, vectors, held_s)["loss"]
    divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(-1).mean()
    standard = (described - recommender.mean) / recommender.std
    imagined = recommender.imagine(vectors, pitch, held_s)
    return known + divergence / vectors.shape[-1] + (imagined - standard).abs().mean()
