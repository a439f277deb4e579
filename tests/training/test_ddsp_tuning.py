"""A ddsp goes on with a little of another instrument: `timbrel train --from MODEL data=FOLDER`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from phrases import RATE, glide, make_phrases

from timbrel.audio import write_audio
from timbrel.config import read_toml
from timbrel.errors import BadConfig, BadInput
from timbrel.instruments import load
from timbrel.training import run, train
from timbrel.training.ddsp.objective import DdspObjective
from timbrel.training.registry import settings_from


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model of a dull instrument."""
    home = tmp_path_factory.mktemp("old")
    return train(settings_from({
        "family": "ddsp",
        "size": "tiny",
        "data": {
            "train": [str(make_phrases(home / "dull", slope=3.0))], "crop_s": 0.2, "lead_s": 0.05,
        },
        "model": {"latent": 0, "sample_rate": RATE, "reverb_s": 0.05},
        "loop": {
            "steps": 60, "batch_size": 4, "learning_rate": 1e-2, "warmup_steps": 5,
            "device": "cpu", "workers": 0, "ema_decay": 0.8, "validate_every": 0,
            "save_every": 0, "preview_every": 0,
        },
    }, "test"), home / "run")  # fmt: skip


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of a bright instrument, in no split."""
    folder = tmp_path_factory.mktemp("new") / "bright"
    folder.mkdir()
    for number, low_hz in enumerate((150.0, 220.0)):
        write_audio(folder / f"take {number}.wav", glide(1.5, low_hz, slope=0.3), RATE)
    return folder


def loss_on(folder: Path, model: Path) -> float:
    """By all windows, of a model on all crops of a folder."""
    tables = read_toml(model / "training.toml")
    tables["data"]["train"] = str(folder)
    objective = DdspObjective(settings_from(tables, "test"))  # pyright: ignore[reportArgumentType]
    objective.start_from(model)
    crops = objective.train_set
    batch = crops.batch(torch.arange(len(crops)), torch.Generator().manual_seed(0))
    loss = objective.eval()(batch, "validate", torch.Generator().manual_seed(0))["loss"]
    return float(loss.detach())


def test_three_seconds_make_an_instrument(model: Path, new: Path, tmp_path: Path) -> None:
    overrides = [f"data={new}", "loop.steps=60", "loop.learning_rate=1e-2"]
    tuned = run(None, overrides, tmp_path / "run", initial=model)
    assert loss_on(new, tuned) < 0.7 * loss_on(new, model)
    instrument = load(tuned)
    assert instrument.bank is not None
    assert instrument.bank.names() == ("bright",)
    register = instrument.register(instrument.bank["bright"])
    assert register is not None
    assert register.highest_pitch == pytest.approx(69, abs=1)  # twice 220 Hz


def test_tuning_takes_its_time_from_the_family(model: Path, new: Path, tmp_path: Path) -> None:
    run(None, [f"data={new}", "loop.steps=1"], tmp_path / "run", initial=model)
    loop = read_toml(tmp_path / "run" / "config.toml")["loop"]
    assert (loop["steps"], loop["learning_rate"], loop["batch_size"]) == (1, 1e-3, 4)
    run(None, ["loop.steps=1"], tmp_path / "same", initial=model)
    assert read_toml(tmp_path / "same" / "config.toml")["loop"]["learning_rate"] == 1e-2


def test_phrases_that_are_not_here_are_asked_for(model: Path, tmp_path: Path) -> None:
    lost = tmp_path / "ddsp-lost"
    lost.mkdir()
    text = (model / "training.toml").read_text()
    folder = read_toml(model / "training.toml")["data"]["train"][0]
    (lost / "training.toml").write_text(text.replace(folder, "data/gone"))
    said = ("ddsp-lost was trained with data/gone, which is not here: "
            "give notes to go on with, data=FOLDER")  # fmt: skip
    with pytest.raises(BadConfig, match=f"^{re.escape(said)}$"):
        run(None, ["loop.steps=1"], tmp_path / "run", initial=lost)


def test_recordings_that_are_too_short_are_said(model: Path, tmp_path: Path) -> None:
    short = tmp_path / "short"
    short.mkdir()
    write_audio(short / "a.wav", glide(0.2, 220.0), RATE)
    with pytest.raises(BadInput, match=r"no phrase is longer than 0\.25 s: record longer ones"):
        run(None, [f"data={short}"], tmp_path / "run", initial=model)
