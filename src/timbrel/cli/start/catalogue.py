"""What instruments there are, for `timbrel models`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

from timbrel.cli.arguments import DEFAULT_MODEL, DEFAULT_SYNTH, DEFAULT_TARGET, Using
from timbrel.cli.play.targets import FOLLOWING
from timbrel.cli.timbres import open_timbres
from timbrel.errors import TimbrelError
from timbrel.instruments import Instrument, find_model, load, models
from timbrel.timbre import EntryKind

_DEFAULTS = {
    DEFAULT_MODEL: "verbs that play",
    f"{FOLLOWING}{DEFAULT_TARGET}": "transfer",
    f"preset-{DEFAULT_SYNTH}": "match and recommend",
}


def catalogue() -> list[dict[str, Any]]:
    """A row for each instrument, those that verbs play by default first."""
    named = sorted(models().items(), key=lambda item: (item[0] != DEFAULT_MODEL, item[0]))
    return [_row(name, folder) for name, folder in named]


def overview(rows: list[dict[str, Any]]) -> list[str]:
    """The catalogue as lines for people: what each is, and under it where it lies."""
    lines = []
    for row in rows:
        default = f", the default of {row['default_of']}" if row["default_of"] else ""
        lines.append(f"{row['name']}{default}: {row['about']}")
        if "timbre" in row:
            lines.append(f"    can {', '.join(row['can'])}")
            lines.append(
                f"    {row['names']} named timbres of {row['timbre']} numbers, "
                f"{row['rate_hz']} Hz, {row['size_mb']} MB"
            )
        lines.append(f"    {row['folder'] or 'needs no files'}")
    return lines


def one_model(name: str) -> dict[str, Any]:
    """A model's row with its timbres by kind.

    Raises:
        BadModel: there is no such model, or it is damaged.
    """
    instrument = load(name)
    bank = open_timbres(Using(model=name)).bank
    timbres = {f"{kind}s": list(bank.names(kind)) for kind in get_args(EntryKind)}
    return _facts(name, find_model(name)) | _abilities(instrument, len(bank)) | timbres


def _row(name: str, folder: Path | None) -> dict[str, Any]:
    try:
        instrument = load(name)
        known = len(open_timbres(Using(model=name)).bank)
    except TimbrelError as error:
        return _facts(name, folder) | {"about": f"broken: {error}"}
    return _facts(name, folder) | _abilities(instrument, known)


def _facts(name: str, folder: Path | None) -> dict[str, Any]:
    files = folder.rglob("*") if folder else ()
    size = sum(file.stat().st_size for file in files if file.is_file())
    return {
        "name": name,
        "default": name == DEFAULT_MODEL,
        "default_of": _DEFAULTS.get(name),
        "folder": str(folder) if folder else None,
        "size_mb": round(size / 1e6, 2),
    }


def _abilities(instrument: Instrument, known: int) -> dict[str, Any]:
    about = (type(instrument).__doc__ or "").partition("\n")[0].rstrip(".")
    return {
        "family": instrument.family,
        "about": about,
        "can": ["render", *sorted({"play", *instrument.abilities})],
        "rate_hz": instrument.sample_rate,
        "timbre": instrument.timbre_space.size,
        "names": known,
    }
