"""One optimiser step of each of an objective's phases, on however many processes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from timbrel.training.objective import Batch, Objective, Phase
from timbrel.training.running.batches import generator_for, seed_globals
from timbrel.training.running.ema import MovingAverage
from timbrel.training.running.engine import any_process
from timbrel.training.running.optimizer import Turns, make_optimizer
from timbrel.training.running.schedule import learning_rate_factor
from timbrel.training.running.state import (
    load_module,
    load_optimizer,
    misfit,
    module_tensors,
    optimizer_misfit,
    optimizer_tensors,
)
from timbrel.training.settings import LoopSettings


class NotFinite(ArithmeticError):
    """A loss or a gradient is not a number; `str` names it."""


class Stepper:
    """An objective with its optimisers and its average: everything that a step changes.

    Attributes:
        average: the averaged weights.
    """

    def __init__(self, fabric: Fabric, objective: Objective, loop: LoopSettings) -> None:
        self._fabric, self._objective, self._loop = fabric, objective.train(), loop
        phases = objective.phases
        optimizers = [make_optimizer(objective, p, loop, fabric.device.type) for p in phases]
        self._turns = Turns(objective)
        self._module, *self._optimizers = fabric.setup(objective, *optimizers)
        self.average = MovingAverage(objective, loop.ema_decay)

    def take(self, step: int, parts: Sequence[Batch]) -> dict[str, float]:
        """The losses and gradient norms of step `step` (from 0), which changes the weights.

        Args:
            step: its number.
            parts: the batches whose gradients add up.

        Raises:
            NotFinite: in any process; the weights are then as before this phase.
        """
        self._objective.step = step
        self._objective.progress = step / self._loop.steps
        seed_globals(self._loop.seed, "step", step, self._fabric.global_rank)
        numbers: dict[str, float] = {}
        for phase, optimizer in zip(self._objective.phases, self._optimizers, strict=True):
            if step % phase.every == 0:
                self._turns.begin(phase)
                numbers |= self._take_phase(step, phase, optimizer, parts)
        self._turns.end()
        self.average.update(step)
        return numbers

    def _take_phase(
        self, step: int, phase: Phase, optimizer: Any, parts: Sequence[Batch]
    ) -> dict[str, float]:
        losses = self._gradients(step, phase, parts)
        limit = self._loop.clip_norm or math.inf
        norm = self._fabric.clip_gradients(
            self._module, optimizer, max_norm=limit, error_if_nonfinite=False
        )
        numbers = self._checked(phase, losses, torch.as_tensor(norm))
        factor = learning_rate_factor(step, self._loop)
        for group in optimizer.param_groups:
            group["lr"] = self._loop.learning_rate * phase.learning_rate_scale * factor
        optimizer.step()
        optimizer.zero_grad()
        return numbers

    def _gradients(self, step: int, phase: Phase, parts: Sequence[Batch]) -> dict[str, Tensor]:
        """Mean losses over the parts, with their gradients left in the parameters."""
        means: dict[str, Tensor] = {}
        for part, batch in enumerate(parts):
            place = (phase.name, step, part, self._fabric.global_rank)
            generator = generator_for(self._loop.seed, "loss", *place, device=self._fabric.device)
            more_to_come = part < len(parts) - 1
            with self._fabric.no_backward_sync(self._module, enabled=more_to_come):
                losses = self._module(batch, phase.name, generator)
                self._fabric.backward(losses["loss"] / len(parts))
            for name, loss in losses.items():
                share = loss.detach().float() / len(parts)
                means[name] = means[name] + share if name in means else share
        return means

    def _checked(
        self, phase: Phase, losses: Mapping[str, Tensor], norm: Tensor
    ) -> dict[str, float]:
        """The numbers under the names they are logged by, all of them finite."""
        prefix = f"{phase.name}/" if len(self._objective.phases) > 1 else ""
        named = {**losses, "grad_norm": norm.to(losses["loss"])}
        values = dict(zip(named, torch.stack(list(named.values())).tolist(), strict=True))
        # In fp16 a gradient may overflow: the loss scaler skips that step and lowers its scale.
        watched = losses if self._loop.precision == "fp16" else named
        bad = [f"{prefix}{n} = {values[n]}" for n in watched if not math.isfinite(values[n])]
        if any_process(self._fabric, bool(bad)):
            raise NotFinite(", ".join(bad) or "in another process")
        return {prefix + name: value for name, value in values.items()}

    def tensors(self) -> dict[str, Tensor]:
        """Everything that steps have changed."""
        tensors = module_tensors(self._objective)
        for phase, optimizer in zip(self._objective.phases, self._optimizers, strict=True):
            tensors |= optimizer_tensors(phase.name, optimizer)
        return tensors | {f"average.{n}": t for n, t in self.average.weights.items()}

    def misfit(self, tensors: Mapping[str, Tensor]) -> str | None:
        """The first tensor that keeps a state from being restored, if any does."""
        wanted = module_tensors(self._objective)
        wanted |= {f"average.{n}": t for n, t in self.average.weights.items()}
        pairs = zip(self._objective.phases, self._optimizers, strict=True)
        wrong = (optimizer_misfit(phase.name, one, tensors) for phase, one in pairs)
        return misfit(wanted, tensors) or next(filter(None, wrong), None)

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go back to what `tensors` gave."""
        load_module(self._objective, tensors)
        for phase, optimizer in zip(self._objective.phases, self._optimizers, strict=True):
            load_optimizer(phase.name, optimizer, tensors)
        self.average.load(tensors, prefix="average.")
