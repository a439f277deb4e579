"""harmonic's training: on tones whose brightness is known."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from objectives import batch_of, losses, without_gradient
from test_loop import assert_same_run
from tones import make_tones

from timbrel.config import make_settings
from timbrel.data.notes.note_set import NoteSet
from timbrel.errors import BadConfig, BadInput
from timbrel.instruments.harmonic.network import HarmonicNetwork, HarmonicSettings
from timbrel.training import train
from timbrel.training.harmonic.note_courses import note_courses
from timbrel.training.harmonic.objective import (
    HarmonicObjective,
    HarmonicTraining,
    floored,
    level_error,
)


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_tones(tmp_path_factory.mktemp("tones") / "nsynth-train")
    note_courses(NoteSet.open(folder), HarmonicNetwork(HarmonicSettings()).slots, 0)
    return folder


def settings_for(tones: Path, **tables) -> HarmonicTraining:
    return make_settings(HarmonicTraining, {
        "size": "tiny",
        "data": {"train": str(tones)} | tables.pop("data", {}),
        "model": {"latent": 8} | tables.pop("model", {}),
        "loop": {
            "steps": 12, "batch_size": 8, "learning_rate": 4e-3, "warmup_steps": 2,
            "device": "cpu", "workers": 0, "ema_decay": 0.9, "validate_every": 6,
            "save_every": 6, "preview_every": 0, "log_every": 3, "threads": 1,
        } | tables.pop("loop", {}),
        **tables,
    })  # fmt: skip


def test_one_dial_sizes_the_model(tones: Path) -> None:
    assert settings_for(tones).model.size == "tiny"
    assert HarmonicTraining().model.size == "base"
    with pytest.raises(BadConfig, match=r"size = 'tiny' and model.size = 'base': set size$"):
        settings_for(tones, model={"size": "base"})


def test_every_parameter_gets_a_gradient(tones: Path) -> None:
    objective = HarmonicObjective(settings_for(tones))
    assert without_gradient(objective) == []


def test_the_loss_is_the_sum_of_its_parts(tones: Path) -> None:
    weights = {"partial_weight": 0.3, "noise_weight": 0.7, "kl_weight": 0.01}
    found = losses(HarmonicObjective(settings_for(tones, objective=weights)))
    levels = found["mel_db"] + 0.3 * found["partial_db"] + 0.7 * found["noise_db"]
    assert found["loss"] == pytest.approx(levels / 10 + 0.01 * found["kl_nats"], rel=1e-4)


def test_training_draws_and_validation_takes_the_mean(tones: Path) -> None:
    objective = HarmonicObjective(settings_for(tones))
    assert losses(objective, seed=1) != losses(objective, seed=2)
    assert losses(objective, seed=1) == losses(objective, seed=1)
    assert losses(objective, "validate", 1) == losses(objective, "validate", 2)


def test_it_overfits_one_batch(tones: Path) -> None:
    torch.manual_seed(0)
    pairs = {"synthetic": 0.25, "equalise": 0, "layer": 0, "decay": 0, "attack": 0, "speed": 0}
    objective = HarmonicObjective(settings_for(tones, data={"pairs": pairs}))
    batch = batch_of(objective, 8)
    optimizer = torch.optim.Adam(objective.parameters(), lr=4e-3)
    before = float(objective(batch, "validate", torch.Generator())["mel_db"])
    for step in range(150):
        optimizer.zero_grad()
        objective(batch, "train", torch.Generator().manual_seed(step))["loss"].backward()
        optimizer.step()
    after = objective(batch, "validate", torch.Generator())
    assert float(after["mel_db"]) < 0.3 * before
    assert float(after["mel_db"]) < 5


def test_levels_under_the_floor_are_the_floor() -> None:
    loudest_db = torch.tensor([0.0])
    wanted_db = torch.tensor([-100.0, -90.0])
    assert level_error(wanted_db, wanted_db, loudest_db, -85.0) < 0.5
    assert level_error(torch.full((2,), -65.0), wanted_db, loudest_db, -85.0) == pytest.approx(20.0)
    # an error on what is loud counts twenty times as much as one on what is at the floor
    wanted_db = torch.tensor([0.0, -85.0])
    errors = [
        float(level_error(wanted_db + torch.tensor(off), wanted_db, loudest_db, -85.0))
        for off in ([-3.0, 0.0], [0.0, 3.0])
    ]
    assert errors[0] / errors[1] == pytest.approx(1.05 / 0.05, rel=1e-3)


def test_below_the_floor_gradients_still_climb() -> None:
    level_db = torch.tensor([-130.0, -80.0, -30.0], requires_grad=True)
    held = floored(level_db, torch.tensor(-80.0))
    held.sum().backward()
    assert held.tolist() == pytest.approx([-81.0, -80.0, -30.0])
    assert level_db.grad is not None
    assert level_db.grad.tolist() == pytest.approx([0.02, 1.0, 1.0])


def test_a_perfect_decoder_would_have_no_mel_error(tones: Path) -> None:
    objective = HarmonicObjective(settings_for(tones))
    batch = batch_of(objective)
    error = objective._mel_error(batch.wanted, batch, batch.loudest_db[:, None, None])
    # what lies under the floor has a little slope left, so that gradients can climb back
    assert float(error.detach().mean()) < 1.5


def test_a_run_killed_and_resumed_ends_as_one_never_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Exception):
        pass

    few = make_tones(tmp_path / "few", ["reed_acoustic_001"], [59])
    settings = settings_for(few, data={"validation": str(few)})
    forward = HarmonicObjective.forward

    def dies(self: HarmonicObjective, *arguments: object) -> dict[str, torch.Tensor]:
        if self.step == 9:
            raise Killed
        return forward(self, *arguments)  # pyright: ignore[reportArgumentType]

    torch.manual_seed(0)
    train(settings, tmp_path / "whole")
    with monkeypatch.context() as patched:
        patched.setattr(HarmonicObjective, "forward", dies)
        with pytest.raises(Killed):
            train(settings, tmp_path / "killed")
    assert not (tmp_path / "killed" / "model").exists()
    train(settings, tmp_path / "killed")
    assert_same_run(tmp_path / "whole", tmp_path / "killed")


def test_a_set_of_another_rate_is_refused(tones: Path) -> None:
    with pytest.raises(BadInput, match=r"has 16000 Hz, this model wants 48000 Hz: make the set"):
        HarmonicObjective(settings_for(tones, model={"sample_rate": 48000}))


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"objective": {"kl_weight": -1}}, r"objective\.kl_weight = -1"),
        ({"data": {"pairs": {"cross": 15}}}, r"data\.pairs\.cross = 15"),
        ({"data": {"pairs": {"moments": 97}}}, r"data\.pairs\.moments = 97"),
        ({"data": {"pairz": {}}}, r"unknown key 'data\.pairz', did you mean 'data\.pairs'\?$"),
    ],
)
def test_settings_that_cannot_work_are_refused(tones: Path, tables, message: str) -> None:
    with pytest.raises(BadConfig, match=message):
        settings_for(tones, **tables)
