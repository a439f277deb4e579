"""What a run refuses to write over, to go on from and to begin."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from toy import train_toy

from timbrel.errors import BadConfig, BadInput, BadModel
from timbrel.files import replacing_folder
from timbrel.instruments.model_folder import require_replaceable, weights_digest
from timbrel.training.running.folder import RECORD, read_record
from timbrel.training.running.state import read_state, write_state

Tensors = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("begun") / "run"
    train_toy(run)
    return run


@pytest.fixture
def run(begun: Path, tmp_path: Path) -> Path:
    return shutil.copytree(begun, tmp_path / "run")


@pytest.mark.parametrize("name", ["log.csv", "model/thesis.txt", "weights/mine", "config.toml/x"])
def test_what_no_run_wrote_stays(tmp_path: Path, name: str) -> None:
    mine = tmp_path / "precious" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(BadConfig, match="is there, and of no run: train in another folder"):
        train_toy(tmp_path / "precious")
    assert mine.read_text() == "mine"


def test_other_files_may_lie_beside_a_run(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    train_toy(tmp_path, "loop.steps=2")
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_model_takes_the_place_of_a_model_alone(tmp_path: Path, begun: Path) -> None:
    precious = tmp_path / "precious"
    require_replaceable(precious)
    precious.mkdir()
    require_replaceable(precious)
    (precious / "thesis.txt").write_text("mine")
    for folder in (precious, precious / "thesis.txt"):
        with pytest.raises(BadInput, match="something else than a model: choose another"):
            require_replaceable(folder)
    for place in (Path(), Path("/")):
        with pytest.raises(BadInput, match="has no name of its own"):
            require_replaceable(place)
        with pytest.raises(BadInput, match="has no name of its own"), replacing_folder(place):
            pass
    (precious / "config.toml").write_text('family = "sine"\nformat = 1\n')
    require_replaceable(precious)


def without(*parts: str) -> Callable[[Tensors, dict[str, Any]], None]:
    def change(tensors: Tensors, facts: dict[str, Any]) -> None:
        for name in [name for name in tensors if name.startswith(parts)]:
            del tensors[name]
        for name in parts:
            facts.pop(name, None)

    return change


def reshaped(part: str) -> Callable[[Tensors, dict[str, Any]], None]:
    def change(tensors: Tensors, _: dict[str, Any]) -> None:
        name = next(name for name in tensors if part in name)
        tensors[name] = torch.zeros(7, 3)

    return change


def saying(**changes: object) -> Callable[[Tensors, dict[str, Any]], None]:
    return lambda _, facts: facts.update(changes)


DAMAGES = {
    "threads": without("threads"), "step": saying(step="x"), "step 2": saying(step=-5),
    "window": saying(window=5), "best": saying(best=[1]), "losses": saying(losses=None),
    "weights": without("weights.network.0"), "average": without("average."),
    "weights 2": reshaped("weights."), "average 2": reshaped("average."),
    "optimizer": reshaped("exp_avg"),
    "optimizer 2": lambda tensors, _: tensors.update({"optimizer.train.99.exp_avg": torch.ones(1)}),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_state_of_something_else_is_damaged(run: Path, damage: str) -> None:
    tensors, facts = read_state(run / "state.safetensors")
    DAMAGES[damage](tensors, facts)
    write_state(run / "state.safetensors", tensors, facts)
    with pytest.raises(BadModel, match=rf"is damaged \({damage.split()[0]}.*\): remove it"):
        train_toy(run, "loop.steps=25")


@pytest.mark.parametrize("row", ["abc,1", "5," + "1" * 200_000], ids=["no number", "huge"])
def test_a_log_of_something_else_is_refused(run: Path, row: str) -> None:
    text = (run / "log.csv").read_text()
    (run / "log.csv").write_text(f"{text}{row}\n")
    with pytest.raises(BadInput, match=r"log\.csv is no log of a run"):
        train_toy(run, "loop.steps=25")
    assert (run / "log.csv").read_text() == f"{text}{row}\n"


@pytest.mark.parametrize("text", ["{bad", "[]"])
def test_a_record_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / RECORD).write_text(text)
    with pytest.raises(BadModel, match="train the model again, or copy the whole folder"):
        read_record(tmp_path)
    (tmp_path / RECORD).unlink()
    os.mkfifo(tmp_path / RECORD)
    with pytest.raises(BadModel, match="is a pipe or a device"):
        read_record(tmp_path)


def test_weights_that_say_they_are_huge_are_not_read(tmp_path: Path, begun: Path) -> None:
    weights = tmp_path / "weights.safetensors"
    shutil.copy(begun / "model" / "weights.safetensors", weights)
    assert weights_digest(tmp_path) == weights_digest(begun / "model")
    os.truncate(weights, 300 << 30)
    with pytest.raises(BadModel, match="is damaged"):
        weights_digest(tmp_path)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("loop.nodes=2", "loop.nodes = 2: start it on each machine, by torchrun or SLURM"),
        ("loop.batch_size=100000000000", "loop.batch_size = 100000000000: .* 65536"),
        ("loop.devices=5000", "loop.devices = 5000"),
        ("loop.weight_decay=inf", "loop.weight_decay = inf: .* finite"),
    ],
)
def test_what_would_never_end_is_not_begun(tmp_path: Path, override: str, said: str) -> None:
    with pytest.raises(BadConfig, match=said):
        train_toy(tmp_path / "run", override)
    assert not (tmp_path / "run").exists()
