"""Patches like one, but as they were wished for: "brighter", "more percussive".

patch -> as it is, and as the VAE would change it
-> knobs are turned, few of them, until it is imagined to sound as wished
-> rendered and heard -> again, from the one that came nearest
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.errors import BadInput
from timbrel.instruments.instrument import check_count
from timbrel.instruments.preset.answers import Answer, likeliest, switch_mask
from timbrel.instruments.preset.hearing.descriptors import describe
from timbrel.instruments.preset.hearing.heard import hear, is_audible, pitches_heard
from timbrel.instruments.preset.recommender import Recommender
from timbrel.instruments.preset.rendering import attempted
from timbrel.sound import Notes, TimbreSpace
from timbrel.synths import Synth

_THRIFT = (0.1, 0.3, 1.0)
"""What it costs to turn a knob all its way, in squared standard deviations: each is tried."""

_DRAWN = 3
"""Codes by which the VAE changes the patch."""

_PULL = 3.0
"""Of what is wished for, that the VAE is asked. It answers with the mean of all patches that sound
so, which moves a knob by less than one of them would."""

_ROUNDS = 3
_NEAR = 0.3
"""Standard deviations from the wish, where it is fulfilled."""

_FURTHEST = 4.0
"""Standard deviations that anything may move, as it counts."""

_STEEPEST = 4.0
"""Of the slope along a knob, in squared standard deviations a way."""

_APART = 0.1
"""Of a knob's way: suggestions that differ by less are one."""

_ALIKE = 0.5
"""Ways of knobs, added up: what is turned by less between two suggestions makes no other sort."""

_STEPS, _STEP = 80, 0.02

_SAME_PITCH = 0.5
"""Semitones: what sounds further off, where a pitch is heard of both, is in another key, which is
no timbre."""

TRIED = _ROUNDS * len(_THRIFT) * (1 + _DRAWN)
"""Patches that are heard for a wish, at most."""


