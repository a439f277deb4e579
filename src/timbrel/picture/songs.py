"""The picture of a song: its notes above its sound."""

from __future__ import annotations

from pathlib import Path

from jaxtyping import Float
from matplotlib.figure import Figure, SubFigure
from torch import Tensor

from timbrel.midi import Score
from timbrel.picture.canvas import sheet
from timbrel.picture.panels import draw_mel, draw_notes, draw_waveform


def draw_song(path: Path, score: Score, audio: Float[Tensor, " time"], sample_rate: int) -> Path:
    """Piano roll, wave and mel spectrogram of a rendered score."""
    with sheet(path, 10.0, 6.4) as figure:
        draw_song_row(figure, score, audio, sample_rate)
    return path


def draw_song_row(
    figure: Figure | SubFigure, score: Score, audio: Float[Tensor, " time"], sample_rate: int
) -> None:
    """The same, in a part of a figure."""
    notes, wave, mel = figure.subplots(3, 1, sharex=True, height_ratios=(3, 1, 2))
    draw_notes(notes, score)
    draw_waveform(wave, audio, sample_rate)
    draw_mel(mel, audio, sample_rate)
    notes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=6, borderaxespad=0.2)
    notes.set_xlim(0, len(audio) / sample_rate)
    mel.set_xlabel("time (s)")
