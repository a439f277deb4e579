"""Patches like one, but as they were wished for: "brighter", "more percussive".

patch -> code -> decoded as it sounds and as it shall sound -> the difference, added to the patch
-> nearer and further, rendered and heard -> those that come nearest to the wish
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.errors import BadInput
from timbrel.instruments.preset.answers import Answer, likeliest, switch_mask
from timbrel.instruments.preset.descriptors import describe
from timbrel.instruments.preset.hearing import hear, is_audible
from timbrel.instruments.preset.matching import rendered
from timbrel.instruments.preset.recommender import Recommender
from timbrel.sound import Notes, TimbreSpace
from timbrel.synths import Synth

AMOUNTS = (0.5, 1.0, 1.5, 2.0, 3.0)
"""Of the wish, that are tried: what a recommender thinks is one step may be half of one."""

_DRAWN = 2
"""Codes that are tried beside the likeliest."""

_FURTHEST = 4.0
"""Standard deviations that anything may move, as it counts."""


@dataclass(frozen=True)
class Suggestion:
    """A patch that may be what was wished for.

    Attributes:
        vector: the patch.
        moved: by how many standard deviations each descriptor of its note changed, as heard.
    """

    vector: Float[Tensor, " params"]
    moved: Float[Tensor, " descriptors"]


@torch.no_grad()
def suggest(
    synth: Synth,
    recommender: Recommender,
    vector: Float[Tensor, " params"],
    wish: Float[Tensor, " descriptors"],
    note: Notes,
    *,
    count: int = 1,
    generator: torch.Generator | None = None,
) -> list[Suggestion]:
    """The patches that come nearest to a wish, best first.

    Args:
        synth: whose patches.
        recommender: what was learned of them.
        vector: the patch to begin with.
        wish: steps of the descriptors, in standard deviations (`wish_of`).
        note: that the patch is heard by.
        count: how many patches are wanted.
        generator: of the codes that are drawn.

    Raises:
        BadInput: the patch is silent.
        SynthFailed: a plug-in cannot be used at all.
    """
    described = _described(synth, vector[None], note)
    if described is None:
        raise BadInput("this patch is silent with that note: play another, or another patch")
    tried = candidates(recommender, vector, described, wish, note, generator)
    after = _described(synth, tried, note[torch.zeros(len(tried)).long()])
    if after is None:
        return []
    moved = ((after - described) / recommender.apart).clamp(-_FURTHEST, _FURTHEST)
    away = (moved - wish).square().sum(-1)
    best = away.nan_to_num(torch.inf).argsort()[:count]
    return [Suggestion(tried[i], moved[i]) for i in best.tolist() if bool(away[i].isfinite())]


def candidates(
    recommender: Recommender,
    vector: Float[Tensor, " params"],
    described: Float[Tensor, "1 descriptors"],
    wish: Float[Tensor, " descriptors"],
    note: Notes,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "candidates params"]:
    """Patches that are tried: `AMOUNTS` of the wish for each of some codes, the likeliest first."""
    amounts = torch.tensor(AMOUNTS)[:, None].repeat(1 + _DRAWN, 1)
    some = note[torch.zeros(len(amounts)).long()]
    pitch, held_s = some.pitch, some.duration_s
    before = recommender.condition(described.expand(len(amounts), -1), pitch, held_s)
    wanted = described + amounts * wish * recommender.apart
    after = recommender.condition(wanted, pitch, held_s)
    mean, log_variance = recommender.encode(vector[None], before[:1])
    away = torch.randn(1 + _DRAWN, mean.shape[-1], generator=generator)
    away[0] = 0.0
    codes = (mean + (0.5 * log_variance).exp() * away).repeat_interleave(len(AMOUNTS), 0)
    return changed(
        recommender.space,
        vector,
        recommender.decode(codes, before, held_s),
        recommender.decode(codes, after, held_s),
    )


def changed(
    space: TimbreSpace, vector: Float[Tensor, " params"], before: Answer, after: Answer
) -> Float[Tensor, "batch params"]:
    """A patch with what differs between two answers: knobs move as far, switches flip likewise."""
    one, other = likeliest(space, before), likeliest(space, after)
    flipped = torch.where(one == other, vector, other)
    return space.project(torch.where(switch_mask(space), flipped, vector + other - one))


def _described(synth: Synth, vectors: Tensor, notes: Notes) -> Tensor | None:
    """How patches sound; rows of NaN for silent ones, None where all are."""
    audio = rendered(synth, vectors, notes)
    sounds = is_audible(audio)
    if not bool(sounds.any()):
        return None
    described = describe(hear(audio.nan_to_num()), notes.duration_s)
    return torch.where(sounds[:, None], described, torch.nan)
