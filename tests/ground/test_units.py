"""Conversions against their definitions, on floats, arrays and tensors alike."""

from __future__ import annotations

import math

import librosa
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from timbrel.units import (
    amplitude_to_db,
    cents_between,
    db_to_amplitude,
    hz_to_midi,
    midi_to_hz,
)

FEW = settings(deadline=None, max_examples=30)


@pytest.mark.parametrize(("pitch", "hz"), [(69, 440.0), (57, 220.0), (60, 261.6256), (21, 27.5)])
def test_notes_of_the_piano(pitch: float, hz: float) -> None:
    assert midi_to_hz(pitch) == pytest.approx(hz, rel=1e-6)
    assert hz_to_midi(hz) == pytest.approx(pitch, abs=1e-5)


def test_decibels_of_an_amplitude() -> None:
    assert db_to_amplitude(20.0) == 10.0
    assert db_to_amplitude(-20 * math.log10(2)) == pytest.approx(0.5)
    assert amplitude_to_db(0.001) == pytest.approx(-60.0)


def test_a_semitone_is_a_hundred_cents_and_has_a_sign() -> None:
    assert cents_between(440 * 2 ** (1 / 12), 440.0) == pytest.approx(100.0)
    assert cents_between(440.0, 440 * 2 ** (1 / 12)) == pytest.approx(-100.0)


@FEW
@given(st.floats(0, 127))
def test_pitch_comes_back(pitch: float) -> None:
    assert hz_to_midi(midi_to_hz(pitch)) == pytest.approx(pitch, abs=1e-9)


@FEW
@given(st.floats(-200, 200))
def test_level_comes_back(level_db: float) -> None:
    assert amplitude_to_db(db_to_amplitude(level_db)) == pytest.approx(level_db, abs=1e-9)


def test_arrays_and_tensors_agree_with_floats_and_with_librosa() -> None:
    pitch = np.array([0.0, 33.3, 60.0, 127.0])
    hz = midi_to_hz(pitch)
    np.testing.assert_allclose(hz, librosa.midi_to_hz(pitch), rtol=1e-12)
    np.testing.assert_allclose(hz_to_midi(hz), librosa.hz_to_midi(hz), atol=1e-10)
    tensor = midi_to_hz(torch.from_numpy(pitch))
    np.testing.assert_allclose(tensor.numpy(), hz, rtol=1e-12)
    np.testing.assert_allclose(hz_to_midi(tensor).numpy(), pitch, atol=1e-10)
    assert [midi_to_hz(float(p)) for p in pitch] == pytest.approx(hz.tolist())


def test_gradients_pass() -> None:
    """d hz / d pitch = hz ln 2 / 12."""
    pitch = torch.tensor(69.0, requires_grad=True)
    midi_to_hz(pitch).backward()
    assert pitch.grad is not None
    assert float(pitch.grad) == pytest.approx(440 * math.log(2) / 12)
