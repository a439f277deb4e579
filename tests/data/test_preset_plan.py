"""Which patches a set holds: the same every time, and nothing judged like anything trained on."""

from __future__ import annotations

import pytest
import torch

from timbrel.data.presets.plan import (
    NoteSettings,
    PresetSetSettings,
    clusters,
    plan_notes,
    plan_patches,
)
from timbrel.sound import Control
from timbrel.synths import Parameters, Patch

KNOBS = Parameters((
    Control("cutoff", "Hz", 20.0, 20000.0, 2000.0, "log"),
    Control("wave", "", 0, 3, 0, choices=("saw", "square", "sine", "noise")),
    *(Control(f"knob{i}", "", 0.0, 1.0, 0.5) for i in range(6)),
))  # fmt: skip


def bank(name: str, count: int, seed: int) -> tuple[str, list[Patch]]:
    vectors = KNOBS.space.sample(count, generator=torch.Generator().manual_seed(seed))
    return name, [Patch(f"{name} {i}", "x", KNOBS.values(v)) for i, v in enumerate(vectors)]


SETTINGS = PresetSetSettings(around=200, between=200, random=400, held_out=("held",), near=0.4)
BANKS = [bank("one", 60, 1), bank("held", 20, 2)]


def test_what_is_held_out_is_far_from_all_that_is_made_of_real_ones() -> None:
    planned = plan_patches(SETTINGS, KNOBS, BANKS)
    real = [p for p in planned if p.origin == "real"]
    assert len(real) == 80
    assert {p.split for p in real if p.bank == "held"} == {"test"}
    trained = torch.stack([p.vector for p in planned if p.split == "train" and p.cluster >= 0])
    judged = torch.stack([p.vector for p in real if p.split != "train"])
    apart = torch.cdist(KNOBS.unit_scaled(trained), KNOBS.unit_scaled(judged))
    assert apart.min() > SETTINGS.near
    assert len(trained) > 200


def test_a_patch_that_a_bank_shares_with_one_that_is_held_out_is_held_out() -> None:
    name, patches = BANKS[0]
    planned = plan_patches(SETTINGS, KNOBS, [(name, patches), ("held", patches[:5])])
    real = {p.name: (p.bank, p.split) for p in planned if p.origin == "real"}
    assert len(real) == 60
    assert [real[patch.name] for patch in patches[:5]] == [("held", "test")] * 5


def test_one_patch_twice_is_one_and_near_ones_stay_together() -> None:
    name, patches = bank("one", 40, 3)
    twins = [Patch("twin", "x", {**p.values, "knob0": p.values["knob0"]}) for p in patches]
    planned = plan_patches(PresetSetSettings(random=0), KNOBS, [(name, patches), ("two", twins)])
    assert len(planned) == 40
    line = torch.linspace(0, 1, 11)[:, None]
    assert clusters(line, 0.11).unique().tolist() == [0]
    assert len(clusters(line, 0.09).unique()) == 11


def test_shares_and_origins_are_as_asked() -> None:
    planned = plan_patches(SETTINGS.model_copy(update={"random": 4000}), KNOBS, [])
    assert {p.origin for p in planned} == {"random"}
    held = sum(p.split != "train" for p in planned) / len(planned)
    assert held == pytest.approx(0.1, abs=0.02)
    untouched = torch.stack([p.vector for p in planned])[:, 2:] == 0.5
    assert untouched.float().mean() == pytest.approx(0.35, abs=0.02)


def test_patches_around_real_ones_move_as_far_as_asked() -> None:
    alone = PresetSetSettings(around=500, random=0, moved=0.5, furthest=0.1, validation=0, test=0)
    patch = Patch("middle", "x", {"cutoff": 632.0})
    planned = plan_patches(alone, KNOBS, [("one", [patch])])
    away = torch.stack([p.vector for p in planned if p.origin == "around"])[:, 2:] - 0.5
    assert (away != 0).float().mean() == pytest.approx(0.5, abs=0.04)
    assert away[away != 0].std() == pytest.approx(0.1, rel=0.1)


