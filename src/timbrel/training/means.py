"""Means of named losses: over a window of the log, over a validation set, over processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from lightning_fabric import Fabric


class Means:
    """Weighted sums of named values, as Python floats, so that JSON keeps them to the last bit."""

    def __init__(self, sums: Mapping[str, Sequence[float]] | None = None) -> None:
        self.sums = {name: (total, weight) for name, (total, weight) in (sums or {}).items()}

    def add(self, values: Mapping[str, float], weight: float = 1.0) -> None:
        """Add values, each of which stands for `weight` items."""
        for name, value in values.items():
            total, weights = self.sums.get(name, (0.0, 0.0))
            self.sums[name] = (total + weight * value, weights + weight)

    def over_processes(self, fabric: Fabric) -> dict[str, float]:
        """The means over everything that all processes have added under the same names."""
        if fabric.world_size > 1 and self.sums:
            local = torch.tensor(list(self.sums.values()), dtype=torch.float32)
            summed = fabric.all_reduce(local.to(fabric.device), reduce_op="sum")
            rows = torch.as_tensor(summed).tolist()
        else:
            rows = list(self.sums.values())
        return {n: total / weight for n, (total, weight) in zip(self.sums, rows, strict=True)}
