"""A run's folder, and whether a run may go on in it.

config.toml           the resolved settings
state.safetensors     everything that resuming needs
log.csv               the numbers
weights/              last, best and step_N, averaged, of the whole objective
previews/step_N/      audio and pictures along the way
model/                the exported model, once the run is done
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from timbrel.config import read_toml, to_toml
from timbrel.errors import BadConfig, BadInput, BadModel
from timbrel.files import read_json, replacing
from timbrel.training.running.record import TrainingRecord
from timbrel.training.running.state import RunFacts, read_facts, run_facts
from timbrel.training.settings import TrainingSettings

ORIGIN = "training.toml"
"""The settings that a model was trained by, beside its weights: fine-tuning starts from them."""

RECORD = "training.json"
"""How a model's training went, beside its weights."""

# What may change between two sittings, because the weights do not depend on it.
_FREE = frozenset(
    {"loop.steps", "loop.workers", "loop.save_every", "loop.preview_every", "loop.keep_every"}
)

# The name that `replacing` gives to a file until it is whole.
_UNFINISHED = re.compile(r"\.[0-9a-f]{8}-")


class RunFolder:
    """Paths inside a run's folder, and the settings that it belongs to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.toml"
        self.state = path / "state.safetensors"
        self.log = path / "log.csv"
        self.model = path / "model"

    def weights(self, name: str) -> Path:
        """The file of the weights called "last", "best" or "step_0001000"."""
        return self.path / "weights" / f"{name}.safetensors"

    def preview(self, step: int) -> Path:
        """The folder of a step's audio and pictures."""
        return self.path / "previews" / f"step_{step:07d}"

    def facts(self) -> RunFacts | None:
        """What the saved state says of itself; None where nothing is saved.

        Raises:
            BadModel: it is damaged.
        """
        return run_facts(self.state, read_facts(self.state)) if self.state.is_file() else None

    def check(self, settings: TrainingSettings, origin: str | None) -> None:
        """Refuse settings and initial weights that this folder's run was not begun with.

        Raises:
            BadConfig: names what differs; or there is no run, and something is in its place.
        """
        if not self.config.is_file():
            self._require_free()
            return
        facts = self.facts()
        if facts and facts["origin"] != origin:
            raise BadConfig(
                f"{self.path} was begun from other weights: start from the same model, or train "
                "in another folder"
            )
        before, now = _flat(read_toml(self.config)), flat_settings(settings)
        differing = [
            f"{key} was {before.get(key)!r}, is {now.get(key)!r}"
            for key in sorted(before.keys() | now.keys())
            if before.get(key) != now.get(key) and not _may_change(key, before, now)
        ]
        if differing:
            raise BadConfig(
                f"{self.path} was begun with other settings ({'; '.join(differing)}): "
                "put them back, or train in another folder"
            )

    def _require_free(self) -> None:
        """That nothing of others lies where a run writes."""
        folders = (self.model, self.weights("last").parent, self.preview(0).parent)
        in_the_way = [self.path] if self.path.exists() and not self.path.is_dir() else []
        in_the_way += [path for path in (self.config, self.state, self.log) if path.exists()]
        in_the_way += [path for path in folders if path.exists() and not _is_empty(path)]
        if in_the_way:
            raise BadConfig(f"{in_the_way[0]} is there, and of no run: train in another folder")

    @contextmanager
    def claimed(self, settings: TrainingSettings) -> Iterator[None]:
        """Make the folder, write its settings, and keep other processes out of it.

        Raises:
            BadConfig: another process is training here.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.path / ".lock", blocking=False):
                self._sweep()
                with replacing(self.config) as temporary:
                    temporary.write_text(to_toml(settings), encoding="utf-8")
                yield
        except Timeout:
            raise BadConfig(
                f"another process is training in {self.path}: wait for it, or choose another folder"
            ) from None

    def _sweep(self) -> None:
        """Remove what a kill in the middle of writing left behind."""
        for place in (self.path, self.path / "weights"):
            for leftover in place.glob(".*-*"):
                if _UNFINISHED.match(leftover.name):
                    leftover.unlink()

    def write_origin(self, model: Path, settings: TrainingSettings, record: TrainingRecord) -> None:
        """Put beside a model what it came from: fine-tuning reads the one, benches the other."""
        (model / ORIGIN).write_text(to_toml(settings), encoding="utf-8")
        record.write(model / RECORD)


def read_record(model: Path) -> dict[str, Any]:
    """How a model's training went, as it says beside its weights.

    Raises:
        BadModel: it does not say.
    """
    todo = "train the model again, or copy the whole folder"
    try:
        record = read_json(model / RECORD, todo)
    except BadInput as error:
        raise BadModel(str(error)) from None
    if not isinstance(record, dict):
        raise BadModel(f"{model / RECORD} is no record of a training: {todo}")
    return record


def flat_settings(settings: TrainingSettings) -> dict[str, Any]:
    """The settings as values by full key."""
    return _flat(settings.model_dump(mode="json"))


def _is_empty(folder: Path) -> bool:
    """Whether it is one, and nothing is in it but what a kill may leave, which is hidden."""
    return folder.is_dir() and all(path.name.startswith(".") for path in folder.iterdir())


def _may_change(key: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    if key == "loop.steps":
        return now[key] > before[key]
    # a bank is made after training: delete the run's model and start again for another bank
    return key in _FREE or key.startswith(("log.", "bank."))


def _flat(tables: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Values by full key, without the empty ones, which TOML cannot say."""
    flat: dict[str, Any] = {}
    for key, value in tables.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        elif value is not None:
            flat[prefix + key] = value
    return flat
