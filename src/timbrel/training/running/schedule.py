"""The learning rate as a function of the step: it has no state, so resuming needs none."""

from __future__ import annotations

import math

from timbrel.training.settings import LoopSettings


def learning_rate_factor(step: int, loop: LoopSettings) -> float:
    """The share of the peak learning rate that step `step` (from 0) uses.

    It rises to 1 over `warmup_steps` steps, of which the first already moves, and reaches
    `final_learning_rate` at the last step.

    >>> loop = LoopSettings(steps=101, warmup_steps=1)
    >>> [round(learning_rate_factor(step, loop), 3) for step in (0, 1, 51, 101)]
    [1.0, 1.0, 0.5, 0.0]
    """
    if step < loop.warmup_steps:
        return (step + 1) / loop.warmup_steps
    if loop.schedule == "constant":
        return 1.0
    place = min((step - loop.warmup_steps) / max(loop.steps - loop.warmup_steps, 1), 1.0)
    fall = place if loop.schedule == "linear" else (1 - math.cos(math.pi * place)) / 2
    return 1 - (1 - loop.final_learning_rate) * fall
