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

    def pooled(self, fabric: Fabric) -> Means:
        """What all processes have added, each under the same names, in one."""
        if fabric.world_size == 1 or not self.sums:
            return Means(self.sums)
        local = torch.tensor(list(self.sums.values()), dtype=torch.float64, device=fabric.device)
        rows = torch.as_tensor(fabric.all_reduce(local, reduce_op="sum")).tolist()
        return Means(dict(zip(self.sums, rows, strict=True)))

    def values(self) -> dict[str, float]:
        """The means by name."""
        return {name: total / weight for name, (total, weight) in self.sums.items()}

    def emptied(self) -> Means:
        """The same names without anything added: what one process holds of another's sums."""
        return Means(dict.fromkeys(self.sums, (0.0, 0.0)))
