"""The picture of a transfer: what was heard above what was made of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from torch import Tensor

from timbrel.dsp.clearness import pitched
from timbrel.dsp.listening import follow
from timbrel.picture.canvas import GREY, INK, ORANGE, sheet
from timbrel.picture.panels import draw_mel, picture_scale
from timbrel.sound import Performance

_SHOWN_DB = 60.0
_SUDDEN = 0.03
"""A change of pitch by more, in logarithms, is a new note: no line leads there."""


def draw_transfer(
    path: Path,
    names: Sequence[str],
    sounds: Sequence[Float[Tensor, " _"]],
    sample_rate: int,
    melodies: Sequence[Performance],
) -> Path:
    """Spectrograms of a recording and its transfer, each with its pitch and loudness over it.

    Args:
        path: of the picture.
        names: of the two sounds.
        sounds: the recording and the transfer.
        sample_rate: of both, in Hz.
        melodies: what was heard, and what the instrument was told: grey where the transfer does
            otherwise.
    """
    longest_s = max(len(sound) for sound in sounds) / sample_rate
    with sheet(path, 10.0, 8.0) as figure:
        rows = figure.subplots(4, 1, sharex=True, height_ratios=(2.4, 1, 2.4, 1))
        for number, (name, sound, told) in enumerate(zip(names, sounds, melodies, strict=True)):
            spectrum, loudness = rows[2 * number], rows[2 * number + 1]
            heard = follow(sound, sample_rate)
            draw_mel(spectrum, sound, sample_rate)
            _draw_line(spectrum, heard, len(sound), sample_rate)
            _draw_loudness(loudness, told.loudness_db, told.frame_rate, GREY)
            _draw_loudness(loudness, heard.loudness_db, heard.frame_rate, INK)
            spectrum.set_title(name, loc="left")
        rows[-1].set_xlim(0, longest_s)
        rows[-1].set_xlabel("time (s)")
        figure.align_ylabels()
    return path


def _draw_line(axes: Axes, melody: Performance, length: int, sample_rate: int) -> None:
    """The pitch on the bands of a mel spectrogram."""
    centres_hz = np.log(picture_scale(length, sample_rate).centres_hz().numpy())
    loud = melody.loudness_db > melody.loudness_db.max() - _SHOWN_DB
    shown = pitched(melody) & loud
    log_hz = melody.f0_hz.clamp_min(1).log().numpy()
    heights = np.interp(log_hz, centres_hz, np.arange(len(centres_hz)) + 0.5)
    leaps = np.abs(np.diff(log_hz, append=log_hz[-1])) > _SUDDEN
    heights[~shown.numpy() | leaps] = np.nan
    times_s = np.arange(len(heights)) / melody.frame_rate
    axes.plot(times_s, heights, color=ORANGE, linewidth=1.2)


def _draw_loudness(
    axes: Axes, loudness_db: Float[Tensor, " frames"], frame_rate: float, colour: str
) -> None:
    top = float(loudness_db.max()) + 3
    times_s = torch.arange(len(loudness_db)) / frame_rate
    axes.plot(times_s.numpy(), loudness_db.clamp_min(top - _SHOWN_DB).numpy(), color=colour)
    axes.set_ylabel("loudness (dBA)")
