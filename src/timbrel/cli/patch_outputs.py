"""Patches that a verb found, written in the formats that their synthesizer loads."""

from __future__ import annotations

from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from timbrel.synths import Patch, Synth
from timbrel.synths.files import write_patch
from timbrel.synths.plugin import Plugin


def write_vector(
    folder: Path, name: str, synth: Synth, vector: Float[Tensor, " params"], author: str
) -> list[Path]:
    """A patch as files called by a name, one of each format."""
    patch = Patch(name, synth.name, synth.parameters.values(vector), author=f"timbrel, {author}")
    paths = []
    for ending in _endings(synth):
        paths.append(folder / f"{name}{ending}")
        write_patch(paths[-1], patch, synth)
    return paths


def _endings(synth: Synth) -> tuple[str, ...]:
    """Of the files that a synthesizer's patch is written to: its own, if it has any, and ours."""
    if synth.name == "vital":
        return (".vital",)
    has_fxp = synth.name == "amsynth" or (isinstance(synth, Plugin) and synth.plugin_id)
    return (".fxp", ".toml") if has_fxp else (".toml",)


def numbered(stem: str, number: int, count: int) -> str:
    """The name of one of several files; a single one has no number."""
    return stem if count == 1 else f"{stem}_{number}"
