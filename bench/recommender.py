"""Whether a patch that is suggested moves as it was wished: each descriptor, up and down.

Held-out patches are asked for one standard deviation of each descriptor, both ways, where there is
room for it: what is wished for lies within the middle 98 % of all held-out patches. `right_share`:
share of the first suggestions in which the asked descriptor, heard again, moved the right way by
at least a twentieth of a standard deviation; `right_share_unheard` is the same of the first idea,
which nobody listened to; `right_share_random` is that of the best of as many patches whose knobs
were turned as far at random, heard and chosen alike. `moved`: how far the asked one went, of 1;
`others_moved`: mean of how far each of the others did; `knobs_turned`: of the patch's. Keys with
the name of a descriptor are its right share alone. All by middle C, held for 3 s.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from _bench import Bench, run
from _presets import MODEL, HeldOut, add_set, held_out_set, patch_vectors

if TYPE_CHECKING:
    from torch import Tensor

    from timbrel.sound import Notes

MOST, MOST_QUICK = 40, 3
"""Patches of each kind."""

RIGHT = 0.05
"""Standard deviations: what moved less did not move."""

AT_ONCE = 16
SEED = 0


@dataclass(frozen=True)
class Wished:
    """One wish, and what came of it.

    Attributes:
        name: of the descriptor.
        wish: for it and the others.
        heard, unheard, random: how far each descriptor moved, in standard deviations.
        turned: how many knobs differ.
    """

    name: str
    wish: Tensor
    heard: Tensor
    unheard: Tensor
    random: Tensor
    turned: int


def measure(bench: Bench) -> dict[str, float | int]:
    held, most = held_out_set(bench), MOST_QUICK if bench.quick else MOST
    vectors = [
        vector
        for kind in held.kinds
        for vector in patch_vectors(held.test, held.patches(kind, most))
    ]
    low, high = room(
        held, patch_vectors(held.test, [i for k in held.kinds for i in held.patches(k, 100)])
    )
    made = []
    for number, vector in enumerate(vectors):
        if number % 5 == 0:
            bench.note(f"{number} of {len(vectors)} patches")
        made += wished(held, vector, low, high)
    return figures(made) | {"patches": len(vectors), "wishes": len(made)}


def the_note() -> Notes:
    from timbrel.instruments.preset.hearing.heard import HOLD_S
    from timbrel.instruments.preset.hearing.target import TYPICAL_VELOCITY
    from timbrel.sound import Notes

    return Notes.of(60.0, TYPICAL_VELOCITY, HOLD_S)


def descriptors_of(held: HeldOut, vectors: Tensor) -> Tensor:
    """How patches sound."""
    import torch

    from timbrel.instruments.preset.recommending import heard_descriptors

    synth, note = held.instrument.synth, the_note()
    return torch.cat(
        [
            heard_descriptors(synth, some, note[torch.zeros(len(some)).long()])
            for some in vectors.split(AT_ONCE)
        ]
    )


def room(held: HeldOut, vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Between what each descriptor lies, but for one patch in a hundred on either side."""
    described = descriptors_of(held, vectors)
    described = described[described.isfinite().all(-1)]
    return described.quantile(0.01, dim=0), described.quantile(0.99, dim=0)


def wished(held: HeldOut, vector: Tensor, low: Tensor, high: Tensor) -> Iterator[Wished]:
    """All that a patch can be asked for."""
    import torch

    from timbrel.instruments.preset.hearing.descriptors import DESCRIPTORS
    from timbrel.instruments.preset.recommending import imagined, suggest

    recommender, note = held.instrument.network.recommender, the_note()
    before = descriptors_of(held, vector[None])[0]
    if not bool(before.isfinite().all()):
        return
    for number, descriptor in enumerate(DESCRIPTORS):
        for sign in (1.0, -1.0):
            wish = torch.zeros(len(DESCRIPTORS))
            wish[number] = sign
            wanted = (before + wish * recommender.std)[number]
            if not low[number] <= wanted <= high[number]:
                continue
            found = suggest(
                held.instrument.synth, recommender, vector, wish, note,
                generator=torch.Generator().manual_seed(SEED),
            )  # fmt: skip
            first = imagined(
                recommender, vector, before, wish, note, torch.Generator().manual_seed(SEED)
            )[:1]
            nothing = torch.zeros_like(wish)
            best = found[0].vector if found else vector
            yield Wished(
                name=descriptor.name,
                wish=wish,
                heard=found[0].moved if found else nothing,
                unheard=moved(held, first, before)[0],
                random=by_chance(held, vector, best, before, wish),
                turned=int(((best - vector).abs() > 1e-3).sum()),
            )


def moved(held: HeldOut, vectors: Tensor, before: Tensor) -> Tensor:
    """How far descriptors moved from those of a patch; 0 for silence."""
    apart = held.instrument.network.recommender.std
    return ((descriptors_of(held, vectors) - before) / apart).nan_to_num(0.0).clamp(-4.0, 4.0)


def by_chance(held: HeldOut, vector: Tensor, best: Tensor, before: Tensor, wish: Tensor) -> Tensor:
    """The nearest to the wish of patches that were turned as far, any knobs any way."""
    import torch

    from timbrel.instruments.preset.recommending import TRIED

    space, generator = held.instrument.timbre_space, torch.Generator().manual_seed(SEED)
    is_switch = held.test.parameters.is_switch
    size = (best - vector)[~is_switch].norm()
    away = torch.randn(TRIED, len(vector), generator=generator).masked_fill(is_switch, 0.0)
    tried = space.project(vector + away * size / away.norm(dim=-1, keepdim=True))
    gone = moved(held, tried, before)
    return gone[int((gone - wish).norm(dim=-1).argmin())]


def figures(made: list[Wished]) -> dict[str, float]:
    """Shares and means over all wishes, and the share of each descriptor."""
    found: dict[str, float] = {}
    for way, end in (("heard", ""), ("unheard", "_unheard"), ("random", "_random")):
        gone = [(getattr(one, way), one.wish) for one in made]
        asked = [float((by * wish).sum()) for by, wish in gone]
        found[f"right_share{end}"] = sum(x >= RIGHT for x in asked) / len(asked)
        found[f"moved{end}"] = sum(asked) / len(asked)
        found[f"others_moved{end}"] = sum(
            float(by[wish == 0].abs().mean()) for by, wish in gone
        ) / len(gone)  # fmt: skip
    for name in dict.fromkeys(one.name for one in made):
        own = [float((one.heard * one.wish).sum()) >= RIGHT for one in made if one.name == name]
        found[f"right_share_{name}"] = sum(own) / len(own)
    return found | {"knobs_turned": sum(one.turned for one in made) / len(made)}


if __name__ == "__main__":
    run("recommender", measure, model=MODEL, add_arguments=add_set)
