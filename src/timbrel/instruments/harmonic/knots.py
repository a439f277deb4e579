"""Curves through a few knots, linear between them: how a residual is written down and read.

A curve x at some points is B k, with k at the knots and B the hats between them. The knots that
say a measured curve best, w weighing its points, are those that minimise

    sum of w (B k - x)^2 + stiffness sum of (k_j+1 - k_j)^2

The second term decides only where nothing was measured: there the nearest known knot goes on.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

_STIFFNESS = 1e-3


def hats(
    points: Float[Tensor, "*batch points"], knots: Float[Tensor, " knots"]
) -> Float[Tensor, "*batch points knots"]:
    """Weight of each knot at each point; beyond the outer knots theirs is 1.

    >>> hats(torch.tensor([0.5, 9.0]), torch.tensor([0.0, 2.0]))
    tensor([[0.7500, 0.2500],
            [0.0000, 1.0000]])
    """
    left, share = _place(points, knots)
    number = torch.arange(len(knots), device=points.device)
    share = share[..., None]
    return (number == left[..., None]) * (1 - share) + (number == left[..., None] + 1) * share


def read_curves(
    curves: Float[Tensor, "knots any"],
    knots: Float[Tensor, " knots"],
    points: Float[Tensor, " points"],
) -> Float[Tensor, "points any"]:
    """Curves at many points: as the product with `hats`, in less time.

    >>> read_curves(torch.tensor([[1.0], [3.0]]), torch.tensor([0.0, 2.0]), torch.tensor([0.5]))
    tensor([[1.5000]])
    """
    left, share = _place(points, knots)
    return torch.lerp(curves[left], curves[left + 1], share[:, None])


def knots_of(
    curves: Float[Tensor, "points any"],
    basis: Float[Tensor, "points knots"],
    weight: Float[Tensor, " points"] | None = None,
) -> Float[Tensor, "knots any"]:
    """The knots that say measured curves best; points of weight 0 were not measured.

    >>> basis = hats(torch.arange(5.0), torch.tensor([0.0, 2.0, 4.0]))
    >>> measured = torch.tensor([[0.0], [1.0], [2.0], [9.0], [9.0]])
    >>> knots_of(measured, basis, torch.tensor([1.0, 1.0, 1.0, 0.0, 0.0]))[:, 0].round(decimals=1)
    tensor([0., 2., 2.])
    """
    basis, wanted = basis.double(), curves.double()
    weighed = basis.T if weight is None else basis.T * weight.double()
    steps = torch.diff(torch.eye(basis.shape[1], dtype=torch.float64), dim=0)
    normal = weighed @ basis + _STIFFNESS * steps.T @ steps
    # a curve of which nothing was measured is 0
    normal = normal + 1e-9 * torch.eye(len(normal))
    return torch.linalg.solve(normal, weighed @ wanted).to(curves)


def _place(points: Tensor, knots: Tensor) -> tuple[Tensor, Tensor]:
    """The knot to the left of each point, and how far it is on the way to the next."""
    left = torch.searchsorted(knots, points.detach().contiguous(), right=True) - 1
    left = left.clamp(0, len(knots) - 2)
    apart = knots[left + 1] - knots[left]
    return left, ((points - knots[left]) / apart).clamp(0, 1)
