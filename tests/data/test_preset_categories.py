"""Categories found from sounds: never learnt from what is nearly the same, and reported."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from timbrel.data.presets.building import PresetReport, build_presets
from timbrel.data.presets.plan import NoteSettings, PresetSetSettings
from timbrel.data.presets.preset_set import PATCHES, read_patch_entries
from timbrel.data.presets.sorter import (
    SOUNDING,
    Examples,
    _sure_from,
    by_patch,
    fit_sorter,
    tried_sorter,
)
from timbrel.data.presets.sounds import sound_features
from timbrel.instruments.preset.hearing.descriptors import N_DESCRIPTORS
from timbrel.instruments.preset.hearing.heard import SAMPLE_RATE, hear
from timbrel.synths.files import write_patches
from timbrel.synths.subtractive.factory import factory_banks

HEIGHT = N_DESCRIPTORS + 16 + 6 + 24


def examples(features: Tensor, category: Tensor, cluster: Tensor) -> Examples:
    return Examples(
        features=features,
        patch=torch.arange(len(category)),
        category=category,
        cluster=cluster,
        judged=torch.ones(len(category), dtype=torch.bool),
    )


def test_what_can_be_told_apart_is() -> None:
    generator = torch.Generator().manual_seed(1)
    category = torch.arange(220) % len(SOUNDING)
    features = 0.1 * torch.randn(220, 11, generator=generator)
    features[torch.arange(220), category] += 1.0
    sorter, trial = tried_sorter(examples(features, category, torch.arange(220)))
    assert trial.accuracy > 0.97
    assert trial.macro_accuracy > 0.97
    assert trial.majority_accuracy == pytest.approx(1 / 11)
    assert trial.majority_macro_accuracy == pytest.approx(1 / 11)
    assert (trial.sure_from, trial.sure_share) == (0.0, 1.0)
    assert sorter.log_probabilities(features).exp().sum(1).allclose(torch.ones(220).double())


def test_what_is_nearly_the_same_is_not_learnt_from() -> None:
    """A cluster's patches sound the same and are of one category that nothing else tells."""
    generator = torch.Generator().manual_seed(2)
    cluster = torch.arange(240) // 6
    category = torch.randint(4, (40,), generator=generator)[cluster]
    features = torch.randn(40, 60, generator=generator)[cluster]
    _, apart = tried_sorter(examples(features, category, cluster))
    _, leaking = tried_sorter(examples(features, category, torch.arange(240)))
    assert leaking.accuracy > 0.95
    assert apart.accuracy < 0.5
    assert apart.sure_share < 0.5


def test_rare_categories_count_and_weights_cost() -> None:
    generator = torch.Generator().manual_seed(3)
    category = (torch.arange(400) % 10 == 0).long()
    features = torch.randn(400, 3, generator=generator) + category[:, None]
    loose, tight = (fit_sorter(features, category, ridge) for ridge in (1e-3, 1.0))
    assert tight.weight.norm() < 0.2 * loose.weight.norm()
    rare = loose.log_probabilities(features).argmax(1)[category == 1] == 1
    assert rare.double().mean() > 0.5


def test_a_patch_is_what_its_notes_agree_on() -> None:
    notes = torch.tensor([[0.6, 0.4], [0.1, 0.9], [1.0, 1e-9]]).log()
    number, found = by_patch(notes, torch.tensor([4, 4, 2]))
    assert number.tolist() == [2, 4]
    odds = (0.6 * 0.1 / (0.4 * 0.9)) ** 0.5
    assert found[1, 0] / found[1, 1] == pytest.approx(odds, rel=1e-5)


