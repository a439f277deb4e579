"""Exponential moving average of weights: what is validated, previewed and exported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class MovingAverage:
    """The average of a module's trainable weights; buffers are the module's own.

    Attributes:
        weights: the averages by name, float32.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self._module = module
        self._decay = decay
        self._parameters = {n: p for n, p in module.named_parameters() if p.requires_grad}
        self.weights = {n: p.detach().float().clone() for n, p in self._parameters.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move the averages toward the weights after step `step` (from 0).

        Early on the decay is (1 + step) / (10 + step), so that the random start is forgotten.
        """
        decay = min(self._decay, (1 + step) / (10 + step)) if self._decay else 0.0
        averages = list(self.weights.values())
        current = [p.detach().float() for p in self._parameters.values()]
        torch._foreach_lerp_(averages, current, 1 - decay)

    def load(self, tensors: Mapping[str, Tensor], prefix: str = "") -> None:
        """Take the averages from tensors named with this prefix."""
        for name, average in self.weights.items():
            average.copy_(tensors[prefix + name])

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The module with the averages for weights, in evaluation mode; then as it was."""
        was_training = self._module.training
        self._swap()
        self._module.eval()
        try:
            yield
        finally:
            self._swap()
            self._module.train(was_training)

    @torch.no_grad()
    def _swap(self) -> None:
        for name, parameter in self._parameters.items():
            mine: Tensor = self.weights[name]
            theirs = parameter.detach().clone()
            parameter.copy_(mine)
            mine.copy_(theirs)
