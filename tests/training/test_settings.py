"""Settings that do not fit are refused in one line that names the key."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import torch
from toy import ToyTraining, toy_settings, train_toy

from timbrel.config import make_settings, to_toml
from timbrel.errors import BadConfig
from timbrel.training import registry, runs
from timbrel.training.running import engine
from timbrel.training.settings import LoopSettings


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("loop.lerning_rate=1", "'loop.lerning_rate', did you mean 'loop.learning_rate'?"),
        ("loop.precision=fp8", "loop.precision = 'fp8': Input should be 'fp32', 'bf16' or 'fp16'"),
        ("loop.steps=0", "loop.steps = 0: Input should be greater than or equal to 1"),
        ("log.trackers=['tb']", "log.trackers.0 = 'tb': Input should be 'tensorboard', 'mlflow'"),
    ],
)
def test_errors_name_the_full_key(override: str, said: str) -> None:
    with pytest.raises(BadConfig) as error:
        toy_settings(override)
    assert said in str(error.value)


@pytest.mark.parametrize("key", ["threads", "workers", "seed"])
def test_numbers_that_torch_cannot_hold_are_refused(key: str) -> None:
    with pytest.raises(BadConfig, match=f"{key} = 9+: Input should be less than"):
        make_settings(LoopSettings, {key: 10**20 - 1})


def test_fp16_needs_cuda(tmp_path: Path) -> None:
    said = (r"^loop\.precision = 'fp16' needs CUDA and this run uses cpu: "
            r"use 'bf16' or 'fp32'$")  # fmt: skip
    with pytest.raises(BadConfig, match=said):
        train_toy(tmp_path / "run", "loop.precision=fp16")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_here(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(BadConfig, match=f"loop.device = '{device}': torch finds none here, use 'a"):
        engine.device_for(LoopSettings(device=device))


def test_auto_takes_the_fastest_that_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def auto() -> str:
        return engine.device_for(LoopSettings())

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert auto() == "cpu"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert auto() == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert auto() == "cuda"


def test_settings_survive_their_file() -> None:
    settings = toy_settings("loop.clip_norm=0.5", "log.trackers=['mlflow', 'wandb']")
    assert make_settings(ToyTraining, tomllib.loads(to_toml(settings))) == settings


def test_an_unknown_family_is_refused_with_the_nearest(tmp_path: Path) -> None:
    config = tmp_path / "song.toml"
    config.write_text('family = "mel_vea"', encoding="utf-8")
    with pytest.raises(BadConfig, match=r"song\.toml: family = 'mel_vea' cannot be trained, did you"
                       " mean 'mel_vae'"):  # fmt: skip
        runs.run(config, run_dir=tmp_path / "run")
    with pytest.raises(BadConfig, match="family = None cannot be trained"):
        registry.settings_from({}, "settings")


def test_a_command_finds_its_own_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple] = []

    def note(settings: ToyTraining, run_dir: Path, *, initial_weights: Path | None) -> Path:
        seen.append((settings, run_dir, initial_weights))
        return run_dir / "model"

    monkeypatch.setattr(runs, "train", note)
    monkeypatch.setattr(
        runs, "settings_from", lambda tables, where: make_settings(ToyTraining, tables)
    )
    config = tmp_path / "line.toml"
    config.write_text(to_toml(toy_settings()), encoding="utf-8")
    assert runs.run(config, ["width=5"]) == Path("runs/line/model")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "training.toml").write_text(to_toml(toy_settings()), encoding="utf-8")
    runs.run(None, ["loop.steps=3"], initial=tmp_path / "model")
    assert [(s.width, s.loop.steps, d, i) for s, d, i in seen] == [
        (5, 20, Path("runs/line"), None),
        (8, 3, Path("runs/model-tuned"), tmp_path / "model"),
    ]
    with pytest.raises(BadConfig, match="nothing to train: give a configuration file, or a model"):
        runs.run(None)
