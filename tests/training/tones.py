"""A tiny note set of synthetic tones whose brightness, level and length are known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from timbrel.data.notes.nsynth_layout import example, note_name, write_examples

SLOPES = {
    "string_acoustic_000": 0.5,
    "reed_acoustic_001": 1.0,
    "keyboard_electronic_002": 2.0,
    "flute_acoustic_003": 4.0,
}
"""Harmonic k of each instrument has the amplitude k^-slope: the first is the brightest."""

PITCHES = (45, 52, 59, 66, 73)
VELOCITIES = (64, 127)
HOLD_S = 0.4
SECONDS = 0.5


def tone(pitch: int, velocity: int, slope: float) -> np.ndarray:
    """A harmonic tone with a fall of 50 ms after its key is up, as loud as it was struck."""
    time_s = np.arange(int(SECONDS * 16000)) / 16000
    f0_hz = 440 * 2 ** ((pitch - 69) / 12)
    order = np.arange(1, int(7000 / f0_hz) + 1)[:, None]
    sound = (order**-slope * np.sin(2 * np.pi * f0_hz * order * time_s)).sum(0)
    fall = np.clip(1 - (time_s - HOLD_S) / 0.05, 0, 1)
    return 0.7 * velocity / 127 * fall * sound / np.abs(sound).max()


def make_tones(
    folder: Path, instruments: Sequence[str] = tuple(SLOPES), pitches: Sequence[int] = PITCHES
) -> Path:
    """The set in NSynth's layout."""
    (folder / "audio").mkdir(parents=True)
    entries = []
    for number, instrument in enumerate(instruments):
        family, source, _ = instrument.split("_")
        for pitch in pitches:
            for velocity in VELOCITIES:
                name = note_name(instrument, pitch, velocity)
                audio = tone(pitch, velocity, SLOPES.get(instrument, 1.0))
                soundfile.write(folder / "audio" / f"{name}.wav", audio, 16000, subtype="PCM_16")
                entries.append(
                    example(
                        name, instrument, number, family=family, source=source, pitch=pitch,
                        velocity=velocity, sample_rate=16000, hold_s=HOLD_S,
                    )
                )  # fmt: skip
    write_examples(folder, entries)
    return folder
