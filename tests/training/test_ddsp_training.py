"""ddsp's training: on gliding tones whose brightness is known."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from objectives import batch_of, losses, without_gradient
from phrases import RATE, make_phrases
from test_loop import assert_same_run

from timbrel.audio import read_audio
from timbrel.config import make_settings
from timbrel.errors import BadConfig, BadInput
from timbrel.instruments import load
from timbrel.training import train
from timbrel.training.ddsp.objective import DdspObjective, DdspTraining, opened


@pytest.fixture(scope="module")
def dull(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_phrases(tmp_path_factory.mktemp("sets") / "dull", slope=3.0)


@pytest.fixture(scope="module")
def bright(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_phrases(tmp_path_factory.mktemp("sets") / "bright", slope=0.3)


def settings_for(*folders: Path, **tables) -> DdspTraining:
    return make_settings(DdspTraining, {
        "size": "tiny",
        "data": {"train": [str(folder) for folder in folders], "crop_s": 0.2, "lead_s": 0.05},
        "model": {"sample_rate": RATE, "latent": 0, "reverb_s": 0.05} | tables.pop("model", {}),
        "loop": {
            "steps": 6, "batch_size": 4, "learning_rate": 4e-3, "warmup_steps": 2,
            "device": "cpu", "workers": 0, "ema_decay": 0.9, "validate_every": 3,
            "save_every": 2, "preview_every": 0, "log_every": 2, "threads": 1,
        } | tables.pop("loop", {}),
        **tables,
    })  # fmt: skip


@pytest.mark.parametrize("model", [
    {}, {"decoder": "transformer"}, {"latent": 4}, {"latent": 4, "encoder": "mel"},
])  # fmt: skip
def test_it_overfits_one_batch(dull: Path, model) -> None:
    torch.manual_seed(0)
    objective = DdspObjective(settings_for(dull, model=model, objective={"windows": 6}))
    assert without_gradient(objective) == []
    batch = batch_of(objective, 4)
    optimizer = torch.optim.Adam(objective.parameters(), lr=1e-2)
    found = []
    for step in range(30):
        optimizer.zero_grad()
        loss = objective(batch, "train", torch.Generator().manual_seed(step))["loss"]
        loss.backward()
        optimizer.step()
        found.append(float(loss.detach()))
    assert found[-1] < 0.5 * found[0]


def test_the_loss_is_the_sum_of_its_parts(dull: Path, bright: Path) -> None:
    weights = {"kl_weight": 0.01}
    settings = settings_for(dull, bright, model={"latent": 4}, objective=weights)
    found = losses(DdspObjective(settings))
    assert found["loss"] == pytest.approx(found["spectra"] + 0.01 * found["kl_nats"], rel=1e-5)


def test_training_draws_and_validation_judges_by_all(dull: Path) -> None:
    objective = DdspObjective(settings_for(dull, model={"latent": 4}))
    assert losses(objective, seed=1) != losses(objective, seed=2)
    assert losses(objective, seed=1) == losses(objective, seed=1)
    apart = [losses(objective, "validate", seed)["loss"] for seed in (1, 2)]
    # nothing but the noise's place is drawn
    assert apart[0] == pytest.approx(apart[1], rel=0.05)


def test_what_comes_before_a_crop_is_not_judged(dull: Path) -> None:
    objective = DdspObjective(settings_for(dull))
    batch = batch_of(objective, 4)
    spoilt = batch.audio.clone()
    spoilt[:, : round(0.05 * RATE)] = 1.0
    plain, other = (
        float(objective(b, "validate", torch.Generator().manual_seed(0))["loss"].detach())
        for b in (batch, batch._replace(audio=spoilt))
    )
    assert plain == other


def test_a_run_killed_and_resumed_ends_as_one_never_killed(
    dull: Path, bright: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Exception):
        pass

    settings = settings_for(dull, bright, model={"latent": 4})
    forward = DdspObjective.forward

    def dies(self: DdspObjective, *arguments: object) -> dict[str, torch.Tensor]:
        if self.step == 5:
            raise Killed
        return forward(self, *arguments)  # pyright: ignore[reportArgumentType]

    train(settings, tmp_path / "whole")
    with monkeypatch.context() as patched:
        patched.setattr(DdspObjective, "forward", dies)
        with pytest.raises(Killed):
            train(settings, tmp_path / "killed")
    train(settings, tmp_path / "killed")
    assert_same_run(tmp_path / "whole", tmp_path / "killed")


def test_a_model_of_many_knows_its_instruments(dull: Path, bright: Path, tmp_path: Path) -> None:
    settings = settings_for(dull, bright, model={"latent": 4}, loop={"preview_every": 6})
    model = load(train(settings, tmp_path / "run"))
    assert model.bank is not None
    assert model.bank.names("sound") == ("dull", "bright")
    register = model.register(model.bank["dull"])
    assert register is not None
    assert register.lowest_pitch == pytest.approx(49, abs=1)  # 132 Hz
    assert register.highest_pitch == pytest.approx(68, abs=1)  # twice 207 Hz
    card = (tmp_path / "run" / "model" / "README.md").read_text()
    assert "0 minutes of dull, bright" in card
    assert "Held-out phrases for validation: `8 crops`." in card


def test_previews_are_true_sound_said_sound_and_pictures_of_both(
    dull: Path, tmp_path: Path
) -> None:
    DdspObjective(settings_for(dull)).preview(tmp_path, 7)
    assert {path.name for path in tmp_path.iterdir()} == {
        "true_000007.wav", "said_000007.wav", "phrases_000007.png",
    }  # fmt: skip
    true, said = (read_audio(tmp_path / f"{name}_000007.wav", RATE) for name in ("true", "said"))
    assert len(true) == len(said) == round(1.2 * RATE)
    held_out = read_audio(dull / "valid" / "0.wav", RATE)
    torch.testing.assert_close(true, held_out[: len(true)], atol=1e-4, rtol=0)


def test_little_that_nobody_parted_is_all_trained_on(dull: Path) -> None:
    train_set, held_out = opened(dull / "train")
    assert (len(train_set), len(held_out)) == (4, 0)
    train_set, held_out = opened(dull)
    assert (len(train_set), len(held_out)) == (4, 1)


def test_sets_of_one_name_are_refused(dull: Path, bright: Path) -> None:
    with pytest.raises(BadInput, match="two folders are called 'train': rename one"):
        DdspObjective(settings_for(dull / "train", bright / "train"))


def test_settings_that_cannot_work_are_refused(dull: Path) -> None:
    with pytest.raises(BadConfig, match=r"objective\.windows = 7"):
        settings_for(dull, objective={"windows": 7})
    for nothing in ([], "", " ", [str(dull), ""]):
        with pytest.raises(BadConfig, match=r"data.train = .*: give a folder of recordings, or"):
            make_settings(DdspTraining, {"data": {"train": nothing}})
    with pytest.raises(BadInput, match=r"no folder of recordings at nowhere"):
        DdspObjective(settings_for(Path("nowhere")))
