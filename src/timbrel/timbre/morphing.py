"""Weights for morphs: a path between two timbres, a pad of two to four corners.

Weights say how much of each corner; `TimbreSpace.mix` turns them into timbres (linear or
spherical), and gives back a corner to the bit where its weight is 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.errors import BadInput
from timbrel.sound import MorphPath, TimbreSpace

MOST_CELLS = 4096


def alphas(steps: int) -> Float[Tensor, " steps"]:
    """Evenly spaced places from 0 to 1, both included; one step is the middle.

    >>> alphas(5).tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    if not 1 <= steps <= MOST_CELLS:
        raise BadInput(f"a morph of {steps} steps: wanted 1 to {MOST_CELLS}")
    if steps == 1:
        return torch.tensor([0.5])
    return torch.arange(steps) / (steps - 1)


def path_weights(alpha: Float[Tensor, " steps"]) -> Float[Tensor, "steps 2"]:
    """Weights of A and B at places between them: 0 is A, 1 is B.

    >>> path_weights(torch.tensor([0.0, 0.25])).tolist()
    [[1.0, 0.0], [0.75, 0.25]]

    Raises:
        BadInput: a place is not within 0 to 1.
    """
    if not bool(((alpha >= 0) & (alpha <= 1)).all()):
        bad = float(alpha[~((alpha >= 0) & (alpha <= 1))][0])
        raise BadInput(f"alpha {bad:g} is outside 0 (all A) to 1 (all B)")
    return torch.stack([1 - alpha, alpha], dim=-1)


def pad_weights(rows: int, columns: int, corners: int = 4) -> Float[Tensor, "rows columns corners"]:
    """Bilinear weights of the cells of a pad.

        A ---- B     two corners: A on the left edge, B on the right
        |      |     three: A and B above, C along the whole lower edge
        C ---- D     four: one in each corner

    >>> pad_weights(3, 3)[1, 1].tolist()
    [0.25, 0.25, 0.25, 0.25]

    Raises:
        BadInput: not two to four corners, or a pad of no or too many cells.
    """
    if not 2 <= corners <= 4:
        raise BadInput(f"a pad of {corners} corners: wanted 2, 3 or 4 sounds")
    if rows < 1 or columns < 1 or rows * columns > MOST_CELLS:
        raise BadInput(f"a pad of {rows} x {columns}: wanted at most {MOST_CELLS} cells")
    down = alphas(rows)[:, None].expand(rows, columns)
    right = alphas(columns)[None, :].expand(rows, columns)
    if corners == 2:
        return torch.stack([1 - right, right], dim=-1)
    above = [(1 - down) * (1 - right), (1 - down) * right]
    below = [down] if corners == 3 else [down * (1 - right), down * right]
    return torch.stack([*above, *below], dim=-1)


def corner_weights(right: float, down: float, corners: int = 4) -> Float[Tensor, " corners"]:
    """Weights of one place on a pad, 0 to 1 to the right and down; see `pad_weights`.

    >>> corner_weights(0.25, 0.0, corners=2).tolist(), corner_weights(1.0, 0.5, 3).tolist()
    ([0.75, 0.25], [0.0, 0.5, 0.5])

    Raises:
        BadInput: not two to four corners.
    """
    if not 2 <= corners <= 4:
        raise BadInput(f"a pad of {corners} corners: wanted 2, 3 or 4 sounds")
    across = torch.tensor([1 - right, right])
    if corners == 2:
        return across
    below = torch.tensor([down]) if corners == 3 else across * down
    return torch.cat([across * (1 - down), below])


def morph(
    space: TimbreSpace, corners: Sequence[Tensor], steps: int, path: MorphPath = "linear"
) -> Float[Tensor, "steps params"]:
    """Timbres from the first corner to the last, through each between them.

    Args:
        space: what the timbres mean.
        corners: two to four timbres.
        steps: how many timbres come out, the ends included.
        path: how the space mixes two of them.

    Raises:
        BadInput: not two to four corners, or they do not fit the space.
    """
    if not 2 <= len(corners) <= 4:
        raise BadInput(f"a morph of {len(corners)} sounds: wanted 2, 3 or 4")
    place = alphas(steps) * (len(corners) - 1)
    left = place.floor().long().clamp(max=len(corners) - 2)
    weights = torch.zeros(steps, len(corners))
    row = torch.arange(steps)
    weights[row, left] = 1 - (place - left)
    weights[row, left + 1] = place - left
    return space.mix(torch.stack(list(corners)), weights, path)


def pad(
    space: TimbreSpace,
    corners: Sequence[Tensor],
    rows: int,
    columns: int,
    path: MorphPath = "linear",
) -> Float[Tensor, "rows columns params"]:
    """Timbres of the cells of a pad of two to four corners; see `pad_weights`."""
    weights = pad_weights(rows, columns, len(corners))
    return space.mix(torch.stack(list(corners)), weights, path)
