"""The demo's picture: a morph, a blend and a song on one sheet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from timbrel.midi import Score
from timbrel.picture.canvas import sheet
from timbrel.picture.songs import draw_song_row
from timbrel.picture.takes import draw_row

Named = tuple[Sequence[str], Sequence[Float[Tensor, " _"]]]


def draw_demo(
    path: Path,
    morph: Named,
    blend: Named,
    song: tuple[Score, Float[Tensor, " time"]],
    sample_rate: int,
) -> Path:
    """Names and sounds of a morph's steps and of a blend; a score and its audio."""
    with sheet(path, 11.0, 11.5) as figure:
        grid = figure.add_gridspec(
            2, 2, height_ratios=(1, 1.6), width_ratios=(len(morph[0]), 1.7 * len(blend[0]))
        )
        left, right = figure.add_subfigure(grid[0, 0]), figure.add_subfigure(grid[0, 1])
        below = figure.add_subfigure(grid[1, :])
        for part, title in ((left, "Morph"), (right, "Blend"), (below, "Song")):
            part.suptitle(title, x=0.02, ha="left", fontweight="bold")
        draw_row(left, *morph, sample_rate)
        draw_row(right, *blend, sample_rate)
        draw_song_row(below, *song, sample_rate)
    return path
