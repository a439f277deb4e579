"""The picture of a recording's melody, to see whether it was heard right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from torch import Tensor

from timbrel.dsp.clearness import SURE, pitched
from timbrel.picture.canvas import BLUE, GREY, INK, ORANGE, sheet
from timbrel.picture.panels import (
    draw_loudness,
    draw_mel,
    draw_pitch,
    draw_waveform,
    picture_scale,
)
from timbrel.sound import Performance
from timbrel.units import hz_to_midi


def draw_melody(
    path: Path,
    title: str,
    audio: Float[Tensor, " time"],
    sample_rate: int,
    melody: Performance,
    other: Performance | None = None,
) -> Path:
    """Wave, spectrogram with the pitch over it, pitch, confidence and loudness on one time axis.

    Args:
        path: of the picture.
        title: of it.
        audio: mono.
        sample_rate: in Hz.
        melody: heard in it.
        other: what a second tracker heard, drawn in blue.
    """
    with sheet(path, 10.0, 9.0, title) as figure:
        wave, mel, pitch, confidence, loudness = figure.subplots(
            5, 1, sharex=True, height_ratios=(0.9, 2.6, 2.2, 0.7, 1.1)
        )
        draw_waveform(wave, audio, sample_rate)
        draw_mel(mel, audio, sample_rate)
        _draw_over(mel, melody, picture_scale(len(audio), sample_rate).centres_hz().numpy())
        draw_pitch(pitch, melody.f0_hz, melody.confidence, melody.frame_rate)
        _draw_unsure(pitch, melody)
        _draw_confidence(confidence, melody, ORANGE)
        if other is not None:
            _draw_other(pitch, other)
            _draw_confidence(confidence, other, BLUE)
        draw_loudness(loudness, melody.loudness_db, melody.frame_rate)
        loudness.set_xlim(0, len(audio) / sample_rate)
        loudness.set_xlabel("time (s)")
        figure.align_ylabels()
    return path


def _times_s(melody: Performance) -> np.ndarray:
    return np.arange(len(melody.f0_hz)) / melody.frame_rate


def _draw_over(axes: Axes, melody: Performance, centres_hz: np.ndarray) -> None:
    """The pitch where it lies in the spectrogram: on the lowest line, if it is right."""
    height = np.interp(melody.f0_hz.numpy(), centres_hz, np.arange(len(centres_hz)) + 0.5)
    sure = pitched(melody).numpy()
    axes.plot(_times_s(melody), np.where(sure, height, np.nan), color=ORANGE, linewidth=1)


def _draw_unsure(axes: Axes, melody: Performance) -> None:
    """Every guess as a dot, so that those that are not believed can be seen too."""
    found = melody.f0_hz > 0
    pitch = torch.where(found, hz_to_midi(melody.f0_hz.clamp_min(1.0)), torch.nan)
    axes.plot(_times_s(melody), pitch.numpy(), ".", color=GREY, markersize=1.5, zorder=1)


def _draw_other(axes: Axes, melody: Performance) -> None:
    pitch = torch.where(pitched(melody), hz_to_midi(melody.f0_hz.clamp_min(1.0)), torch.nan)
    axes.plot(_times_s(melody), pitch.numpy(), color=BLUE, linewidth=0.8)


def _draw_confidence(axes: Axes, melody: Performance, colour: str) -> None:
    axes.plot(_times_s(melody), melody.confidence.numpy(), color=colour, linewidth=0.8)
    axes.axhline(SURE, color=INK, linewidth=0.6, linestyle=(0, (4, 3)))
    axes.set(ylim=(-0.03, 1.05), yticks=(0, 0.5, 1))
    axes.set_ylabel("confidence")
