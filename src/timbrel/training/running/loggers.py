"""Where a run's numbers, audio and pictures go: a CSV file always, trackers where asked for.

Each tracker is a thin layer over its own package, imported only when it is used; all write inside
the run's folder unless their environment says otherwise (MLFLOW_TRACKING_URI, WANDB_MODE=online).
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from typing_extensions import override

from timbrel.audio import read_channels
from timbrel.errors import BadInput, MissingExtra
from timbrel.files import replacing, unwritable
from timbrel.training.settings import LogSettings

Numbers = Mapping[str, float]


class RunLogger(ABC):
    """One place that takes a run's numbers, and may take its files."""

    @abstractmethod
    def numbers(self, step: int, values: Numbers) -> None:
        """Record values after `step` steps."""

    def file(self, step: int, path: Path) -> None:  # noqa: B027
        """Record a preview, .wav or .png; places for numbers only take none."""

    def close(self) -> None:  # noqa: B027
        """Write what is held back, and let go."""


class CSVLog(RunLogger):
    """Rows of a CSV file that has a column for each name ever logged."""

    def __init__(self, path: Path, steps_done: int) -> None:
        self._path = path
        self._rows = [row for row in _rows(path) if _step(row) <= steps_done]
        self._columns = ["step"]
        self._widen()
        self._rewrite()

    @override
    def numbers(self, step: int, values: Numbers) -> None:
        row = {"step": str(step)} | {name: f"{value:.9g}" for name, value in values.items()}
        same_step = bool(self._rows) and _step(self._rows[-1]) == step
        if same_step:
            self._rows[-1] |= row
        else:
            self._rows.append(row)
        if self._widen() or same_step:
            self._rewrite()
        else:
            self._append(row)

    def _append(self, row: Mapping[str, str]) -> None:
        try:
            with self._path.open("a", encoding="utf-8", newline="") as file:
                csv.DictWriter(file, self._columns).writerow(row)
        except OSError as error:
            raise unwritable(self._path, error) from None

    def _widen(self) -> bool:
        known = len(self._columns)
        names = dict.fromkeys(name for row in self._rows for name in row)
        self._columns += [name for name in names if name not in self._columns]
        return len(self._columns) > known

    def _rewrite(self) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, self._columns)
        writer.writeheader()
        writer.writerows(self._rows)
        with replacing(self._path) as temporary:
            temporary.write_text(text.getvalue(), encoding="utf-8", newline="")


def _rows(path: Path) -> list[dict[str, str]]:
    """The rows of a log so far, without empty cells and without a last line cut off by a kill.

    Raises:
        BadInput: it is no log.
    """
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8", errors="replace")
    whole = text[: text.rfind("\n") + 1]
    try:
        told = csv.DictReader(io.StringIO(whole))
        rows = [{k: v for k, v in row.items() if k and v} for row in told]
    except csv.Error as error:
        raise BadInput(f"{path} is no log of a run ({error}): move it away") from None
    for row in rows:
        if not row.get("step", "0").isdecimal():
            raise BadInput(f"{path} is no log of a run (step {row['step']:.60}): move it away")
    return rows


def _step(row: Mapping[str, str]) -> int:
    return int(row.get("step", "0"))


class TensorBoardLog(RunLogger):
    """Event files in RUN/tensorboard, with audio and pictures."""

    def __init__(self, run: Path, steps_done: int) -> None:
        _module("tensorboard")
        writer = _module("torch.utils.tensorboard").SummaryWriter
        self._writer = writer(run / "tensorboard", purge_step=steps_done + 1)

    @override
    def numbers(self, step: int, values: Numbers) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    @override
    def file(self, step: int, path: Path) -> None:
        if path.suffix == ".wav":
            audio, sample_rate = read_channels(path)
            self._writer.add_audio(path.stem, audio[:1], step, sample_rate)
        else:
            from matplotlib.image import imread

            self._writer.add_image(path.stem, imread(path), step, dataformats="HWC")

    @override
    def close(self) -> None:
        self._writer.close()


