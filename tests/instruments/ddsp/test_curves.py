"""Melodies of notes, and the manner measured on melodies: each undoes the other."""

from __future__ import annotations

import pytest
import torch

from timbrel.dsp.listening import FRAME_RATE
from timbrel.dsp.loudness import SILENCE_DB
from timbrel.errors import BadAudio
from timbrel.instruments.ddsp.curves import BEGINS_S, melodies_of, vibrato_cents
from timbrel.instruments.ddsp.knobs import CONTROLS, Knobs
from timbrel.instruments.ddsp.measuring import measured_manner
from timbrel.instruments.ddsp.timbre_layout import Layout, Manner
from timbrel.sound import Notes, Performance
from timbrel.units import hz_to_midi

STILL = Knobs(vibrato_depth=0.0)


def manner(count: int = 1, **changed: float) -> Manner:
    numbers = {
        "lowest_pitch": 48.0, "highest_pitch": 84.0, "softest_db": -40.0, "loudest_db": -15.0,
        "attack_s": 0.05, "fall_db_s": 0.0, "release_s": 0.2,
    } | changed  # fmt: skip
    return Manner(*(torch.full((count,), value) for value in numbers.values()))


def at(curve: torch.Tensor, time_s: float) -> float:
    return float(curve[round(time_s * FRAME_RATE)])


def test_knobs_have_a_field_for_each_control():
    assert Knobs() == Knobs(**{control.name: control.default for control in CONTROLS})


def test_a_note_comes_up_holds_and_dies_away():
    melodies = melodies_of(Notes.of(60, 1.0, 0.5), manner(), STILL)
    (loudness,) = melodies.asked.loudness_db
    assert at(loudness, 0.0) == pytest.approx(-75)
    assert at(loudness, 0.05) == pytest.approx(-15)
    assert at(loudness, 0.5) == pytest.approx(-15)
    assert at(loudness, 0.6) == pytest.approx(-45)
    assert int(melodies.n_frames[0]) == 1 + 0.7 * FRAME_RATE
    assert float(loudness[-1]) == SILENCE_DB


def test_velocity_goes_through_the_register():
    notes = Notes.of(60, [0.0, 0.5, 1.0], 0.5)
    peaks = melodies_of(notes, manner(3), STILL).asked.loudness_db.amax(1)
    assert peaks.tolist() == pytest.approx([-40, -27.5, -15])
    # however evenly it was played, and whichever end is said first
    even = melodies_of(notes, manner(3, softest_db=-15.0, loudest_db=-17.0), STILL)
    assert even.asked.loudness_db.amax(1).tolist() == pytest.approx([-33, -24, -15])


def test_what_is_plucked_falls_until_its_key_is_up():
    (loudness,) = melodies_of(
        Notes.of(60, 1.0, 1.0), manner(fall_db_s=20.0), STILL
    ).asked.loudness_db
    assert at(loudness, 0.1) - at(loudness, 0.6) == pytest.approx(10, abs=1e-3)
    assert at(loudness, 1.05) == pytest.approx(at(loudness, 1.0) - 15, abs=1e-3)


def test_knobs_stretch_attack_and_release():
    slow = Knobs(vibrato_depth=0.0, attack=4.0, release=2.0)
    melodies = melodies_of(Notes.of(60, 1.0, 0.5), manner(), slow)
    (loudness,) = melodies.asked.loudness_db
    assert at(loudness, 0.05) < -35
    assert at(loudness, 0.2) == pytest.approx(-15)
    assert int(melodies.n_frames[0]) == 1 + 0.9 * FRAME_RATE


def test_vibrato_comes_in_late():
    time_s = torch.arange(400) / FRAME_RATE
    cents = vibrato_cents(time_s, Knobs(vibrato_depth=40.0, vibrato_rate=5.0))
    assert float(cents[: round(BEGINS_S * FRAME_RATE)].abs().max()) == 0
    assert float(cents[200:].max()) == pytest.approx(40, rel=1e-3)
    upward = ((cents[:-1] <= 0) & (cents[1:] > 0)).nonzero()[:, 0]
    assert float(upward.diff().float().mean()) == pytest.approx(FRAME_RATE / 5, rel=0.02)


def test_pitch_follows_the_bend():
    notes = Notes(
        torch.tensor([60.0]), torch.tensor([0.8]), torch.tensor([0.3]), torch.full((1, 2), 2.0)
    )
    pitch = hz_to_midi(melodies_of(notes, manner(), STILL).asked.f0_hz)
    torch.testing.assert_close(pitch, torch.full_like(pitch, 62.0), atol=1e-3, rtol=0)


def test_the_manner_that_notes_were_played_in_is_measured():
    played = manner(24, fall_db_s=15.0, attack_s=0.08, release_s=0.3)
    pitches = torch.linspace(50, 80, 24)
    notes = Notes(pitches, torch.linspace(0.5, 1, 24), torch.full((24,), 0.6))
    asked = melodies_of(notes, played, STILL).asked
    quiet = torch.full((24, 20), SILENCE_DB)
    loudness = torch.cat([quiet, asked.loudness_db], 1).flatten()
    f0_hz = torch.nn.functional.pad(asked.f0_hz, (20, 0), value=100.0).flatten()
    sure = (loudness > -80).float()
    found = measured_manner([Performance(f0_hz, loudness, sure, FRAME_RATE)])
    assert float(found.lowest_pitch) == pytest.approx(50, abs=1.5)
    assert float(found.highest_pitch) == pytest.approx(80, abs=1.5)
    assert float(found.loudest_db) == pytest.approx(-17, abs=2)
    assert float(found.fall_db_s) == pytest.approx(15, abs=0.5)
    # from 50 dB under the loudest to 3 dB under the note
    assert 0.03 < float(found.attack_s) <= 0.08
    assert float(found.release_s) == pytest.approx(0.3, rel=0.15)


def test_one_note_has_a_register_of_an_octave():
    curve = torch.ones(200)
    found = measured_manner([Performance(440 * curve, -20 * curve, curve, FRAME_RATE)])
    assert found.register == pytest.approx((63, 75, -38, -20), abs=0.01)
    assert float(found.fall_db_s) == 0


def test_no_melody_has_no_manner():
    with pytest.raises(BadAudio, match="no melody is heard"):
        measured_manner([Performance(*torch.zeros(3, 100), frame_rate=FRAME_RATE)])


def test_a_timbre_is_taken_apart_and_put_together():
    layout = Layout(3)
    latent, played = torch.randn(2, 3), manner(2)
    timbre = layout.timbre(latent, played)
    assert timbre.shape == (2, layout.space.size)
    assert torch.equal(layout.latent_of(timbre), latent)
    for got, wanted in zip(layout.manner_of(timbre), played, strict=True):
        assert torch.equal(got, wanted)
    assert Layout(0).space.size == layout.space.size - 3
