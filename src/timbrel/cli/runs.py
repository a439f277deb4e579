"""How `train`'s words become a run: which is the configuration, and which an override."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from timbrel.errors import BadConfig
from timbrel.instruments import load, models
from timbrel.training import run


def start(
    config: str | None, overrides: Sequence[str], model: str | None, out: Path | None
) -> Path:
    """Train; the model's folder.

    Raises:
        BadConfig: there is nothing to train, or the settings cannot be.
        BadModel: there is no such model to start from.
    """
    if config is not None and "=" in config and not Path(config).is_file():
        config, overrides = None, [config, *overrides]
    if config is None and model is None:
        raise BadConfig("nothing to train: give a CONFIG.toml, or --from MODEL")
    return run(config, overrides, out, _folder(model))


def _folder(model: str | None) -> Path | None:
    """Where a model lies; loading says best what is wrong with one that is not there."""
    if model is None:
        return None
    folder = models().get(model) or Path(model)
    if not folder.is_dir():
        load(model)
    return folder
