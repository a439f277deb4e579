"""All four loggers in one process, read back by their own packages' readers."""

from __future__ import annotations

import math
import signal
from pathlib import Path

import numpy as np
import pytest
from test_loop import rows
from toy import ToyObjective, train_toy

from timbrel.errors import MissingExtra
from timbrel.training.running import loggers
from timbrel.training.running.interrupt import Stopped

ALL = "log.trackers=['tensorboard', 'mlflow', 'wandb']"


def preview(self: ToyObjective, folder: Path, step: int) -> None:
    import soundfile
    from matplotlib.image import imsave

    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(1600) / 16000)
    soundfile.write(folder / "tone.wav", tone, 16000)
    imsave(folder / "mel.png", np.linspace(0, 1, 64).reshape(8, 8))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that all loggers followed, interrupted and resumed on its way."""
    run = tmp_path_factory.mktemp("runs") / "line"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ToyObjective, "preview", preview)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        with pytest.raises(Stopped):
            train_toy(run, ALL, at={12: lambda: signal.raise_signal(signal.SIGINT) or 1.0})
        train_toy(run, ALL)
    return run


@pytest.mark.needs("tensorboard", "mlflow", "wandb")
class TestTrackers:
    def test_tensorboard(self, run: Path) -> None:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        events = EventAccumulator(str(run / "tensorboard"))
        events.Reload()
        losses = {event.step: event.value for event in events.Scalars("train/loss")}
        assert losses == pytest.approx({int(r["step"]): float(r["train/loss"]) for r in rows(run)})
        assert [event.step for event in events.Scalars("validation/loss")] == [10, 20]
        assert {event.step for event in events.Images("mel")} == {10, 20}
        assert {event.sample_rate for event in events.Audio("tone")} == {16000}

    def test_mlflow(self, run: Path) -> None:
        from mlflow.tracking import MlflowClient

        client = MlflowClient(f"sqlite:///{run / 'mlflow.db'}")
        (found,) = client.search_runs([client.get_experiment_by_name("timbrel").experiment_id])
        assert (found.info.run_name, found.info.status) == ("line", "FINISHED")
        assert found.data.params["loop.batch_size"] == "8"
        history = client.get_metric_history(found.info.run_id, "train/loss")
        losses = {metric.step: metric.value for metric in history}
        assert losses == pytest.approx({int(r["step"]): float(r["train/loss"]) for r in rows(run)})
        kept = {file.path for file in client.list_artifacts(found.info.run_id, "step_0000010")}
        assert kept == {"step_0000010/mel.png", "step_0000010/tone.wav"}
        assert (run / "mlflow").is_dir()

    def test_wandb_offline(self, run: Path) -> None:
        files = sorted((run / "wandb").glob("offline-run-*/*.wandb"))
        assert len(files) == 2
        content = b"".join(file.read_bytes() for file in files)
        for row in rows(run):
            assert f"{float(row['train/loss']):.6g}"[:6].encode() in content
        media = {path.suffix for path in (run / "wandb").rglob("media/**/*.*")}
        assert media == {".wav", ".png"}


def test_csv_rows_of_one_step_are_one_row(tmp_path: Path) -> None:
    log = loggers.CSVLog(tmp_path / "log.csv", 0)
    log.numbers(1, {"a": 1.5})
    log.numbers(2, {"a": 2.5})
    log.numbers(2, {"b": math.pi})
    log.numbers(3, {"a": 3.5, "b": 1e-9})
    assert (tmp_path / "log.csv").read_text() == (
        "step,a,b\n1,1.5,\n2,2.5,3.14159265\n3,3.5,1e-09\n"
    )


@pytest.mark.parametrize("cut", range(1, 12))
def test_csv_forgets_what_the_state_does_not_know_and_a_torn_line(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "log.csv"
    log = loggers.CSVLog(path, 0)
    for step in (5, 10, 15):
        log.numbers(step, {"loss": 1 / step})
    whole = path.read_text()
    path.write_text(whole[:-cut])
    loggers.CSVLog(path, 10).numbers(15, {"loss": 1 / 15})
    assert path.read_text() == whole


def test_a_tracker_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(loggers, "import_module", missing)
    said = r"^wandb is not installed: pip install 'timbrel\[trackers\]'$"
    with pytest.raises(MissingExtra, match=said):
        train_toy(tmp_path / "run", "log.trackers=['wandb']")
    assert not (tmp_path / "run").exists()
