"""What tests ask of an objective of any family: a batch, its losses, who learns from them."""

from __future__ import annotations

from typing import Any

import torch

from timbrel.training import Objective


def batch_of(objective: Objective, count: int = 16) -> Any:
    """Notes spread over the whole set; the same ones each time."""
    indices = torch.linspace(0, len(objective.train_set) - 1, count).long()
    return objective.train_set.batch(indices, torch.Generator().manual_seed(0))


def losses(objective: Objective, phase: str = "train", seed: int = 0) -> dict[str, float]:
    """All losses of that batch, `seed` being of what the objective draws."""
    generator = torch.Generator().manual_seed(seed)
    found = objective(batch_of(objective), phase, generator)
    return {name: float(value.detach()) for name, value in found.items()}


def without_gradient(objective: Objective) -> list[str]:
    """The parameters of the network that a step would leave as they are."""
    objective(batch_of(objective), "train", torch.Generator())["loss"].backward()
    return [
        name for name, parameter in objective.network.named_parameters()
        if parameter.grad is None or not float(parameter.grad.abs().sum()) > 0
    ]  # fmt: skip
