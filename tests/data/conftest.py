"""Small note sets in NSynth's layout, made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from timbrel.data.notes.nsynth_layout import example, note_name, write_examples

MakeSet = Callable[..., Path]


def entry(
    instrument: str = "keyboard_acoustic_000", pitch: int = 60, **keys: Any
) -> dict[str, Any]:
    family, source, number = instrument.rsplit("_", 2)
    named = example(
        note_name(instrument, pitch, 100),
        instrument,
        int(number),
        family=family,
        source=source,
        pitch=pitch,
        velocity=100,
        sample_rate=16000,
        hold_s=3.0,
    )
    return named | keys


def tone(pitch: float, seconds: float = 0.25, sample_rate: int = 16000) -> np.ndarray:
    phase = np.arange(round(seconds * sample_rate)) * (440 * 2 ** ((pitch - 69) / 12) / sample_rate)
    return (0.5 * np.sin(2 * np.pi * phase)).astype(np.float32)


@pytest.fixture
def make_set(tmp_path: Path) -> MakeSet:
    """Writes entries, and a short tone for each, to a folder."""

    def make(
        entries: list[dict[str, Any]], folder: str = "nsynth-train", seconds: float = 0.25
    ) -> Path:
        home = tmp_path / folder
        (home / "audio").mkdir(parents=True)
        for note in entries:
            path = home / "audio" / f"{note['note_str']}.wav"
            soundfile.write(path, tone(note["pitch"], seconds), 16000, subtype="PCM_16")
        write_examples(home, entries)
        return home

    return make