@pytest.mark.parametrize("octaves", [-1, 0, 1])
def test_features_tell_how_far_a_sound_is_from_its_key(octaves: int) -> None:
    time = torch.arange(SAMPLE_RATE) / SAMPLE_RATE
    harmonics = [torch.sin(2 * torch.pi * n * 220.0 * 2**octaves * time) / n for n in range(1, 8)]
    heard = hear(0.1 * torch.stack(harmonics).sum(0, keepdim=True))
    found = sound_features(heard, torch.tensor([57.0]), torch.ones(1))[0]
    assert found[HEIGHT] == pytest.approx(octaves, abs=0.05)
    assert found[HEIGHT + 1] == pytest.approx(abs(octaves), abs=0.05)
    assert found[HEIGHT + 2] < 0.05
    assert found[HEIGHT + 3] > 0.9


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PresetReport, bytes]:
    """A set of nine patches: three with a category, three with a name, three with neither."""
    folder = tmp_path_factory.mktemp("categories")
    banks = dict(factory_banks())
    chosen = [*banks["bass"][:3], *banks["organ"][:3], *banks["drum"][:3]]
    named = [
        replace(patch, category=patch.category if i < 3 else "", name=f"Organ {i}" if 3 <= i < 6
                else f"Thing {i}")
        for i, patch in enumerate(chosen)
    ]  # fmt: skip
    write_patches(folder / "some.toml", named)
    settings = PresetSetSettings(
        banks=(str(folder / "some.toml"),), around=4, random=3, activity=0,
        notes=NoteSettings(each=1, shortest_s=0.5, longest_s=1.0, held=0.0),
    )  # fmt: skip
    build_presets(folder / "set", settings, processes=0)
    first = (folder / "set" / PATCHES).read_bytes()
    return folder / "set", build_presets(folder / "set", settings, processes=0), first


def test_makers_come_before_names_and_names_before_sounds(
    built: tuple[Path, PresetReport, bytes],
) -> None:
    entries = read_patch_entries(built[0])
    assert [entry.by for entry in entries[:9]] == ["maker"] * 3 + ["name"] * 3 + ["sound"] * 3
    assert [entry.category for entry in entries[:6]] == ["bass"] * 3 + ["organ"] * 3
    assert {entry.category for entry in entries[6:9]} <= {*SOUNDING, "other"}
    assert all(entry.by is None for entry in entries[9:])


def test_a_finished_build_called_again_writes_the_same_bytes(
    built: tuple[Path, PresetReport, bytes],
) -> None:
    folder, _, first = built
    assert (folder / PATCHES).read_bytes() == first


def test_the_balance_and_the_sorting_are_reported(built: tuple[Path, PresetReport, bytes]) -> None:
    folder, report, _ = built
    table = json.loads((folder / "report.json").read_text())
    assert sum(table["categories"].values()) == 9
    assert table["categories_by"]["maker"] == {"bass": 3}
    assert table["categories_by"]["name"] == {"organ": 3}
    assert sum(table["categories_by"]["sound"].values()) == 3
    # of the 285 that come with the synthesizer and sound like something, and none of them twice
    assert 270 <= table["sorting"]["judged"] <= 285
    assert (
        table["sorting"]["macro_accuracy"] > 0.35 > 3 * table["sorting"]["majority_macro_accuracy"]
    )
    assert report.categories.trial is not None
    assert table["sorting"] == report.categories.trial.figures


def test_sets_that_were_built_without_are_read(built: tuple[Path, PresetReport, bytes],
                                               tmp_path: Path) -> None:  # fmt: skip
    old = json.loads(built[2])
    for entry in old:
        del entry["by"]
    (tmp_path / PATCHES).write_text(json.dumps(old))
    entries = read_patch_entries(tmp_path)
    assert len(entries) == len(old)
    assert {entry.by for entry in entries} == {None}


def test_what_is_unsure_is_not_sorted_though_most_are_right() -> None:
    sureness = torch.cat([torch.full((80,), 0.95), torch.full((20,), 0.25)])
    right = torch.cat([torch.ones(80), torch.zeros(20)]).double()
    assert _sure_from(sureness.double(), right) == 0.3
    assert _sure_from(sureness.double(), torch.ones(100).double()) == 0.0
    assert _sure_from(sureness.double(), torch.zeros(100).double()) == 1.0
