"""The picture of a pad: how bright each cell sounds, and what stands in the corners."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.descriptors import spectral_centroid_hz
from timbrel.picture.canvas import LEVELS, sheet

_PLACES = (
    (0, 1, "left", "bottom"), (1, 1, "right", "bottom"),
    (0, 0, "left", "top"), (1, 0, "right", "top"),
)  # fmt: skip


def draw_pad(
    path: Path,
    names: Sequence[str],
    size: tuple[int, int],
    sounds: Sequence[Float[Tensor, " _"]],
    sample_rate: int,
) -> Path:
    """The spectral centroid of every cell; `size` is columns and rows."""
    columns, rows = size
    centroids_hz = torch.stack([spectral_centroid_hz(sound, sample_rate) for sound in sounds])
    with sheet(path, 6.4, 5.4) as figure:
        axes = figure.subplots()
        # The dullest cell is not white: it must not look like paper.
        low, high = float(centroids_hz.min()), float(centroids_hz.max())
        cells = axes.pcolormesh(
            centroids_hz.reshape(rows, columns).numpy(), cmap=LEVELS, edgecolors="white",
            linewidth=1.5, vmin=low - 0.2 * (high - low), vmax=high,
        )  # fmt: skip
        figure.colorbar(cells, label="spectral centroid (Hz)", shrink=0.8).outline.set_visible(
            False
        )
        axes.set(aspect="equal", ylim=(rows, 0))
        axes.set_axis_off()
        for name, (x, y, across, along) in zip(names, _PLACES, strict=False):
            axes.annotate(
                name, (x, y), (0, 5 if y else -5), xycoords="axes fraction",
                textcoords="offset points", ha=across, va=along, fontweight="bold",
            )  # fmt: skip
    return path
