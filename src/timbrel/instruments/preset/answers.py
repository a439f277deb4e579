"""What a network says of a patch, and the patches that this may mean.

Most knobs of most patches are untouched. So of each knob two things are said: how likely it is that
somebody touched it, and where it stands if so, a Laplace distribution. What cannot be heard in a
sound (the rate of a vibrato of no depth) is then as likely touched as it is in any patch, costs
little, and pulls at nothing else.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Num
from torch import Tensor

from timbrel.sound import Dimension, Kind, TimbreSpace

_LEAST_ODDS = 0.01
"""Of a choice that a search may still try."""

_SPREADS = (0.005, 1.0)
"""No knob is known better, nor worse, than these of its way."""

_HEARD = 7 / 3
"""So much more is heard of a knob that is left than of one that is turned in vain: of 0.2 to 0.5,
odds of 0.3 to be touched are enough (LOG, 2026-11-29)."""

_SURE = 20.0
"""Logit of what is out of the question."""


class Answer(NamedTuple):
    """What is said of patches, one a row.

    Attributes:
        place: the middle of where each continuous knob may stand that is touched, 0..1.
        spread: mean distance from there.
        touched: logits of being touched.
        rest: where knobs stand that are not.
        logits: of the choices of all switches, side by side.
        held_s: when the key came up.
    """

    place: Float[Tensor, "batch knobs"]
    spread: Float[Tensor, "batch knobs"]
    touched: Float[Tensor, "batch knobs"]
    rest: Float[Tensor, " knobs"]
    logits: Float[Tensor, "batch choices"]
    held_s: Float[Tensor, " batch"]

    @property
    def knobs(self) -> Float[Tensor, "batch knobs"]:
        """The median of what is said of each, being touched counted for more (`_HEARD`).

        Where it is unsure whether a knob is touched, that lies on this side of the place.
        """
        touched = self.touched + math.log(_HEARD)
        pull = -self.spread * (2 - 1 / touched.sigmoid()).clamp_min(1e-9).log()
        away = self.place - self.rest
        median = self.place - away.sign() * torch.minimum(pull, away.abs())
        return torch.where(touched > 0, median, self.rest)

    @property
    def doubt(self) -> Float[Tensor, "batch knobs"]:
        """Mean distance of the knobs from there, nearly."""
        chance = self.touched.sigmoid()
        apart = (self.place - self.rest).abs()
        if_rest = chance * torch.maximum(apart, self.spread)
        is_placed = self.knobs != self.rest
        return torch.where(is_placed, chance * self.spread + (1 - chance) * apart, if_rest)


def likeliest(space: TimbreSpace, answer: Answer) -> Float[Tensor, "batch params"]:
    """The patch that is likeliest, knob by knob."""
    choice = [part.argmax(-1) for part in each_switch(space, answer.logits)]
    none = answer.place.new_zeros(len(answer.place), 0)
    return vectors_of(space, answer.knobs, torch.stack(choice, -1) if choice else none)


def doubts(space: TimbreSpace, answer: Answer) -> Float[Tensor, "batch params"]:
    """How unsure it is: of knobs the mean distance, of switches the odds of another choice."""
    others = [1 - part.softmax(-1).amax(-1) for part in each_switch(space, answer.logits)]
    none = answer.place.new_zeros(len(answer.place), 0)
    return vectors_of(space, answer.doubt, torch.stack(others, -1) if others else none)


def drawn(
    space: TimbreSpace, answer: Answer, count: int, generator: torch.Generator | None = None
) -> Float[Tensor, "count params"]:
    """Patches as likely as the first of the answers says."""
    place, spread = answer.place[:1].expand(count, -1), answer.spread[:1].expand(count, -1)
    touched = torch.rand(place.shape, generator=generator) < answer.touched[:1].sigmoid()
    half = torch.rand(place.shape, generator=generator) - 0.5
    away = -half.sign() * torch.log1p(-2 * half.abs().clamp(max=0.499)) * spread
    odds = [part[0].softmax(-1) for part in each_switch(space, answer.logits)]
    choice = [torch.multinomial(each, count, True, generator=generator) for each in odds]
    none = place.new_zeros(count, 0)
    placed = torch.where(touched, (place + away).clamp(0.0, 1.0), answer.rest)
    return vectors_of(space, placed, torch.stack(choice, -1) if choice else none)


def nothing_known(space: TimbreSpace, held_s: float, spread: float = 0.2) -> Answer:
    """The answer of who heard nothing: knobs in the middle, choices all alike."""
    n_knobs = sum(d.kind is Kind.RANGE for d in space.dimensions)
    logits = torch.zeros(1, sum(map(n_choices, switches(space))))
    place = torch.full((1, n_knobs), 0.5)
    return Answer(
        place, torch.full_like(place, spread), torch.full_like(place, _SURE), place[0],
        logits, torch.tensor([held_s]),
    )  # fmt: skip


def around(space: TimbreSpace, vector: Float[Tensor, " params"], answer: Answer) -> Answer:
    """The answer moved to a patch: as unsure as before, its choices likelier than all others."""
    is_switch = switch_mask(space)
    logits = []
    for part, chosen in zip(each_switch(space, answer.logits), vector[is_switch], strict=True):
        moved = part.clone()
        moved[:, int(chosen)] = part.max() + 1.0
        logits.append(moved)
    return answer._replace(
        place=vector[None, ~is_switch],
        spread=answer.doubt,
        touched=torch.full_like(answer.touched, _SURE),
        logits=torch.cat(logits, -1) if logits else answer.logits,
    )


def probabilities(space: TimbreSpace, answer: Answer) -> np.ndarray | None:
    """Odds of each switch's choices in a row, none of them 0, padded with 0; None: no switch."""
    parts = each_switch(space, answer.logits)
    if not parts:
        return None
    odds = np.zeros((len(parts), max(part.shape[-1] for part in parts)))
    for row, part in zip(odds, parts, strict=True):
        likely = part[0].double().softmax(-1).clamp_min(_LEAST_ODDS)
        row[: len(likely)] = (likely / likely.sum()).numpy()
    return odds


