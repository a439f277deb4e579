"""Losses on the validation set: the same batches and the same randomness each time."""

from __future__ import annotations

import torch
from lightning_fabric import Fabric

from timbrel.training.objective import Objective, TrainingSet
from timbrel.training.running.batches import generator_for
from timbrel.training.running.means import Means


@torch.no_grad()
def validation_losses(
    fabric: Fabric, objective: Objective, items: TrainingSet, batch_size: int, seed: int
) -> dict[str, float]:
    """Mean losses over the whole set, which the processes share out among them."""
    starts = range(0, len(items), batch_size)
    if len(starts) >= fabric.world_size:
        starts = starts[fabric.global_rank :: fabric.world_size]
    means = Means()
    for start in starts:
        indices = torch.arange(start, min(start + batch_size, len(items)))
        batch = fabric.to_device(items.batch(indices, generator_for(seed, "validate", start)))
        generator = generator_for(seed, "validate", start, device=fabric.device)
        with fabric.autocast():
            losses = objective(batch, "validate", generator)
        numbers = torch.stack([loss.float() for loss in losses.values()]).tolist()
        means.add(dict(zip(losses, numbers, strict=True)), weight=len(indices))
    return means.pooled(fabric).values()
