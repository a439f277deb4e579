"""Tiny phrase sets: gliding tones whose brightness tells their instruments apart."""

from __future__ import annotations

from pathlib import Path

import torch

from timbrel.audio import write_audio

RATE = 16000


def glide(seconds: float, low_hz: float, slope: float = 1.0) -> torch.Tensor:
    """An octave up; harmonic k has the amplitude k^-slope."""
    time_s = torch.arange(round(seconds * RATE), dtype=torch.float64) / RATE
    cycles = (low_hz * 2 ** (time_s / seconds)).cumsum(0) / RATE
    order = torch.arange(1, 9, dtype=torch.float64)[:, None]
    return (0.1 * (order**-slope * (2 * torch.pi * order * cycles).sin()).sum(0)).float()


def make_phrases(folder: Path, slope: float = 1.0, seconds: float = 1.2) -> Path:
    """A set of one instrument: four phrases to train on and one that is held out."""
    for number in range(5):
        place = folder / ("valid" if number == 0 else "train")
        place.mkdir(parents=True, exist_ok=True)
        write_audio(place / f"{number}.wav", glide(seconds, 110.0 * 1.2**number, slope), RATE)
    return folder
