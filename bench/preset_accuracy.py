"""How far off the knobs are that a `preset` model hears in sounds of patches it never saw.

Keys begin with the synthesizer. `SYNTH_mae`: mean distance of what the network says from the patch
over all notes and parameters, each parameter's way being 1 (a switch's choices lie side by side on
it, so a wrong one costs what it is away). `SYNTH_constant_mae`: the same of one patch for all, the
median of those that are trained on and of the kind that is judged (real ones for banks and
clusters, random ones for random ones), which is the best for those by this measure.
`SYNTH_skill` is 1 - one / other. The `_active_` ones count only parameters whose reset to the
default changes their patch's sound by more than 0.5 dB (MSS; middle C held for 3 s): nobody can
hear the others. Endings: `_clusters`, `_banks`, `_random`, one kind of held-out patches each.
`switch_NAME`: how often that choice is right, beside `majority_NAME`, the choice that most trained
patches of the kind make; `switch_mean` and `majority_mean` are over all switches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from _bench import Bench, run
from _presets import MODEL, HeldOut, add_set, held_out_set, patch_vectors

if TYPE_CHECKING:
    from torch import Tensor

MOST, MOST_QUICK = 100, 12
"""Patches of each kind."""

AT_ONCE = 8


@dataclass(frozen=True)
class Judged:
    """Notes of one kind of patches.

    Attributes:
        kind: of them.
        error, constant: how far off each parameter is by the network, and by the constant.
        active: which parameters are heard.
        right, majority: which switches are right by the network, and by the majority.
    """

    kind: str
    error: Tensor
    constant: Tensor
    active: Tensor
    right: Tensor
    majority: Tensor


def measure(bench: Bench) -> dict[str, float | int]:
    held, most = held_out_set(bench), MOST_QUICK if bench.quick else MOST
    chosen = {kind: held.patches(kind, most) for kind in held.kinds}
    counts = ", ".join(f"{len(some)} {kind}" for kind, some in chosen.items())
    bench.note(f"held-out patches of {held.synth}: {counts}")
    active = active_of(bench, held, [i for some in chosen.values() for i in some])
    bench.note("what the network says")
    judged = [judge(held, kind, some, active) for kind, some in chosen.items()]
    figures: dict[str, float | int] = {}
    for end, kinds in held.ends():
        some = [one for one in judged if one.kind in kinds]
        figures |= accuracy(held.synth, end, some)
        figures[f"{held.synth}_patches{end}"] = sum(len(chosen[kind]) for kind in kinds)
    counted = next(held.ends())[1]
    return figures | switch_figures(held, [one for one in judged if one.kind in counted])


def active_of(bench: Bench, held: HeldOut, numbers: Sequence[int]) -> dict[int, Tensor]:
    """Which parameters of patches are heard."""
    from timbrel.data.presets.activity import ACTIVE_DB, kept_activity_db

    vectors = [*patch_vectors(held.test, numbers)]

    def progress(_: str, done: float, total: float) -> None:
        if done % 20 == 0:
            bench.note(f"which knobs are heard: {done:.0f} of {total:.0f} patches")

    changed = kept_activity_db(held.test.folder, held.instrument.synth, vectors, progress)
    return dict(zip(numbers, changed > ACTIVE_DB, strict=True))


def judge(held: HeldOut, kind: str, numbers: Sequence[int], active: dict[int, Tensor]) -> Judged:
    """All notes of some patches."""
    import torch

    notes, parameters = held.test.notes, held.test.parameters
    rows = torch.isin(notes.patch, torch.tensor(numbers)).nonzero()[:, 0]
    truth, trained = notes.vector[rows], held.trained(kind)
    switch, said = parameters.is_switch, said_of(held, rows)
    middle = parameters.unit_scaled(trained.median(0).values)
    true = parameters.unit_scaled(truth)
    return Judged(
        kind=kind,
        error=(parameters.unit_scaled(said) - true).abs(),
        constant=(middle - true).abs(),
        active=torch.stack([active[number] for number in notes.patch[rows].tolist()]),
        right=said[:, switch] == truth[:, switch],
        majority=trained[:, switch].mode(0).values == truth[:, switch],
    )


def said_of(held: HeldOut, rows: Tensor) -> Tensor:
    """The likeliest patch of each note."""
    import torch

    from timbrel.instruments.preset.answers import likeliest

    network, pitch = held.instrument.network, held.test.notes.pitch
    with torch.no_grad():
        return torch.cat(
            [
                likeliest(
                    held.instrument.timbre_space,
                    network.answer(held.test.heard(some), pitch[some]),
                )
                for some in rows.split(AT_ONCE)
            ]
        )


def accuracy(synth: str, end: str, judged: Sequence[Judged]) -> dict[str, float]:
    """Errors over the notes of some kinds."""
    import torch

    error, constant, active = (
        torch.cat([getattr(one, name) for one in judged])
        for name in ("error", "constant", "active")
    )
    whole, heard = (error.mean(), constant.mean()), (error[active].mean(), constant[active].mean())
    figures = {}
    for word, (ours, theirs) in (("", whole), ("_active", heard)):
        figures[f"{synth}{word}_mae{end}"] = float(ours)
        figures[f"{synth}{word}_constant_mae{end}"] = float(theirs)
        figures[f"{synth}{word}_skill{end}"] = 1.0 - float(ours / theirs)
    return figures | {f"{synth}_active_share{end}": float(active.float().mean())}


def switch_figures(held: HeldOut, judged: Sequence[Judged]) -> dict[str, float]:
    """How often each switch is right."""
    import torch

    parameters, figures = held.test.parameters, {}
    names = [
        name for name, is_one in zip(parameters.names, parameters.is_switch, strict=True) if is_one
    ]
    for word, column in (("switch", "right"), ("majority", "majority")):
        share = torch.cat([getattr(one, column) for one in judged]).float().mean(0)
        figures[f"{word}_mean"] = float(share.mean())
        figures |= {f"{word}_{name}": float(x) for name, x in zip(names, share, strict=True)}
    return figures


if __name__ == "__main__":
    run("preset_accuracy", measure, model=MODEL, add_arguments=add_set)
