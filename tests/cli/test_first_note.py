"""A phrase is heard as its first note, and that is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from timbrel.units import midi_to_hz

RATE = 16000


def held(pitches: list[float], seconds: float) -> np.ndarray:
    """Notes without a gap, of four harmonics each."""
    curve = np.repeat(pitches, round(seconds * RATE))
    phase = 2 * np.pi * np.cumsum(440.0 * 2 ** ((curve - 69) / 12)) / RATE
    return 0.3 * sum(np.sin(k * phase) / k for k in range(1, 5))


def test_a_morph_of_a_phrase_has_the_pitch_of_its_first_note(timbrel: Any) -> None:
    soundfile.write("phrase.wav", held([60.0, 64.0, 67.0], 0.6), RATE)
    soundfile.write("b.wav", held([48.0], 0.5), RATE)
    ran = timbrel("morph", "phrase.wav", "b.wav", "--alpha", "0", "--model", "sine")
    assert ran.err[0].startswith("timbrel: phrase.wav holds several notes: the first is heard, 0.")
    audio, _ = soundfile.read(Path(ran.paths[0]))
    strongest = np.argmax(np.abs(np.fft.rfft(audio * np.hanning(len(audio)), 1 << 18)))
    assert strongest * RATE / (1 << 18) == pytest.approx(midi_to_hz(60.0), rel=0.01)
