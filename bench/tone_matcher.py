"""How often the tone matcher finds the right preset by another note of it, among many.

Every held-out patch of the set is looked for by each of its notes. The candidates are one note of
each held-out patch, another than the one that is heard, of other pitch, velocity and length, and
one of every real patch that is trained on. `recall_at_1`, `recall_at_10`: how often the right one
is the nearest, or among the ten nearest. `_mfcc` is the nearest neighbour by means and standard
deviations over time of 20 MFCCs, each scaled to the spread of the candidates; `_chance` is
guessing. `_clusters`, `_banks`, `_random` are kinds of held-out patches, each among all candidates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from _bench import Bench, run
from _presets import MODEL, HeldOut, add_set, held_out_set, spread

if TYPE_CHECKING:
    from torch import Tensor

    from timbrel.data.presets.preset_set import PresetSet
    from timbrel.instruments.preset.hearing.heard import Heard

EACH_QUICK, BANK_QUICK = 40, 100
AT_ONCE = 8
N_MFCC = 20
RANKS = (1, 10)

Points = Callable[["Heard"], "Tensor"]


def measure(bench: Bench) -> dict[str, float | int]:
    held = held_out_set(bench)
    pairs, kinds = note_pairs(held, EACH_QUICK if bench.quick else len(held.test))
    bank = bank_notes(held, BANK_QUICK if bench.quick else len(held.train))
    bench.note(f"{len(pairs)} held-out patches, {len(bank)} others")
    figures: dict[str, float | int] = {}
    for end, points, likeness in (("", network_points(held), dot), ("_mfcc", mfcc_points, near)):
        bench.note(f"points{end}")
        ranks = right_ranks(held, pairs, bank, points, likeness)
        figures |= recalls(held, ranks, kinds, end)
    candidates = len(pairs) + len(bank)
    chances = {f"recall_at_{rank}_chance": min(1.0, rank / candidates) for rank in RANKS}
    return figures | chances | {"candidates": candidates, "patches": len(pairs)}


def note_pairs(held: HeldOut, most: int) -> tuple[list[tuple[int, int]], list[str]]:
    """Two notes, as rows of the test split, of each patch that has so many; the patch's kind."""
    rows: dict[int, list[int]] = {}
    for row, number in enumerate(held.test.notes.patch.tolist()):
        rows.setdefault(number, []).append(row)
    pairs, kinds = [], []
    for kind in held.kinds:
        two = [n for n in held.patches(kind, len(held.test)) if len(rows[n]) > 1]
        for number in spread(two, most):
            pairs.append((rows[number][0], rows[number][1]))
            kinds.append(kind)
    return pairs, kinds


def bank_notes(held: HeldOut, most: int) -> list[int]:
    """A note, as a row of the train split, of each real patch."""
    row = {number: row for row, number in enumerate(held.train.notes.patch.tolist())}
    return spread([row[number] for number in held.train_numbers("clusters")], most)


def network_points(held: HeldOut) -> Points:
    """Where the tone matcher has sounds."""
    import torch

    network = held.instrument.network

    def points(heard: Heard) -> Tensor:
        with torch.no_grad():
            return network.point(heard)

    return points


def mfcc_points(heard: Heard) -> Tensor:
    """Means and standard deviations of 20 MFCCs, of the mels that the network hears too."""
    import torch

    from timbrel.dsp.librosas import load_librosa
    from timbrel.dsp.mel import denormalise_db

    librosa = load_librosa()
    level_db = denormalise_db(heard.mel).numpy()
    mfcc = torch.from_numpy(librosa.feature.mfcc(S=level_db, n_mfcc=N_MFCC))
    return torch.cat([mfcc.mean(-1), mfcc.std(-1)], dim=-1)


def dot(asked: Tensor, candidates: Tensor) -> Tensor:
    """How alike points on a sphere are."""
    return asked @ candidates.T


def near(asked: Tensor, candidates: Tensor) -> Tensor:
    """How near points are, each axis scaled to the spread of the candidates."""
    import torch

    apart = candidates.std(0).clamp_min(1e-6)
    return -torch.cdist(asked / apart, candidates / apart)


def right_ranks(
    held: HeldOut,
    pairs: Sequence[tuple[int, int]],
    bank: Sequence[int],
    points: Points,
    likeness: Callable[[Tensor, Tensor], Tensor],
) -> Tensor:
    """How many candidates come before the right one: a column for either note of each patch."""
    import torch

    one, two = (points_of(held.test, rows, points) for rows in zip(*pairs, strict=True))
    others = points_of(held.train, bank, points)
    ranks = []
    for asked, candidates in ((one, two), (two, one)):
        alike = likeness(asked, torch.cat([candidates, others]))
        # what is as near as the right one comes before it, and so does what cannot be compared
        ranks.append((~(alike < alike.diagonal()[:, None])).sum(1) - 1)
    return torch.stack(ranks, dim=1)


def points_of(presets: PresetSet, rows: Sequence[int], points: Points) -> Tensor:
    import torch

    return torch.cat([points(presets.heard(some)) for some in torch.tensor(rows).split(AT_ONCE)])


def recalls(held: HeldOut, ranks: Tensor, kinds: Sequence[str], end: str) -> dict[str, float]:
    """How often the right one is among the first."""
    import torch

    figures = {}
    for ending, wanted in held.ends():
        some = ranks[torch.tensor([kind in wanted for kind in kinds])]
        for rank in RANKS:
            figures[f"recall_at_{rank}{ending}{end}"] = float((some < rank).float().mean())
    return figures


if __name__ == "__main__":
    run("tone_matcher", measure, model=MODEL, add_arguments=add_set)
