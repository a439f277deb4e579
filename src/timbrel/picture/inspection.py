"""The picture of one sound: wave, mel spectrogram, pitch and loudness over the same seconds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from timbrel.picture.canvas import sheet
from timbrel.picture.panels import draw_loudness, draw_mel, draw_pitch, draw_waveform


@dataclass(frozen=True)
class Curves:
    """What is drawn below the spectrogram.

    Attributes:
        f0_hz, confidence: of the pitch, `pitch_rate` frames a second.
        loudness_db: A-weighted, `loudness_rate` frames a second.
    """

    f0_hz: Float[Tensor, " frames"]
    confidence: Float[Tensor, " frames"]
    pitch_rate: float
    loudness_db: Float[Tensor, " loudness_frames"]
    loudness_rate: float


def draw_sound(
    path: Path, title: str, audio: Float[Tensor, " time"], sample_rate: int, curves: Curves
) -> Path:
    """Four panels on one time axis."""
    with sheet(path, 9.0, 7.2, title) as figure:
        wave, mel, pitch, loudness = figure.subplots(
            4, 1, sharex=True, height_ratios=(1.1, 2.6, 1.5, 1.1)
        )
        draw_waveform(wave, audio, sample_rate)
        draw_mel(mel, audio, sample_rate)
        draw_pitch(pitch, curves.f0_hz, curves.confidence, curves.pitch_rate)
        draw_loudness(loudness, curves.loudness_db, curves.loudness_rate)
        loudness.set_xlim(0, len(audio) / sample_rate)
        loudness.set_xlabel("time (s)")
        figure.align_ylabels()
    return path
