"""How `train`'s words become a run: which is the configuration, and which an override."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from timbrel.errors import BadConfig, BadModel
from timbrel.instruments import find_model
from timbrel.training import bank_again, run


def start(
    config: str | None, overrides: Sequence[str], model: str | None, out: Path | None
) -> Path:
    """Train; the model's folder.

    Raises:
        BadConfig: there is nothing to train, or the settings cannot be.
        BadModel: there is no such model to start from.
    """
    config, overrides = _parted(config, overrides)
    if config is None and model is None:
        raise BadConfig("nothing to train: give a CONFIG.toml, or --from MODEL")
    return run(config, overrides, out, None if model is None else _folder(model))


def hear_again(
    config: str | None, overrides: Sequence[str], model: str | None, out: Path | None
) -> Path:
    """Make a model's bank again; the new model's folder.

    Raises:
        BadConfig: no model is named, or the notes of its bank are not here.
        BadModel: there is no such model.
    """
    config, overrides = _parted(config, overrides)
    if config is not None or model is None:
        raise BadConfig("--only-bank wants --from MODEL and no CONFIG.toml: its own settings hold")
    folder = _folder(model)
    return bank_again(folder, out or Path("runs") / f"{folder.name}-heard" / "model", overrides)


def _parted(config: str | None, overrides: Sequence[str]) -> tuple[str | None, Sequence[str]]:
    """A first word that is no file but a setting is one."""
    if config is not None and "=" in config and not Path(config).is_file():
        return None, [config, *overrides]
    return config, overrides


def _folder(model: str) -> Path:
    folder = find_model(model)
    if folder is None:
        raise BadModel(f"{model} has no weights to start from: give a model that was trained")
    return folder
