"""Patches that a verb found, written in the formats that their synthesizer loads."""

from __future__ import annotations

from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from timbrel.synths import Patch, Synth
from timbrel.synths.files import write_patch

_ENDINGS = {"subtractive": (".toml",), "vital": (".vital",)}
_ENDINGS_OF_PLUG_INS = (".fxp", ".toml")


def write_vector(
    folder: Path, name: str, synth: Synth, vector: Float[Tensor, " params"], author: str
) -> list[Path]:
    """A patch as files called by a name, one of each format."""
    patch = Patch(name, synth.name, synth.parameters.values(vector), author=f"timbrel, {author}")
    paths = []
    for ending in _ENDINGS.get(synth.name, _ENDINGS_OF_PLUG_INS):
        paths.append(folder / f"{name}{ending}")
        write_patch(paths[-1], patch, synth)
    return paths


def numbered(stem: str, number: int, count: int) -> str:
    """The name of one of several files; a single one has no number."""
    return stem if count == 1 else f"{stem}_{number}"
