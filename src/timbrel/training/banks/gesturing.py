r"""Directions made of gestures: played, listened to, and weighed by what is heard.

Where a family knows ways to move all of its timbres alike, a direction need not be guessed from
which sounds happen to have much of a quality. Each move is made in some notes' timbres, and its
opposite, and what that does to the amount of the quality is heard, note by note. (Heard one way
alone, what falls fast told little of what is sustained.) The sum of moves that raises the amount
most surely, its mean growth over the spread of the growth from note to note, is

    w = (S + O + s D)^-1 m     m = mean growth by each move, S = its covariance over the notes,
                               O = mean square of what the moves do to the other amounts,
                               D = mean square of the growth, on the diagonal

as Fisher's discriminant has it, all in standard deviations of the amounts. Without O brighter was
also shorter: what falls sounds brighter on the whole. It is as long as raises the amount by one
standard deviation.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.data.notes.amounts import AMOUNTS
from timbrel.errors import BadInput
from timbrel.instruments import Instrument
from timbrel.sound import Notes

_BATCH = 16
_FEWEST = 8
_RIDGE = 0.3
"""s: of few notes covariances are not to be believed in full."""

_LONGEST = 3.0
"""Moves are not believed to do the same when they are made so many times."""


def amounts_played(
    instrument: Instrument,
    notes: Notes,
    timbres: Float[Tensor, "notes params"],
    names: Sequence[str],
) -> Float[Tensor, "amounts notes"]:
    """How much of each quality notes have as the instrument plays them; NaN where none is told."""
    rows = []
    for start in range(0, len(notes), _BATCH):
        some = slice(start, start + _BATCH)
        with torch.no_grad():
            sound = instrument.render(notes[some], timbres[some])
        rows.append(torch.stack([
            AMOUNTS[name].of(sound.audio, notes.duration_s[some], sound.sample_rate)
            for name in names
        ]))  # fmt: skip
    return torch.cat(rows, 1)


def gestured_direction(
    moves: Float[Tensor, "moves params"],
    growth: Float[Tensor, "moves notes"],
    beside: Float[Tensor, "moves others notes"] | None = None,
) -> Float[Tensor, " params"]:
    """The sum of moves that most surely raises an amount by one, and little else.

    Args:
        moves: differences between timbres.
        growth: by how much each raised the amount of each note, in standard deviations of it;
            notes with a NaN are left out.
        beside: the same of amounts that are to stay.

    Raises:
        BadInput: fewer than eight notes tell, or no move does anything.

    >>> generator = torch.Generator().manual_seed(0)
    >>> growth = torch.stack([torch.full((50,), 2.0), torch.randn(50, generator=generator)])
    >>> gestured_direction(torch.eye(2), growth).round(decimals=1).tolist()
    [0.5, 0.0]
    """
    known = growth.isfinite().all(0)
    if int(known.sum()) < _FEWEST:
        raise BadInput(f"{int(known.sum())} notes tell of it: wanted {_FEWEST} or more")
    growth = growth[:, known].double()
    mean = growth.mean(1)
    if not float(mean.abs().max()) > 0:
        raise BadInput("no gesture changes it: no direction leads to more of it")
    spread = torch.cov(growth) + (_RIDGE * growth.square().mean(1) + 1e-12).diag()
    if beside is not None:
        others = beside.nan_to_num(0.0).double().flatten(1)
        spread = spread + others @ others.T / beside.shape[2]
    weight = torch.linalg.solve(spread, mean)
    weight = weight / (weight @ mean)
    return (weight * (_LONGEST / weight.abs().max()).clamp(max=1)).float() @ moves
