"""The patches that come with `subtractive`: a bank for each category, as TOML that people read."""

from __future__ import annotations

from pathlib import Path

from timbrel.synths.files import read_patches
from timbrel.synths.patch import CATEGORIES, Patch

_FOLDER = Path(__file__).with_name("factory")


def factory_banks() -> list[tuple[str, list[Patch]]]:
    """A bank for each category, named like it.

    >>> [name for name, _ in factory_banks()][:3]
    ['bass', 'lead', 'pad']
    """
    return [(name, read_patches(_FOLDER / f"{name}.toml")) for name in CATEGORIES]
