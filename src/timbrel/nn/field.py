"""A neural field over time: asked for any moments, in any order, it says the values there."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

DECAYS_S = (0.005, 0.02, 0.06, 0.2, 0.6, 2.0, 6.0)
TURNS = (1, 2, 4, 8)
SHORTEST_S, LONGEST_S = 0.004, 4.0
_N_MOMENT = len(DECAYS_S) + 2 * len(TURNS) + 2


class MomentField(nn.Module):
    """A condition and moments -> values: residual blocks, the condition bends their input.

    Args:
        condition: numbers in the condition.
        width: of the blocks.
        blocks: how many.
        outputs: numbers said of each moment.
    """

    def __init__(self, condition: int, width: int, blocks: int, outputs: int) -> None:
        super().__init__()
        self.moment = nn.Linear(_N_MOMENT, width)
        self.bend = nn.Linear(condition, 2 * width)
        self.blocks = nn.ModuleList(_Block(width) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, outputs)

    def forward(
        self, condition: Float[Tensor, "batch condition"], moment_s: Float[Tensor, "batch moments"]
    ) -> Float[Tensor, "batch moments outputs"]:
        """Values at each moment."""
        scale, shift = self.bend(condition)[:, None].chunk(2, -1)
        x = nn.functional.silu(self.moment(moment_features(moment_s)) * (1 + scale) + shift)
        for block in self.blocks:
            x = block(x)
        return self.out(self.norm(x))


class _Block(nn.Module):
    """x + MLP(x), normalised before."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.wide = nn.Linear(width, width)
        self.back = nn.Linear(width, width)

    def forward(self, x: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch width"]:
        return x + self.back(nn.functional.silu(self.wide(self.norm(x))))


def moment_features(moment_s: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch features"]:
    """Linear and logarithmic time, its waves in the logarithm, and decays of many speeds.

    >>> moment_features(torch.tensor([0.0, 1.0])).shape
    torch.Size([2, 17])
    """
    since_s = moment_s.clamp(0, LONGEST_S)[..., None]
    place = (since_s / SHORTEST_S).log1p() / math.log1p(LONGEST_S / SHORTEST_S)
    angles = place * math.pi * since_s.new_tensor(TURNS)
    decays = (-since_s / since_s.new_tensor(DECAYS_S)).exp()
    return torch.cat([since_s / 2 - 1, 2 * place - 1, angles.sin(), angles.cos(), decays], dim=-1)
