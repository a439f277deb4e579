"""`timbrel train --from MODEL data=FOLDER`: a model goes on with other notes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from tones import make_tones

from timbrel.config import make_settings, read_toml
from timbrel.errors import BadConfig, BadInput, BadModel
from timbrel.instruments import find_model, load
from timbrel.training import bank_again, run, train
from timbrel.training.mel_vae.objective import MelVAEObjective, MelVAETraining
from timbrel.training.registry import settings_from
from timbrel.training.running.batches import generator_for

OLD = ("string_acoustic_000", "reed_acoustic_001")
NEW = ("keyboard_electronic_002", "flute_acoustic_003")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model of two bright instruments, with a validation set and a bank of its own."""
    home = tmp_path_factory.mktemp("old")
    old = str(make_tones(home / "notes", OLD))
    return train(settings_from({
        "family": "mel_vae",
        "size": "tiny",
        "data": {"train": old, "validation": old, "wanted_frames": 16},
        "model": {"latent": 8, "crop": 32},
        "bank": {"directions": ["bright"]},
        "loop": {
            "steps": 80, "batch_size": 16, "learning_rate": 4e-3, "warmup_steps": 10,
            "device": "cpu", "workers": 0, "ema_decay": 0.9, "validate_every": 0,
            "save_every": 0, "preview_every": 0,
        },
    }, "test"), home / "run")  # fmt: skip


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two dark instruments, as `timbrel data folder` leaves them: in a folder for the split."""
    home = tmp_path_factory.mktemp("new")
    make_tones(home / "nsynth-train", NEW)
    return home


def loss_on(notes: Path, model: Path) -> float:
    """The validation loss of a model on all the notes of a set."""
    tables = read_toml(model / "training.toml") | {"bank": {}}
    tables["data"] |= {"train": str(notes), "validation": str(notes)}
    objective = MelVAEObjective(make_settings(MelVAETraining, tables))
    objective.start_from(model)
    assert objective.validation_set is not None
    batch = objective.validation_set.unchanged(objective.train_set.notes.instrument.argsort())
    return float(objective.eval()(batch, "validate", generator_for(0))["loss"].detach())


def test_fine_tuning_brings_a_model_nearer_to_new_sounds(
    model: Path, new: Path, tmp_path: Path
) -> None:
    overrides = [f"data={new}", "loop.steps=40", "loop.learning_rate=2e-3"]
    tuned = run(None, overrides, tmp_path / "run", initial=model)
    assert loss_on(new, tuned) < 0.8 * loss_on(new, model)
    bank = load(tuned).bank
    assert bank is not None
    assert set(bank.names("sound")) == set(NEW)
    assert "Held-out notes for validation: none." in (tuned / "README.md").read_text()


def test_other_notes_leave_the_old_validation_behind_and_keep_the_rest(
    model: Path, new: Path, tmp_path: Path
) -> None:
    run(None, [f"data.train={new}", "loop.steps=1"], tmp_path / "run", initial=model)
    tables = read_toml(tmp_path / "run" / "config.toml")
    assert tables["data"]["train"] == str(new)
    assert "validation" not in tables["data"]
    assert tables["data"]["wanted_frames"] == 16
    assert tables["bank"]["directions"] != ["bright"]


def test_without_other_notes_it_goes_on_with_its_own(model: Path, tmp_path: Path) -> None:
    run(None, ["loop.steps=1"], tmp_path / "run", initial=model)
    tables = read_toml(tmp_path / "run" / "config.toml")
    assert tables["data"] == read_toml(model / "training.toml")["data"]


def test_notes_that_are_not_here_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shipped = find_model("mel_vae")
    said = ("mel_vae was trained with data/fluid/nsynth-train, which is not here: "
            "give notes to go on with, data=FOLDER")  # fmt: skip
    with pytest.raises(BadConfig, match=f"^{re.escape(said)}$"):
        run(None, ["loop.steps=1"], initial=shipped)
    with pytest.raises(BadInput, match=r"^no note set at nowhere: no such folder"):
        run(None, ["data=nowhere"], initial=shipped)
    assert list(tmp_path.iterdir()) == []


def test_a_bank_is_made_again_as_training_made_it(model: Path, tmp_path: Path) -> None:
    again = bank_again(model, tmp_path / "again", ["bank.directions=[]"])
    before, now = load(model).bank, load(again).bank
    assert before is not None
    assert now is not None
    assert "bright" in before
    assert "bright" not in now
    for name in now.names("sound"):  # the weights that ship are half as precise
        torch.testing.assert_close(now[name], before[name], rtol=0, atol=0.02)
    weights = "weights.safetensors"
    assert (again / weights).read_bytes() == (model / weights).read_bytes()
    card = (again / "README.md").read_text()
    assert re.search(r"^- Bank: 2 sounds, \d means, 0 directions, by `.+`\.$", card, re.MULTILINE)


def test_a_bank_of_notes_that_are_gone_is_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shipped = find_model("mel_vae")
    assert shipped is not None
    with pytest.raises(BadConfig, match=r"^mel_vae was trained with data/fluid/nsynth-train"):
        bank_again(shipped, tmp_path / "again")
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_does_not_tell_how_it_was_trained_wants_a_config(
    model: Path, tmp_path: Path
) -> None:
    with pytest.raises(BadModel, match=r"has no training\.toml: give a CONFIG\.toml beside"):
        run(None, [], initial=tmp_path)