@dataclass(frozen=True, eq=False)
class Suggestion:
    """A patch that may be what was wished for.

    Attributes:
        vector: the patch.
        moved: by how many standard deviations each descriptor of its note changed, as heard.
        away: how far that is from the wish.
    """

    vector: Float[Tensor, " params"]
    moved: Float[Tensor, " descriptors"]
    away: float


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
        BadInput: the patch is silent, the plug-in fails to play it, or `count` is below 1.
    """
    check_count(count)
    (described,), (pitch,) = _heard_as(synth, vector[None], note)
    if not bool(described.isfinite().all()):
        raise BadInput("this patch makes no sound with that note: play another, or another patch")
    found = [Suggestion(vector, torch.zeros_like(wish), float(wish.norm()))]
    for _ in range(_ROUNDS):
        nearest = found[0]
        if nearest.away < _NEAR:
            break
        sounds = described + nearest.moved * recommender.std
        tried = imagined(recommender, nearest.vector, sounds, wish - nearest.moved, note, generator)
        after, pitches = _heard_as(synth, tried, note[torch.zeros(len(tried)).long()])
        moved = ((after - described) / recommender.std).clamp(-_FURTHEST, _FURTHEST)
        is_none = moved.isnan().any(-1) | ((pitches - pitch).abs() > _SAME_PITCH)
        away = (moved - wish).norm(dim=-1).masked_fill(is_none, torch.inf).tolist()
        found += [Suggestion(*one) for one in zip(tried, moved, away, strict=True)]
        found.sort(key=lambda one: one.away)
    distinct = _distinct(vector, [one for one in found if one.away < float("inf")])
    return sorted(_various(synth, distinct, count), key=lambda one: one.away)


def _distinct(vector: Tensor, found: list[Suggestion]) -> list[Suggestion]:
    """Each that has a knob elsewhere than the patch itself, and than those before it."""
    kept, known = [], [vector]
    for one in found:
        if all(bool(((one.vector - other).abs() > _APART).any()) for other in known):
            kept.append(one)
            known.append(one.vector)
    return kept


def _various(synth: Synth, found: list[Suggestion], count: int) -> list[Suggestion]:
    """So many, the best of each sort first: where little is turned between two, one will do."""
    first: list[Suggestion] = []
    for one in found:
        turned = (synth.parameters.unit_scaled(one.vector - other.vector) for other in first)
        if all(float(ways.abs().sum()) > _ALIKE for ways in turned):
            first.append(one)
    return [*first, *(one for one in found if one not in first)][:count]


def imagined(
    recommender: Recommender,
    vector: Float[Tensor, " params"],
    described: Float[Tensor, " descriptors"],
    wish: Float[Tensor, " descriptors"],
    note: Notes,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "candidates params"]:
    """Patches that may sound as wished, none of them heard yet: the least changed first.

    Args:
        recommender: what was learned of patches.
        vector: the patch to begin with.
        described: how it sounds with the note.
        wish: steps of the descriptors, in standard deviations.
        note: that is played.
        generator: of the codes that are drawn.
    """
    others = _decoded(recommender, vector, described, _PULL * wish, note, generator)
    starts = torch.cat([vector[None], others]).repeat_interleave(len(_THRIFT), 0)
    thrift = torch.tensor(_THRIFT).flip(0).repeat(1 + len(others))[:, None]
    many = note[torch.zeros(len(starts)).long()]
    with torch.no_grad():
        wanted = recommender.imagine(vector[None], note.pitch, note.duration_s) + wish
    return _turned(recommender, starts, wanted, thrift, many)


def _turned(
    recommender: Recommender, starts: Tensor, wanted: Tensor, thrift: Tensor, notes: Notes
) -> Tensor:
    """Patches whose knobs are turned towards what is wanted: proximal gradient, sparse by L1."""
    space, is_switch = recommender.space, switch_mask(recommender.space)
    turn = torch.zeros_like(starts)
    for _ in range(_STEPS):
        turn.requires_grad_()
        sounds = recommender.imagine(starts + turn, notes.pitch, notes.duration_s)
        away = (sounds - wanted).square().sum()
        (slope,) = torch.autograd.grad(away, turn)
        with torch.no_grad():
            slope = slope.clamp(-_STEEPEST, _STEEPEST).masked_fill(is_switch, 0.0)
            turn = turn - _STEP * slope
            turn = turn.sign() * (turn.abs() - _STEP * thrift).clamp_min(0.0)
            turn = torch.where(is_switch, 0.0, (starts + turn).clamp(0.0, 1.0) - starts)
    return space.project(starts + turn)


@torch.no_grad()
def _decoded(
    recommender: Recommender,
    vector: Tensor,
    described: Tensor,
    wish: Tensor,
    note: Notes,
    generator: torch.Generator | None,
) -> Tensor:
    """The patch with what the VAE changes when it is told that it sounds otherwise."""
    some = note[torch.zeros(_DRAWN).long()]
    pitch, held_s = some.pitch, some.duration_s
    before = recommender.condition(described.expand(_DRAWN, -1), pitch, held_s)
    wanted = (described + wish * recommender.std).expand(_DRAWN, -1)
    after = recommender.condition(wanted, pitch, held_s)
    mean, log_variance = recommender.encode(vector[None], before[:1])
    away = torch.randn(_DRAWN, mean.shape[-1], generator=generator)
    codes = mean + (0.5 * log_variance).exp() * away
    return _changed(
        recommender.space,
        vector,
        recommender.decode(codes, before, held_s),
        recommender.decode(codes, after, held_s),
    )


def _changed(space: TimbreSpace, vector: Tensor, before: Answer, after: Answer) -> Tensor:
    """A patch with what differs between two answers: knobs move as far, switches flip likewise."""
    one, other = likeliest(space, before), likeliest(space, after)
    flipped = torch.where(one == other, vector, other)
    return space.project(torch.where(switch_mask(space), flipped, vector + other - one))


@torch.no_grad()
def heard_descriptors(
    synth: Synth, vectors: Float[Tensor, "batch params"], notes: Notes
) -> Float[Tensor, "batch descriptors"]:
    """How patches sound; NaN for silent ones, and where the synthesizer failed."""
    return _heard_as(synth, vectors, notes)[0]


def _heard_as(synth: Synth, vectors: Tensor, notes: Notes) -> tuple[Tensor, Tensor]:
    """How patches sound, and at which pitch; NaN where none is heard."""
    audio = attempted(synth, vectors, notes)
    heard = hear(audio.nan_to_num())
    described = torch.where(
        is_audible(audio)[:, None], describe(heard, notes.duration_s), torch.nan
    )
    return described, pitches_heard(heard)
