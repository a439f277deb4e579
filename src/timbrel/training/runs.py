"""From a configuration file to a trained model: what `timbrel train` calls."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from timbrel.config import read_toml, to_toml, with_overrides
from timbrel.data.notes.note_set import NoteSet
from timbrel.errors import BadConfig, BadModel
from timbrel.files import replacing_folder
from timbrel.instruments import load
from timbrel.instruments.model_folder import CARD, require_replaceable
from timbrel.training.banks.bank import BankSettings, make_bank
from timbrel.training.model_card import BANK_COMMAND, with_bank_of
from timbrel.training.registry import objective_for, settings_from, tuning_of
from timbrel.training.running.folder import ORIGIN, RECORD, read_record
from timbrel.training.running.loop import train
from timbrel.training.running.record import typed_command
from timbrel.training.settings import TrainingSettings


def run(
    config_path: str | Path | None,
    overrides: Iterable[str] = (),
    run_dir: str | Path | None = None,
    initial: str | Path | None = None,
) -> Path:
    """The folder of the model that a configuration trains.

    Args:
        config_path: a TOML file; None takes the one that `initial` was trained by, but for its
            bank, and for its validation notes where other notes are given.
        overrides: `key.path=value`, applied last; `data=FOLDER` is short for `data.train=FOLDER`.
        run_dir: the run's folder; by default `runs/` and the configuration's name, so that the
            same command finds its own run again.
        initial: a model's folder to fine-tune.

    Raises:
        BadConfig: there is nothing to train, or the notes that a model was trained on are not
            here and no others are given.
        BadModel: the model does not tell how it was trained.
    """
    overrides = [_spelt_out(override) for override in overrides]
    if config_path is not None:
        path = Path(config_path)
        tables = with_overrides(read_toml(path), overrides)
    elif initial is not None:
        path = Path(initial) / ORIGIN
        tables = _tuning_tables(Path(initial), overrides)
    else:
        raise BadConfig("nothing to train: give a configuration file, or a model to start from")
    settings = settings_from(tables, where=str(path))
    name = path.stem if initial is None else f"{Path(initial).name}-tuned"
    return train(settings, run_dir or Path("runs") / name, initial_weights=initial)


def bank_again(model: Path, out: Path, overrides: Iterable[str] = ()) -> Path:
    """The folder of the same model with its bank made anew, as its training would make it now.

    Args:
        model: a model's folder.
        out: the new model's, written whole or not at all.
        overrides: settings of the bank or paths of the notes, as `run` takes them.

    Raises:
        BadConfig: it keeps no bank of notes, or they are not here.
        BadInput: something else than a model is where the new one would be.
        BadModel: the model does not tell how it was trained.
    """
    require_replaceable(out)
    tables, record = with_overrides(_origin(model), overrides), read_record(model)
    settings: Any = settings_from(tables, where=str(model / ORIGIN))
    bank = getattr(settings, "bank", None)
    if not isinstance(bank, BankSettings):
        return _exported_again(model, out, settings, record)
    train = settings.data.train
    paths = [*((train,) if isinstance(train, str) else train), *bank.also]
    missing = next((path for path in paths if not Path(path).is_dir()), None)
    if missing is not None:
        raise BadConfig(
            f"{model.name} was trained with {missing}, which is not here: make it first"
        )
    notes = [NoteSet.open(path) for path in paths]
    instrument = load(model)
    instrument.bank = make_bank(instrument, notes[0], notes[1:], bank)
    with replacing_folder(out) as made:
        shutil.copytree(model, made, dirs_exist_ok=True)
        instrument.save(made, half=True)
        (made / ORIGIN).write_text(to_toml(settings), encoding="utf-8")
        record[BANK_COMMAND] = typed_command()
        card = with_bank_of((made / CARD).read_text(encoding="utf-8"), instrument.bank, record)
        (made / CARD).write_text(card, encoding="utf-8")
        (made / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return out


def _exported_again(
    model: Path, out: Path, settings: TrainingSettings, record: dict[str, Any]
) -> Path:
    """What an export makes of weights, made again: a family that says so makes its bank there."""
    objective = objective_for(settings)
    if not objective.banks_at_export:
        raise BadConfig(f"{model.name} has no bank of notes to make again")
    objective.start_from(model)
    record[BANK_COMMAND] = typed_command()
    with replacing_folder(out) as made:
        objective.export(made, record)
        (made / ORIGIN).write_text(to_toml(settings), encoding="utf-8")
        (made / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return out


def _origin(model: Path) -> dict[str, Any]:
    """The tables that a model was trained by."""
    if not (model / ORIGIN).is_file():
        raise BadModel(f"{model} has no {ORIGIN}: give a CONFIG.toml beside the model")
    return read_toml(model / ORIGIN)


def _spelt_out(override: str) -> str:
    """`data=FOLDER` as `data.train=FOLDER`; a whole table stays one."""
    key, _, value = override.partition("=")
    is_folder = key.strip() == "data" and not value.lstrip().startswith("{")
    return f"data.train={value}" if is_folder else override


def _tuning_tables(model: Path, overrides: Sequence[str]) -> dict[str, Any]:
    """The tables that a model was trained by, made to fit other notes."""
    own = _origin(model)
    own.pop("bank", None)  # its names and sets are those of the notes it was trained on
    settings_from(own, where=str(model / ORIGIN))  # refuses what a hostile model says of itself
    notes = own.get("data", {})
    if any(override.startswith(("data=", "data.train=")) for override in overrides):
        notes.pop("validation", None)
        own["loop"] = own.get("loop", {}) | tuning_of(own.get("family"), str(model / ORIGIN))
    tables = with_overrides(own, overrides)
    for key in ("train", "validation"):
        folders = notes.get(key) or []
        if folders != tables.get("data", {}).get(key):
            continue
        for folder in [folders] if isinstance(folders, str) else folders:
            if not Path(folder).is_dir():
                raise BadConfig(
                    f"{model.name} was trained with {folder}, which is not here: "
                    "give notes to go on with, data=FOLDER"
                )
    return tables
