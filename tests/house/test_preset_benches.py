"""What the benches of `preset` make of their rows: errors, skill, ranks, means; and a whole run."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from timbrel.data.presets.building import build_presets
from timbrel.data.presets.plan import NoteSettings, PresetSetSettings
from timbrel.instruments.preset import Preset, PresetSettings
from timbrel.synths.files import write_patches
from timbrel.synths.subtractive.factory import factory_banks

BENCH = Path(__file__).resolve().parents[2] / "bench"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(BENCH)

    def load(name: str) -> SimpleNamespace:
        return SimpleNamespace(**runpy.run_path(str(BENCH / f"{name}.py"), run_name=name))

    return load


def test_skill_counts_what_is_heard_apart(bench) -> None:
    accuracy = bench("preset_accuracy")
    judged = accuracy.Judged(
        kind="random",
        error=torch.tensor([[0.1, 0.3], [0.1, 0.1]]),
        constant=torch.tensor([[0.2, 0.3], [0.4, 0.3]]),
        active=torch.tensor([[True, False], [True, False]]),
        right=torch.zeros(2, 0),
        majority=torch.zeros(2, 0),
    )
    figures = accuracy.accuracy("amsynth", "_random", [judged])
    assert figures["amsynth_mae_random"] == pytest.approx(0.15)
    assert figures["amsynth_constant_mae_random"] == pytest.approx(0.3)
    assert figures["amsynth_skill_random"] == pytest.approx(0.5)
    assert figures["amsynth_active_mae_random"] == pytest.approx(0.1)
    assert figures["amsynth_active_skill_random"] == pytest.approx(2 / 3)
    assert figures["amsynth_active_share_random"] == pytest.approx(0.5)


def test_random_patches_count_where_no_crowd_of_presets_is(bench) -> None:
    counted = bench("_presets")._counted
    assert counted("subtractive", ("clusters", "random")) == ("clusters", "random")
    assert counted("amsynth", ("clusters", "banks", "random")) == ("clusters", "banks")
    assert counted("amsynth", ("random",)) == ("random",)


def test_items_are_taken_from_all_over(bench) -> None:
    spread = bench("_presets").spread
    assert spread(range(10), 3) == [0, 3, 6]
    assert spread(range(2), 5) == [0, 1]
    assert spread([], 5) == []


def test_means_are_over_kinds(bench) -> None:
    figures = bench("preset_sound").figures_of(
        [("clusters", {"mss_1s": 2.0}), ("random", {"mss_1s": 4.0}), ("foreign", {"mss_1s": 9.0})],
        [("", ("clusters", "random")), ("_foreign", ("foreign",)), ("_banks", ("banks",))],
    )
    assert figures == {
        "mss_1s": 3.0, "sounds": 2, "mss_1s_foreign": 9.0, "sounds_foreign": 1, "sounds_banks": 0,
    }  # fmt: skip


def test_distances_between_points(bench) -> None:
    matcher = bench("tone_matcher")
    candidates = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 1.0], [10.0, 1.0]])
    # an axis that is ten times as wide counts no more
    nearest = matcher.near(torch.tensor([[4.0, 0.9]]), candidates).argmax(1)
    assert nearest.tolist() == [2]
    assert matcher.dot(candidates, candidates).diagonal().tolist() == [0, 100, 1, 101]


def test_a_rank_counts_who_comes_before_the_right_one(bench) -> None:
    matcher = bench("tone_matcher")
    test = SimpleNamespace(heard=lambda rows: torch.tensor([0.0, 5.0, 0.2, 9.0])[rows][:, None])
    train = SimpleNamespace(heard=lambda rows: torch.tensor([8.0, 20.0])[rows][:, None])
    held = SimpleNamespace(test=test, train=train)
    # one patch is heard at 0.0 and 0.2; another at 5.0 and 9.0, and 8.0 of the bank is nearer
    ranks = matcher.right_ranks(held, [(0, 2), (1, 3)], [0, 1], lambda heard: heard, matcher.near)
    assert ranks.tolist() == [[0, 0], [1, 1]]
    held.ends = lambda: iter([("", ("random",)), ("_clusters", ("clusters",))])
    figures = matcher.recalls(held, ranks, ["random", "random"], "_mfcc")
    assert figures["recall_at_1_mfcc"] == 0.5
    assert figures["recall_at_10_mfcc"] == 1


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that knows nothing."""
    folder = tmp_path_factory.mktemp("presets") / "model"
    torch.manual_seed(0)
    Preset(PresetSettings(size="tiny")).save(folder)
    return folder


@pytest.fixture(scope="module")
def presets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of a few patches."""
    folder = tmp_path_factory.mktemp("presets")
    factory = [patch for _, some in factory_banks() for patch in some]
    write_patches(folder / "some.toml", factory[::6])
    settings = PresetSetSettings(
        banks=(str(folder / "some.toml"),), random=30, activity=0, test=0.2, validation=0.0,
        notes=NoteSettings(shortest_s=0.2, longest_s=0.4, held=0.0),
    )  # fmt: skip
    build_presets(folder / "set", settings, processes=0)
    return folder / "set"


def measured(model, monkeypatch, capsys, name: str, *arguments: str) -> dict[str, float]:
    words = ["--model", str(model), "--quick", "--json", *arguments]
    monkeypatch.setattr(sys, "argv", [f"bench/{name}.py", *words])
    monkeypatch.syspath_prepend(BENCH)
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        monkeypatch.setenv(variable, "1")
    runpy.run_path(str(BENCH / f"{name}.py"), run_name="__main__")
    return json.loads(capsys.readouterr().out.splitlines()[-1])


@pytest.mark.slow
def test_the_constant_is_what_the_median_scores(model, presets, monkeypatch, capsys) -> None:
    figures = measured(model, monkeypatch, capsys, "preset_accuracy", "--set", str(presets))
    skill = 1 - figures["subtractive_mae"] / figures["subtractive_constant_mae"]
    assert figures["subtractive_skill"] == pytest.approx(skill, abs=1e-4)
    # weights that were never trained know less than the median does
    assert figures["subtractive_skill_clusters"] < 0
    assert 0.1 < figures["subtractive_active_share"] < 0.8
    assert figures["majority_osc2_sync"] > 0.5
    kinds = [figures[f"subtractive_patches_{kind}"] for kind in ("clusters", "random")]
    assert figures["subtractive_patches"] == sum(kinds) > 8


@pytest.mark.slow
def test_mfccs_find_more_than_chance(model, presets, monkeypatch, capsys) -> None:
    figures = measured(model, monkeypatch, capsys, "tone_matcher", "--set", str(presets))
    assert figures["recall_at_1"] <= figures["recall_at_10"] <= 1
    # short notes at any pitch, half of them of random knobs: much more than chance is not there
    assert figures["recall_at_10_mfcc"] > figures["recall_at_10_chance"]
    assert figures["candidates"] > figures["patches"] > 5


def test_a_set_that_is_not_built_is_one_line(model, monkeypatch, capsys, tmp_path) -> None:
    with pytest.raises(SystemExit) as ended:
        measured(model, monkeypatch, capsys, "preset_accuracy", "--set", str(tmp_path))
    assert str(ended.value) == (
        f"preset_accuracy: no whole preset set at {tmp_path}: "
        "timbrel data presets build configs/presets-subtractive.toml"
    )


def test_another_family_is_one_line(model, monkeypatch, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        measured(model, monkeypatch, capsys, "tone_matcher", "--model", "sine")
    assert str(ended.value) == "tone_matcher: sine is sine, wanted a preset model"
