"""AdamW over one phase's parameters."""

from __future__ import annotations

import torch
from torch import nn

from timbrel.errors import BadConfig
from timbrel.training.objective import Objective, Phase
from timbrel.training.settings import LoopSettings


def own_parameters(objective: Objective, phase: Phase) -> list[nn.Parameter]:
    """The parameters that a phase optimises, in the module's order."""
    return [p for n, p in objective.named_parameters() if n.startswith(phase.parameters)]


def make_optimizer(
    objective: Objective, phase: Phase, loop: LoopSettings, device_type: str
) -> torch.optim.AdamW:
    """An optimiser that decays matrices and kernels, and leaves biases and gains alone."""
    own = [p for p in own_parameters(objective, phase) if p.requires_grad]
    if not own:
        raise BadConfig(
            f"phase {phase.name!r} has no parameters that begin with {phase.parameters}"
        )
    groups = [
        {"params": [p for p in own if p.ndim > 1], "weight_decay": loop.weight_decay},
        {"params": [p for p in own if p.ndim <= 1], "weight_decay": 0.0},
    ]
    # Fused is the fastest on the CPU; elsewhere it would fold fp16's unscaling into the step,
    # and clipping could no longer come between.
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=loop.learning_rate,
        betas=phase.betas,
        fused=device_type == "cpu",
    )


class Turns:
    """Lets one phase's parameters learn while the other phases' are frozen."""

    def __init__(self, objective: Objective) -> None:
        self._trainable = [p for p in objective.parameters() if p.requires_grad]
        self._own = {p.name: set(map(id, own_parameters(objective, p))) for p in objective.phases}

    def begin(self, phase: Phase) -> None:
        """Freeze all but this phase's parameters."""
        if len(self._own) > 1:
            own = self._own[phase.name]
            for parameter in self._trainable:
                parameter.requires_grad_(id(parameter) in own)

    def end(self) -> None:
        """Thaw everything."""
        for parameter in self._trainable:
            parameter.requires_grad_(True)
