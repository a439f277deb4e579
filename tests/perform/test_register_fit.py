"""How a performance is brought into a register: octaves and decibels, counted by hand."""

from __future__ import annotations

import math

import pytest
import torch

from timbrel.errors import BadAudio
from timbrel.perform.register_fit import Fit, fit_to_register, fitted
from timbrel.sound import Performance, Register
from timbrel.units import midi_to_hz

FLUTE = Register(60.0, 96.0, -50.0, -20.0)


def sung(*notes: tuple[float, float], confidence: float = 1.0) -> Performance:
    """A second of each (pitch, loudness)."""
    pitch = torch.tensor([note[0] for note in notes]).repeat_interleave(200)
    loudness = torch.tensor([note[1] for note in notes]).repeat_interleave(200)
    return Performance(midi_to_hz(pitch), loudness, torch.full_like(pitch, confidence), 200.0)


@pytest.mark.parametrize(
    ("pitch", "octaves"),
    [(60.0, 0), (59.6, 0), (59.0, 1), (48.0, 1), (36.0, 2), (24.0, 3), (96.4, 0), (103.0, -1)],
)
def test_the_fewest_octaves_into_the_range_are_taken(pitch: float, octaves: int) -> None:
    fit = fit_to_register(sung((pitch, -30.0)), FLUTE)
    assert (fit.octaves, fit.inside) == (octaves, 1.0)


def test_most_of_the_time_decides() -> None:
    high = sung((72.0, -30.0), (74.0, -30.0), (50.0, -30.0))
    low = sung((72.0, -30.0), (52.0, -30.0), (50.0, -30.0))
    cello = Register(40.0, 60.0, -50.0, -20.0)
    assert (fit_to_register(high, cello).octaves, fit_to_register(low, cello).octaves) == (-2, 0)
    assert fit_to_register(low, cello).inside == pytest.approx(2 / 3)


def test_what_is_soft_or_has_no_pitch_has_no_say() -> None:
    line, rumble = sung((48.0, -30.0)), sung((20.0, -60.0), (20.0, -60.0), (20.0, -60.0))
    hiss = sung((100.0, -30.0), (100.0, -30.0), confidence=0.2)
    curves = [
        torch.cat([getattr(part, name) for part in (line, rumble, hiss)])
        for name in ("f0_hz", "loudness_db", "confidence")
    ]
    fit = fit_to_register(Performance(*curves, 200.0), FLUTE)
    assert (fit.octaves, fit.inside) == (1, 1.0)


def test_where_no_octave_fits_the_nearest_is_taken() -> None:
    narrow = Register(60.0, 64.0, -50.0, -20.0)
    fit = fit_to_register(sung((31.0, -30.0)), narrow)  # 55 is 5 below, 67 is 3 above
    assert (fit.octaves, fit.inside) == (3, 0.0)


def test_the_loudest_becomes_as_loud_as_the_registers() -> None:
    melody = sung(*[(72.0, -32.0)] * 9, (72.0, -41.0), (72.0, -90.0))
    fit = fit_to_register(melody, FLUTE)
    assert fit.gain_db == pytest.approx(12.0)
    moved = fitted(melody, fit).loudness_db
    assert (float(moved.max()), float(moved[9 * 200])) == pytest.approx((-20.0, -29.0))


def test_a_cough_is_not_the_loudest() -> None:
    curves = sung(*[(72.0, -32.0)] * 10)
    curves.loudness_db[:40] = -12.0
    assert fit_to_register(curves, FLUTE).gain_db == pytest.approx(12.0)


def test_what_was_asked_for_is_done() -> None:
    melody = sung((60.0, -30.0))
    fit = fit_to_register(melody, FLUTE, octaves=-1, gain_db=3.0, semitones=7.0)
    assert fit == Fit(-1, 3.0, 7.0, 0.0, -70.0)
    moved = fitted(melody, fit)
    assert float(moved.f0_hz[0]) == pytest.approx(midi_to_hz(55.0))
    assert float(moved.loudness_db[0]) == pytest.approx(-27.0)


def test_a_transposition_counts_where_octaves_are_sought() -> None:
    assert fit_to_register(sung((55.0, -30.0)), FLUTE, semitones=5.0).octaves == 0
    assert fit_to_register(sung((55.0, -30.0)), FLUTE, semitones=4.0).octaves == 1


def test_a_room_between_notes_is_made_softer_without_a_step() -> None:
    melody = sung(*[(72.0, -30.0)] * 8, (72.0, -69.9), (72.0, -70.1), (72.0, -80.0))
    fit = fit_to_register(melody, FLUTE)
    assert (fit.gain_db, fit.floor_db) == pytest.approx((10.0, -70.0))
    told = fitted(melody, fit).loudness_db[200 * 8 :: 200].tolist()
    assert told == pytest.approx([-59.9, -60.3, -90.0], abs=0.01)


def test_silence_stays_silent_and_no_pitch_stays_none() -> None:
    melody = sung((60.0, -30.0), (60.0, -120.0))
    melody.f0_hz[200:] = 0.0
    moved = fitted(melody, Fit(1, 20.0))
    assert moved.loudness_db[200:].unique().tolist() == [-120.0]
    assert moved.f0_hz[200:].unique().tolist() == [0.0]


def test_noise_is_not_shifted_but_levelled() -> None:
    fit = fit_to_register(sung((30.0, -30.0), confidence=0.1), FLUTE)
    assert fit[:2] == (0, pytest.approx(10.0))
    assert math.isnan(fit.inside)


def test_an_instrument_that_plays_anywhere_takes_it_as_it_is() -> None:
    assert str(fit_to_register(sung((20.0, -50.0)), None)) == "as it is"


@pytest.mark.parametrize("loudness_db", [-120.0, -80.0])
def test_silence_is_refused(loudness_db: float) -> None:
    with pytest.raises(BadAudio, match="nothing sounds in it"):
        fit_to_register(sung((60.0, loudness_db)), FLUTE)


@pytest.mark.parametrize(
    ("fit", "words"),
    [
        (Fit(1, 0.3), "an octave up"),
        (Fit(0, 6.4), "6 dB louder"),
        (Fit(-1, -0.6, -1.0), "an octave down, 1 semitone down, 1 dB softer"),
        (Fit(3, 0.0, 0.5), "3 octaves up, 0.5 semitones up"),
    ],
)
def test_what_was_done_is_said(fit: Fit, words: str) -> None:
    assert str(fit) == words