def vectors_of(
    space: TimbreSpace,
    place: Float[Tensor, "*batch knobs"],
    choice: Num[Tensor, "*batch switches"],
) -> Float[Tensor, "*batch params"]:
    """Patches of the places of knobs and the choices of switches."""
    is_switch = switch_mask(space)
    vectors = place.new_empty(*place.shape[:-1], len(is_switch))
    vectors[..., ~is_switch] = place
    vectors[..., is_switch] = choice.to(place)
    return vectors


def answer_of(
    said: Float[Tensor, "batch said"],
    rest: Float[Tensor, " knobs"],
    held_s: Float[Tensor, " batch"],
) -> Answer:
    """The last numbers of a network as an answer: `n_said` of them."""
    low, high = _SPREADS
    n_knobs = len(rest)
    place, spread, touched, logits = said.split(
        [n_knobs, n_knobs, n_knobs, said.shape[-1] - 3 * n_knobs], dim=-1
    )
    spread = low * (high / low) ** spread.sigmoid()
    return Answer(place.sigmoid(), spread, touched, rest, logits, held_s)


def n_said(space: TimbreSpace) -> int:
    """How many numbers an answer takes, but for when the key came up."""
    n_knobs = sum(d.kind is Kind.RANGE for d in space.dimensions)
    return 3 * n_knobs + sum(map(n_choices, switches(space)))


def knobs_and_choices(
    space: TimbreSpace, vectors: Float[Tensor, "batch params"]
) -> tuple[Float[Tensor, "batch knobs"], Float[Tensor, "batch choices"]]:
    """Places of the knobs, and which choices are made: ones and zeros, side by side."""
    is_switch = switch_mask(space)
    chosen = vectors[:, is_switch].long().unbind(-1)
    made = [
        torch.nn.functional.one_hot(number, n_choices(switch)).to(vectors)
        for number, switch in zip(chosen, switches(space), strict=True)
    ]
    none = vectors.new_zeros(len(vectors), 0)
    return vectors[:, ~is_switch], torch.cat(made, -1) if made else none


def each_switch(
    space: TimbreSpace, logits: Float[Tensor, "batch choices"]
) -> list[Float[Tensor, "batch _"]]:
    """The logits of each switch."""
    sizes = list(map(n_choices, switches(space)))
    return list(logits.split(sizes, dim=-1)) if sizes else []


def switches(space: TimbreSpace) -> list[Dimension]:
    """Those dimensions that are choices, in order."""
    return [d for d in space.dimensions if d.kind is Kind.CHOICE]


def n_choices(switch: Dimension) -> int:
    """How many a switch has."""
    return round(switch.high - switch.low) + 1


def switch_mask(space: TimbreSpace) -> Bool[Tensor, " params"]:
    """Which dimensions are choices."""
    return torch.tensor([d.kind is Kind.CHOICE for d in space.dimensions])
