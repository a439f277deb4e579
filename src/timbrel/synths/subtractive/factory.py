"""The patches that come with `subtractive`: a bank for each category, as TOML that people read."""

from __future__ import annotations

from pathlib import Path

from timbrel.synths.formats.file_bytes import read_file
from timbrel.synths.formats.readable import read_readable
from timbrel.synths.patch import CATEGORIES, Patch
from timbrel.synths.subtractive.knobs import PARAMETERS

_FOLDER = Path(__file__).with_name("factory")


def factory_banks() -> list[tuple[str, list[Patch]]]:
    """A bank for each category, named like it.

    >>> [name for name, _ in factory_banks()][:3]
    ['bass', 'lead', 'pad']
    """
    return [(name, _bank(_FOLDER / f"{name}.toml")) for name in CATEGORIES]


def _bank(file: Path) -> list[Patch]:
    return read_file(file, lambda data: read_readable(data, lambda _: PARAMETERS))