class MLflowLog(RunLogger):
    """One MLflow run; its store is RUN/mlflow.db where the environment names no server."""

    def __init__(self, run: Path, project: str, settings: Mapping[str, Any]) -> None:
        tracking = _module("mlflow.tracking")
        uri = os.environ.get("MLFLOW_TRACKING_URI", f"sqlite:///{run / 'mlflow.db'}")
        self._client = tracking.MlflowClient(uri)
        known = self._client.get_experiment_by_name(project)
        experiment = known.experiment_id if known else self._client.create_experiment(
            project, artifact_location=None if "MLFLOW_TRACKING_URI" in os.environ
            else (run / "mlflow").resolve().as_uri()
        )  # fmt: skip
        self._run_id = self._resumed(run) or self._begun(run, experiment, settings)

    def _resumed(self, run: Path) -> str | None:
        path = run / "mlflow_run_id"
        if not path.is_file():
            return None
        run_id = path.read_text(encoding="utf-8")
        self._client.update_run(run_id, status="RUNNING")
        return run_id

    def _begun(self, run: Path, experiment: str, settings: Mapping[str, Any]) -> str:
        run_id = self._client.create_run(experiment, run_name=run.name).info.run_id
        for name, value in settings.items():
            self._client.log_param(run_id, name, value)
        (run / "mlflow_run_id").write_text(run_id, encoding="utf-8")
        return run_id

    @override
    def numbers(self, step: int, values: Numbers) -> None:
        for name, value in values.items():
            self._client.log_metric(self._run_id, name, value, step=step)

    @override
    def file(self, step: int, path: Path) -> None:
        self._client.log_artifact(self._run_id, str(path), f"step_{step:07d}")

    @override
    def close(self) -> None:
        self._client.set_terminated(self._run_id)


class WandbLog(RunLogger):
    """One Weights & Biases run, offline in RUN/wandb unless WANDB_MODE says otherwise."""

    def __init__(self, run: Path, project: str, settings: Mapping[str, Any]) -> None:
        self._wandb = _module("wandb")
        self._run = self._wandb.init(
            project=project,
            name=run.name,
            id=_identity(run),
            resume="allow",
            dir=str(run),
            config=dict(settings),
            mode=os.environ.get("WANDB_MODE", "offline"),
            settings=self._wandb.Settings(silent=True, console="off"),
        )

    @override
    def numbers(self, step: int, values: Numbers) -> None:
        self._run.log(dict(values), step=step)

    @override
    def file(self, step: int, path: Path) -> None:
        media = self._wandb.Audio if path.suffix == ".wav" else self._wandb.Image
        self._run.log({path.stem: media(str(path))}, step=step)

    @override
    def close(self) -> None:
        self._run.finish()


def check_trackers(log: LogSettings) -> None:
    """See that the trackers can be imported, before anything is begun.

    Raises:
        MissingExtra: one is not installed.
    """
    for name in log.trackers:
        _module(name)


def make_loggers(
    run: Path, log: LogSettings, settings: Mapping[str, Any], steps_done: int
) -> list[RunLogger]:
    """The loggers of a run that is begun, or resumed after `steps_done` steps."""
    makers = {
        "tensorboard": lambda: TensorBoardLog(run, steps_done),
        "mlflow": lambda: MLflowLog(run, log.project, settings),
        "wandb": lambda: WandbLog(run, log.project, settings),
    }
    return [CSVLog(run / "log.csv", steps_done), *(makers[name]() for name in log.trackers)]


def _identity(run: Path) -> str:
    """A W&B id that is the same each time this folder's run goes on."""
    return hashlib.blake2b(str(run.resolve()).encode(), digest_size=8).hexdigest()


def _module(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError:
        raise MissingExtra(name.partition(".")[0], "trackers") from None
