"""Timbres that are patches, as the files that their synthesizer loads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jaxtyping import Float
from torch import Tensor

from timbrel.cli.output import printable
from timbrel.instruments import Instrument
from timbrel.synths import Patch, Synth
from timbrel.synths.files import PATCH_SUFFIXES, own_suffixes, write_patch
from timbrel.synths.plugin import Plugin

if TYPE_CHECKING:
    from timbrel.instruments.preset import Preset

_LONGEST_NAME = 60


def patch_series(instrument: Instrument) -> tuple[str, ...]:
    """Endings of the files that `write_timbres` may leave beside a sound."""
    return PATCH_SUFFIXES if _player_of_patches(instrument) else ()


def write_timbres(
    folder: Path,
    instrument: Instrument,
    named: Sequence[tuple[str, str]],
    timbres: Float[Tensor, "sounds params"],
) -> list[Path]:
    """Each timbre as a patch, where the instrument is a synthesizer's; nothing otherwise.

    Args:
        folder: for the files.
        instrument: whose timbres they are.
        named: of each, what its files and what the patch is called.
        timbres: as many.
    """
    player = _player_of_patches(instrument)
    if player is None:
        return []
    paths = []
    for (stem, name), vector in zip(named, timbres, strict=True):
        values = player.synth.parameters.values(vector)
        patch = Patch(narrow(name), player.synth.name, values)
        for ending in patch_endings(player.synth):
            write_patch(folder / f"{stem}{ending}", patch, player.synth)
            paths.append(folder / f"{stem}{ending}")
    return paths


def narrow(text: str) -> str:
    """A text as a list of patches has room for it, whatever a file is called."""
    return printable(text)[:_LONGEST_NAME].rstrip()


def patch_endings(synth: Synth) -> tuple[str, ...]:
    """Of the files that a patch is written to; .fxp takes a plug-in whose own name is known."""
    is_nameless = isinstance(synth, Plugin) and not synth.plugin_id
    return (".toml",) if is_nameless else own_suffixes(synth.name)


def _player_of_patches(instrument: Instrument) -> Preset | None:
    if instrument.family != "preset":
        return None
    from timbrel.instruments.preset import Preset

    return instrument if isinstance(instrument, Preset) else None
