"""Pictures of several sounds side by side, so that they can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jaxtyping import Float
from matplotlib.figure import Figure, SubFigure
from torch import Tensor

from timbrel.picture.canvas import sheet
from timbrel.picture.panels import draw_mel, draw_waveform

_MOST_COLUMNS = 9
_LONGEST_NAME = 28


def draw_takes(
    path: Path, names: Sequence[str], sounds: Sequence[Float[Tensor, " _"]], sample_rate: int,
    title: str = "",
) -> Path:  # fmt: skip
    """Wave and mel spectrogram of each sound; of many, nine evenly spread ones."""
    width = 1.4 + max(1.55 * min(len(sounds), _MOST_COLUMNS), 6.0)
    with sheet(path, width, 3.6 + 0.4 * bool(title), title) as figure:
        draw_row(figure, names, sounds, sample_rate)
    return path


def draw_row(
    figure: Figure | SubFigure,
    names: Sequence[str],
    sounds: Sequence[Float[Tensor, " _"]],
    sample_rate: int,
) -> None:
    """The sounds in one row, all on the same axes."""
    shown = _spread(len(sounds), _MOST_COLUMNS)
    grid = figure.subplots(
        2, len(shown), squeeze=False, sharex="all", sharey="row", height_ratios=(1, 3)
    )
    longest_s = max(len(sounds[i]) for i in shown) / sample_rate
    peak = max(float(sounds[i].abs().max()) for i in shown)
    for (wave, mel), i in zip(grid.T, shown, strict=True):
        draw_waveform(wave, sounds[i], sample_rate)
        draw_mel(mel, sounds[i], sample_rate)
        wave.set_title(_shortened(names[i]))
        wave.set(xlim=(0, longest_s), ylim=(-1.1 * peak, 1.1 * peak))
        wave.tick_params(labelbottom=False, bottom=False)
        mel.set_xlabel("time (s)")
        if i:
            wave.set_ylabel("")
            mel.set_ylabel("")


def _spread(count: int, most: int) -> list[int]:
    """At most `most` evenly spread places of `count`, both ends among them."""
    if count <= most:
        return list(range(count))
    return [round(i * (count - 1) / (most - 1)) for i in range(most)]


def _shortened(name: str) -> str:
    """A name, of which each line has room."""
    lines = (
        line if len(line) <= _LONGEST_NAME else f"{line[: _LONGEST_NAME - 1]}…"
        for line in name.split("\n")
    )
    return "\n".join(lines)
