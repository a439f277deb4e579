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
    db_to_power,
    hz_to_midi,
    midi_to_hz,
    parse_pitch,
    pitch_name,
    power_to_db,
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


@pytest.mark.parametrize("power", [1e-12, 0.5, 1.0, 7.0, 1e6])
def test_power_and_its_level_are_librosas_and_each_others_inverse(power: float) -> None:
    level_db = power_to_db(power)
    assert level_db == pytest.approx(librosa.power_to_db(power, amin=1e-20, top_db=None))
    assert db_to_power(level_db) == pytest.approx(power)
    assert power_to_db(np.array([power]))[0] == level_db
    exact = torch.tensor(power, dtype=torch.float64)
    assert power_to_db(exact).item() == pytest.approx(level_db)
    assert power_to_db(power**2) == pytest.approx(amplitude_to_db(power))


def test_every_key_has_a_name_that_is_read_back() -> None:
    assert [parse_pitch(pitch_name(pitch)) for pitch in range(128)] == list(range(128))
    assert (pitch_name(0), pitch_name(127), parse_pitch("B♭3"), parse_pitch("cb4")) == (
        "C-1", "G9", 58, 59,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["", "H4", "C", "4", "C10", "Cb-1", "G#9", "C##4", " C4"])
def test_what_is_no_name_of_a_key_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"is no note: wanted a name like F#3|beyond the MIDI"):
        parse_pitch(name)


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
