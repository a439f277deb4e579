"""Pictures along the way of a training: the notes that were wanted over those that were said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.mel import FLOOR_DB
from timbrel.picture.canvas import LEVELS, sheet


def draw_pairs(
    true_db: Float[Tensor, "notes mels frames"],
    said_db: Float[Tensor, "notes mels frames"],
    path: Path,
    names: Sequence[str] = (),
) -> None:
    """True log-mels over those that the weights say, as a PNG.

    Both of a pair are drawn in dB under the true one's loudest band, so that a wrong level shows.
    """
    with sheet(path, 2.2 * len(true_db), 4.4) as figure:
        axes = figure.subplots(2, len(true_db), squeeze=False)
        for column, pair in enumerate(zip(true_db, said_db, strict=True)):
            loudest_db = float(pair[0].max())
            for axis, mel in zip(axes[:, column], pair, strict=True):
                axis.imshow(
                    mel.numpy(), origin="lower", cmap=LEVELS, aspect="auto",
                    vmin=loudest_db + FLOOR_DB, vmax=loudest_db,
                )  # fmt: skip
                axis.set(xticks=[], yticks=[])
                axis.grid(visible=False)
        for axis, name in zip(axes[0], names, strict=False):
            axis.set_title(name, fontsize=7)
        axes[0, 0].set_ylabel("true")
        axes[1, 0].set_ylabel("said")
