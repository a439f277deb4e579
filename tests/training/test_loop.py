"""The loop on one process: it learns, logs, keeps, refuses and stops."""

from __future__ import annotations

import csv
import json
import math
import os
import shutil
import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from toy import make_toy, toy_settings, train_toy

from timbrel.config import read_toml
from timbrel.errors import BadConfig, BadInput, BadModel
from timbrel.training import Diverged
from timbrel.training.running import batches
from timbrel.training.running.folder import RunFolder
from timbrel.training.running.interrupt import Stopped
from timbrel.training.running.state import read_facts, read_state, write_state


def rows(run: Path) -> list[dict[str, str]]:
    with (run / "log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def state(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "state.safetensors")


def rows_without_speed(run: Path) -> list[dict[str, str]]:
    return [{k: v for k, v in row.items() if k != "items_per_s"} for row in rows(run)]


def assert_same_run(one: Path, other: Path) -> None:
    """The same state to the bit, and the same log."""
    assert_same_state(one, other)
    assert rows_without_speed(one) == rows_without_speed(other)


def assert_same_state(one: Path, other: Path) -> None:
    mine, theirs = state(one), state(other)
    assert mine.keys() == theirs.keys()
    assert [name for name in mine if not torch.equal(mine[name], theirs[name])] == []


def test_it_overfits_one_batch(tmp_path: Path) -> None:
    train_toy(tmp_path, "n_items=4", "loop.batch_size=4", "loop.steps=400", "noise=0.0",
              "jitter=0.0", "loop.learning_rate=0.03", "loop.log_every=1",
              "loop.validate_every=0", "loop.save_every=0", "loop.preview_every=0")  # fmt: skip
    losses = [float(row["train/loss"]) for row in rows(tmp_path)]
    assert losses[0] > 0.5
    assert losses[-1] < 0.01


def test_every_parameter_gets_a_gradient_and_moves(tmp_path: Path) -> None:
    batches.seed_globals(0, "weights")
    fresh = dict(make_toy(toy_settings()).named_parameters())
    train_toy(tmp_path)
    trained = state(tmp_path)
    moved = {n for n, p in fresh.items() if not torch.equal(p, trained[f"weights.{n}"])}
    assert moved == set(fresh)
    assert all(trained[f"optimizer.train.{i}.exp_avg"].abs().sum() > 0 for i in range(len(fresh)))


def test_a_run_leaves_all_that_it_promises(tmp_path: Path) -> None:
    model = train_toy(tmp_path / "run", "loop.keep_every=10")
    assert model == tmp_path / "run" / "model"
    found = {str(path.relative_to(model.parent)) for path in model.parent.rglob("*.*")}
    assert found - {".lock"} == {
        "config.toml", "log.csv", "state.safetensors",
        "weights/last.safetensors", "weights/best.safetensors",
        "weights/step_0000010.safetensors", "weights/step_0000020.safetensors",
        "previews/step_0000010/step.txt", "previews/step_0000020/step.txt",
        "model/weights.safetensors", "model/README.md", "model/training.toml",
        "model/training.json",
    }  # fmt: skip
    assert read_toml(model / "training.toml") == read_toml(model.parent / "config.toml")
    record = json.loads((model / "training.json").read_text())
    assert (record["steps"], record["items"], record["family"]) == (20, 160, "toy")
    assert record["threads"] == torch.get_num_threads()
    assert json.loads((model / "README.md").read_text()) == record


def test_the_log_holds_rates_epochs_and_means(tmp_path: Path) -> None:
    train_toy(tmp_path / "five")
    train_toy(tmp_path / "one", "loop.log_every=1")
    five, one = rows(tmp_path / "five"), rows(tmp_path / "one")
    assert [row["step"] for row in five] == ["5", "10", "15", "20"]
    assert [float(row["epoch"]) for row in five] == [1, 2, 3, 4]
    mean = sum(float(row["train/loss"]) for row in one[5:10]) / 5
    assert float(five[1]["train/loss"]) == pytest.approx(mean, rel=1e-6)
    assert float(one[0]["learning_rate"]) == pytest.approx(0.0025)
    assert [bool(row["validation/loss"]) for row in five] == [False, True, False, True]


def test_the_exported_weights_are_the_averaged_ones(tmp_path: Path) -> None:
    model = train_toy(tmp_path)
    exported, kept = load_file(model / "weights.safetensors"), state(tmp_path)
    assert torch.equal(exported["0.weight"], kept["average.network.0.weight"])
    assert not torch.equal(exported["0.weight"], kept["weights.network.0.weight"])


def test_export_best_takes_the_best_weights(tmp_path: Path) -> None:
    # A rate this high makes the last weights worse than the first ones kept.
    options = ("loop.validate_every=1", "loop.learning_rate=0.5", "loop.schedule=constant")
    model = train_toy(tmp_path, "loop.export=best", *options)
    losses = [float(row["validation/loss"]) for row in rows(tmp_path)]
    record = json.loads((model / "training.json").read_text())
    assert record["best_loss"] == pytest.approx(min(losses), rel=1e-6)
    assert record["best_step"] == 1 + losses.index(min(losses)) < 20
    best = load_file(tmp_path / "weights" / "best.safetensors")
    exported = load_file(model / "weights.safetensors")
    assert all(torch.equal(exported[n], best[f"network.{n}"]) for n in exported)


def test_accumulated_batches_equal_one_large_batch(tmp_path: Path) -> None:
    same = ("noise=0.0", "jitter=0.0")
    train_toy(tmp_path / "one", "loop.batch_size=8", *same)
    train_toy(tmp_path / "two", "loop.batch_size=2", "loop.accumulate=4", *same)
    one, two = state(tmp_path / "one"), state(tmp_path / "two")
    assert all(torch.allclose(one[name], two[name], atol=1e-5) for name in one)


def test_clipping_bounds_the_step_and_zero_does_not_clip(tmp_path: Path) -> None:
    # Adam's first moment after one step is 0.1 of the gradient.
    norms = {}
    for limit in ("0.001", "0"):
        run = tmp_path / limit
        train_toy(run, "loop.steps=1", f"loop.clip_norm={limit}", "loop.warmup_steps=0")
        moments = [t for name, t in state(run).items() if name.endswith(".exp_avg")]
        norms[limit] = 10 * torch.cat([m.flatten() for m in moments]).norm().item()
    logged = float(rows(tmp_path / "0.001")[0]["train/grad_norm"])
    assert norms["0.001"] == pytest.approx(0.001, rel=1e-2)
    assert norms["0"] == pytest.approx(logged, rel=1e-4)


def test_bf16_trains_on_the_cpu_and_keeps_float32_weights(tmp_path: Path) -> None:
    train_toy(tmp_path, "loop.precision=bf16", "loop.steps=60")
    losses = [float(row["train/loss"]) for row in rows(tmp_path)]
    assert losses[-1] < 0.7 * losses[0]
    assert {tensor.dtype for tensor in state(tmp_path).values()} == {torch.float32}


def test_a_gan_moves_each_player_in_its_own_phase(tmp_path: Path) -> None:
    made: list = []
    train_toy(tmp_path, "gan=true", "loop.steps=5", made=made)
    judge_and_forge = {phase: made[0].seen[phase] for phase in ("judge", "forge")}
    assert judge_and_forge == {"judge": {"judge"}, "forge": {"network"}}
    steps = {n: t.item() for n, t in state(tmp_path).items() if n.endswith(".0.step")}
    assert steps == {"optimizer.judge.0.step": 5, "optimizer.forge.0.step": 3}
    last = rows(tmp_path)[-1]
    assert {"train/judge/loss", "train/forge/loss", "train/forge/grad_norm"} < last.keys()


def test_workers_do_not_change_the_result(tmp_path: Path) -> None:
    for workers in (0, 3):
        train_toy(tmp_path / str(workers), f"loop.workers={workers}")
    assert_same_state(tmp_path / "0", tmp_path / "3")


def test_a_loss_that_is_no_number_ends_the_run_in_one_line(tmp_path: Path) -> None:
    said = (
        r"^training diverged at step 13 \(loss = nan, grad_norm = nan\): the last good weights "
        r"are in .*last\.safetensors; lower loop\.learning_rate and train in another folder$"
    )
    with pytest.raises(Diverged, match=said):
        train_toy(tmp_path / "bad", at={12: lambda: math.nan})
    assert read_facts(tmp_path / "bad" / "weights" / "last.safetensors") == {"step": 10}
    train_toy(tmp_path / "good")
    assert rows_without_speed(tmp_path / "bad") == rows_without_speed(tmp_path / "good")[:2]
    last = load_file(tmp_path / "bad" / "weights" / "last.safetensors")
    assert all(tensor.isfinite().all() for tensor in last.values())
    assert not (tmp_path / "bad" / "model").exists()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_and_the_same_command_goes_on_to_the_bit(
    tmp_path: Path, number: signal.Signals, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("dropout=0.2", "loop.accumulate=2")
    train_toy(tmp_path / "whole", *options)
    handler = signal.getsignal(number)
    with pytest.raises(Stopped) as stopped:
        train_toy(tmp_path / "cut", *options, at={12: lambda: os.kill(os.getpid(), number) or 1.0})
    assert stopped.value.code == status
    assert signal.getsignal(number) is handler
    assert "stopped at step 13: the same command goes on from there" in capsys.readouterr().err
    assert not (tmp_path / "cut" / "model").exists()
    train_toy(tmp_path / "cut", *options)
    assert "going on from step 13" in capsys.readouterr().err
    assert_same_run(tmp_path / "whole", tmp_path / "cut")


def test_a_second_ctrl_c_does_not_wait_for_the_step(tmp_path: Path) -> None:
    def twice() -> float:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("not reached")

    with pytest.raises(KeyboardInterrupt):
        train_toy(tmp_path, at={12: twice})
    train_toy(tmp_path)
    train_toy(tmp_path / "whole")
    assert_same_run(tmp_path / "whole", tmp_path)


def test_a_finished_run_says_so_and_does_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = train_toy(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    capsys.readouterr()
    assert train_toy(tmp_path, at={0: lambda: math.nan}) == model
    assert capsys.readouterr().err == f"{tmp_path} is finished (20 steps): {model}\n"
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_finished_run_without_its_model_exports_it_again(tmp_path: Path) -> None:
    model = train_toy(tmp_path)
    first = (model / "weights.safetensors").read_bytes()
    shutil.rmtree(model)
    assert train_toy(tmp_path, at={0: lambda: math.nan}) == model
    assert (model / "weights.safetensors").read_bytes() == first


def test_a_run_may_be_made_longer(tmp_path: Path) -> None:
    constant = "loop.schedule=constant"
    train_toy(tmp_path / "long", constant, "loop.steps=30")
    train_toy(tmp_path / "grown", constant)
    train_toy(tmp_path / "grown", constant, "loop.steps=30")
    assert_same_run(tmp_path / "long", tmp_path / "grown")
    record = json.loads((tmp_path / "grown" / "model" / "training.json").read_text())
    assert record["steps"] == 30


def test_other_settings_for_the_same_run_are_refused_by_name(tmp_path: Path) -> None:
    train_toy(tmp_path)
    said = (r"was begun with other settings \(loop\.batch_size was 8, is 4; width was 8, is 9\): "
            r"put them back, or train in another folder$")  # fmt: skip
    with pytest.raises(BadConfig, match=said):
        train_toy(tmp_path, "loop.batch_size=4", "width=9")
    with pytest.raises(BadConfig, match=r"\(loop\.steps was 20, is 10\)"):
        train_toy(tmp_path, "loop.steps=10")
    train_toy(tmp_path, "loop.save_every=3", "loop.workers=0", "log.project=other")


def test_fine_tuning_starts_from_a_model_and_remembers_it(tmp_path: Path) -> None:
    model = train_toy(tmp_path / "first", "loop.steps=150", "loop.preview_every=0")
    tuned = tmp_path / "tuned"
    train_toy(tuned, "loop.log_every=1", initial_weights=model)
    assert float(rows(tuned)[0]["train/error"]) < 0.2 < 0.5
    with pytest.raises(BadConfig, match="was begun from other weights: start from the same"):
        train_toy(tuned, "loop.log_every=1")
    with pytest.raises(BadModel, match=r"has no weights\.safetensors: train the model or copy"):
        train_toy(tmp_path / "third", initial_weights=tmp_path)
    with pytest.raises(BadModel, match=r"does not fit the settings \(0\.bias differs\): use"):
        train_toy(tmp_path / "third", "width=5", initial_weights=model)
    assert not (tmp_path / "third").exists()


def test_fine_tuning_is_as_strict_with_weights_as_playing(tmp_path: Path) -> None:
    """What `load` refuses is refused here too: NaN, damage."""
    model = train_toy(tmp_path / "first", "loop.steps=1", "loop.preview_every=0")
    path = model / "weights.safetensors"
    weights = load_file(path)
    save_file(weights | {"0.bias": torch.full_like(weights["0.bias"], torch.nan)}, path)
    with pytest.raises(BadModel, match=r"0\.bias holds NaN or infinity: train the model again$"):
        train_toy(tmp_path / "second", initial_weights=model)
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(BadModel, match=r"weights\.safetensors is damaged \(.*\): copy or train"):
        train_toy(tmp_path / "second", initial_weights=model)
    assert not (tmp_path / "second").exists()


def test_only_one_process_trains_in_a_folder(tmp_path: Path) -> None:
    with (
        RunFolder(tmp_path).claimed(toy_settings()),
        pytest.raises(BadConfig, match=r"another process is training in .*: wait for it"),
    ):
        train_toy(tmp_path)
    train_toy(tmp_path)


def test_what_a_kill_left_half_written_is_swept_away(tmp_path: Path) -> None:
    leftovers = [tmp_path / ".0123abcd-state.safetensors",
                 tmp_path / "weights" / ".89abcdef-best.safetensors"]  # fmt: skip
    (tmp_path / "weights").mkdir()
    for leftover in leftovers:
        leftover.write_bytes(b"half")
    train_toy(tmp_path)
    assert not any(leftover.exists() for leftover in leftovers)


def test_a_thread_count_belongs_to_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Stopped):
        train_toy(tmp_path, at={12: lambda: signal.raise_signal(signal.SIGINT) or 1.0})
    torch.set_num_threads(2)
    try:
        train_toy(tmp_path)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(1)
    assert "threads was" not in capsys.readouterr().err


def test_another_torch_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train_toy(tmp_path)
    tensors, facts = read_state(tmp_path / "state.safetensors")
    write_state(tmp_path / "state.safetensors", tensors, facts | {"torch": "2.8.0", "step": 19})
    train_toy(tmp_path)
    assert f"torch was 2.8.0, is {torch.__version__}: the last bits may" in capsys.readouterr().err


def test_another_number_of_processes_is_refused(tmp_path: Path) -> None:
    train_toy(tmp_path)
    tensors, facts = read_state(tmp_path / "state.safetensors")
    write_state(tmp_path / "state.safetensors", tensors, facts | {"processes": 2, "step": 19})
    with pytest.raises(BadConfig, match="was begun with 2 processes and this is 1: use as many"):
        train_toy(tmp_path)


def test_an_empty_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is nothing to train on: the training set is empty"):
        train_toy(tmp_path / "run", "n_items=0")
    assert not (tmp_path / "run").exists()
