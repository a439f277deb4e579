"""From a configuration file to a trained model: what `timbrel train` calls."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from timbrel.config import read_toml, with_overrides
from timbrel.errors import BadConfig
from timbrel.training.loop import train
from timbrel.training.registry import settings_from


def run(
    config_path: str | Path | None,
    overrides: Iterable[str] = (),
    run_dir: str | Path | None = None,
    initial: str | Path | None = None,
) -> Path:
    """The folder of the model that a configuration trains.

    Args:
        config_path: a TOML file; None takes the one that `initial` was trained by.
        overrides: `key.path=value`, applied last.
        run_dir: the run's folder; by default `runs/` and the configuration's name, so that the
            same command finds its own run again.
        initial: a model's folder to fine-tune.
    """
    if config_path is None:
        if initial is None:
            raise BadConfig("nothing to train: give a configuration file, or a model to start from")
        path = Path(initial) / "training.toml"
        tables = read_toml(path)
        tables.pop("bank", None)  # its names and sets are those of the notes it was trained on
    else:
        path = Path(config_path)
        tables = read_toml(path)
    settings = settings_from(with_overrides(tables, overrides), where=str(path))
    name = path.stem if initial is None else f"{Path(initial).name}-tuned"
    return train(settings, run_dir or Path("runs") / name, initial_weights=initial)
