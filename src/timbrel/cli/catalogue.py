"""What instruments there are, for `timbrel models`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from timbrel.cli.arguments import DEFAULT_MODEL, Using
from timbrel.cli.timbres import open_timbres
from timbrel.errors import TimbrelError
from timbrel.instruments import load, models


def catalogue() -> list[dict[str, Any]]:
    """A row for each instrument: what it can do, how large it is, and what it knows by name."""
    return [_row(name, folder) for name, folder in sorted(models().items())]


def _row(name: str, folder: Path | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": name,
        "default": "yes" if name == DEFAULT_MODEL else "",
        "family": "",
        "can": "",
        "rate_hz": "",
        "timbre": "",
        "size_mb": round(_bytes(folder) / 1e6, 2),
        "names": "",
        "folder": str(folder or "built in"),
    }
    try:
        instrument = load(name)
        known = open_timbres(Using(model=name)).bank
    except TimbrelError as error:
        return row | {"can": f"broken: {error}"}
    return row | {
        "family": instrument.family,
        "can": ", ".join(["render", *sorted(instrument.abilities)]),
        "rate_hz": instrument.sample_rate,
        "timbre": instrument.timbre_space.size,
        "names": len(known),
    }


def _bytes(folder: Path | None) -> int:
    files = folder.rglob("*") if folder else ()
    return sum(file.stat().st_size for file in files if file.is_file())


def named_timbres(name: str) -> list[dict[str, str]]:
    """A row for each timbre that an instrument knows by name."""
    bank = open_timbres(Using(model=name)).bank
    entries = {known: bank.lookup(known) for known in bank}
    return [
        {"name": known, "kind": entry.kind, "about": entry.about}
        for known, entry in entries.items()
    ]