def test_a_plan_is_the_same_every_time_and_a_patch_keeps_its_side() -> None:
    first, again = (plan_patches(SETTINGS, KNOBS, BANKS) for _ in range(2))
    assert all(torch.equal(a.vector, b.vector) for a, b in zip(first, again, strict=True))
    more = plan_patches(SETTINGS.model_copy(update={"random": 500}), KNOBS, BANKS)
    split = {p.name: p.split for p in more if p.origin == "random"}
    both = [p for p in first if p.origin == "random" and p.name in split]
    assert len(both) > 200
    assert all(split[p.name] == p.split for p in both)


def test_what_a_model_is_judged_by_is_there_without_what_it_is_trained_on() -> None:
    whole = SETTINGS.model_copy(update={"crossed": 100})
    few = whole.model_copy(update={"around": 0, "between": 0, "crossed": 0})
    judged = [
        [(p.name, p.vector.tolist()) for p in plan_patches(some, KNOBS, BANKS) if p.split == "test"]
        for some in (whole, few)
    ]
    assert len(judged[0]) > 30
    assert judged[0] == judged[1]


def test_a_bank_that_comes_moves_no_patch_of_others() -> None:
    sides = [
        {p.name: p.split for p in plan_patches(SETTINGS, KNOBS, banks) if p.origin == "real"}
        for banks in (BANKS, [bank("another", 50, 7), *BANKS])
    ]
    assert len(sides[1]) == len(sides[0]) + 50
    assert sides[0] == {name: sides[1][name] for name in sides[0]}
    assert len(set(sides[0].values())) == 3


def test_patches_that_are_all_apart_are_clusters_of_one() -> None:
    vectors = torch.rand(100, 40, generator=torch.Generator().manual_seed(0))
    assert torch.equal(clusters(vectors, 0.0), torch.arange(100))


def test_random_knobs_stand_where_those_of_real_patches_do() -> None:
    settings = PresetSetSettings(random=200, crossed=200, anywhere=0.0, near=0.0, test=0.0)
    planned = plan_patches(settings, KNOBS, [bank("one", 30, 5)])
    real = torch.stack([p.vector for p in planned if p.origin == "real" and p.split == "train"])
    for origin in ("random", "crossed"):
        made = torch.stack([p.vector for p in planned if p.origin == origin])
        assert len(made) == 200
        # each knob alone is one of the real ones', and hardly ever two neighbours of one patch
        assert (made[:, None] == real).any(1).all()
        assert not (made[:, None] == real).all(2).any(1).float().mean() > 0.05
    loose = settings.model_copy(update={"anywhere": 0.5})
    planned = plan_patches(loose, KNOBS, [bank("one", 30, 5)])
    made = torch.stack([p.vector for p in planned if p.origin == "random"])[:, 2:]
    known = (made[:, None] == real[:, 2:]).any(1).float().mean()
    assert known == pytest.approx(0.5, abs=0.05)


def test_parts_of_crossed_patches_stay_together() -> None:
    knobs = Parameters(tuple(
        Control(f"{part}_{i}", "", 0.0, 1.0, 0.5) for part in ("osc", "filter") for i in range(4)
    ))  # fmt: skip
    vectors = knobs.space.sample(20, generator=torch.Generator().manual_seed(0))
    patches = [Patch(str(i), "x", knobs.values(v)) for i, v in enumerate(vectors)]
    settings = PresetSetSettings(random=0, crossed=50, anywhere=0.0, near=0.0, test=0, validation=0)
    planned = plan_patches(settings, knobs, [("one", patches)])
    real = torch.stack([p.vector for p in planned if p.origin == "real"])
    made = torch.stack([p.vector for p in planned if p.origin == "crossed"])
    for part in (slice(0, 4), slice(4, 8)):
        assert (made[:, None, part] == real[:, part]).all(2).any(1).all()
    assert {p.split for p in planned if p.origin == "crossed"} == {"train"}


def test_notes_are_within_their_ranges() -> None:
    asked = NoteSettings(each=3, lowest=40, highest=50, softest=0.6, held=0.5)
    notes = plan_notes(PresetSetSettings(notes=asked), 128, 400)
    assert notes.patch.tolist()[:4] == [128, 128, 128, 129]
    assert (notes.pitch.min(), notes.pitch.max()) == (40, 50)
    assert 0.6 <= notes.velocity.min() < 0.62
    assert (notes.held_s == 3.0).float().mean() == pytest.approx(0.5, abs=0.05)
    assert notes.held_s.min() >= 0.1
