"""Patches that a verb found: files that their synthesizer loads, and a picture of their sounds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from timbrel.cli.play.patch_files import narrow, patch_endings
from timbrel.instruments.preset.hearing.heard import SAMPLE_RATE
from timbrel.picture.takes import draw_takes
from timbrel.synths import Patch, Synth
from timbrel.synths.files import write_patch

_HEARD = 1e-3
"""Of a sound's peak: what is softer from there on is its end."""

_MARGIN_S = 0.1
_SILENT = 1e-6
_SHOWN_PEAK = 0.99


def write_found(
    folder: Path, stem: str, synth: Synth, patches: Sequence[Patch]
) -> list[list[Path]]:
    """Patches as files of each format that their synthesizer has; several are numbered."""
    written = []
    for patch, names in zip(patches, found_names(stem, synth, len(patches)), strict=True):
        paths = [folder / name for name in names]
        for path in paths:
            write_patch(path, patch, synth)
        written.append(paths)
    return written


def found_names(stem: str, synth: Synth, count: int) -> list[list[str]]:
    """What the files of so many patches are called."""
    stems = [stem] if count == 1 else [f"{stem}_{number}" for number in range(1, count + 1)]
    return [[f"{one}{ending}" for ending in patch_endings(synth)] for one in stems]


def patch_name(number: int, text: str) -> str:
    r"""A name that is told apart in a list of patches, which is narrow, whatever a file is called.

    >>> patch_name(2, "my\x07 door")
    '2 my\\x07 door'
    """
    return narrow(f"{number} {text}")


def maker(text: str) -> str:
    """Who made a patch, in a line that stays narrow."""
    return narrow(f"timbrel, {text}")


def draw_beside(path: Path, names: Sequence[str], sounds: Sequence[Float[Tensor, " _"]]) -> Path:
    """A picture of sounds side by side, as long as one is heard, each relative to its own peak."""
    length = max(map(_end, sounds)) + round(_MARGIN_S * SAMPLE_RATE)
    peaks = [sound.abs().max().clamp_min(_SILENT) for sound in sounds]
    relative = [_SHOWN_PEAK * s[:length] / peak for s, peak in zip(sounds, peaks, strict=True)]
    return draw_takes(path, names, relative, SAMPLE_RATE)


def _end(sound: Float[Tensor, " time"]) -> int:
    """Samples until nothing more is heard."""
    loud = (sound.abs() > _HEARD * sound.abs().max()).nonzero()
    return int(loud.max()) if len(loud) else 0
