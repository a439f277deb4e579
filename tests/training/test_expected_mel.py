"""The mel that courses are expected to have is the one that their sound has."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from timbrel.dsp.mel import MelScale, mel_power
from timbrel.dsp.tracks import Bands, Tracks, silence, synthesise
from timbrel.dsp.tracks.slots import Slots
from timbrel.instruments.harmonic.course import Course
from timbrel.training.harmonic.expected_mel import ExpectedMel, mel_scale_for
from timbrel.units import midi_to_hz

RATE = 16000
SLOTS, BANDS = Slots(250), Bands(RATE)


@pytest.fixture(scope="module")
def expected() -> ExpectedMel:
    return ExpectedMel(SLOTS, BANDS)


def measured_db(note: Tracks) -> torch.Tensor:
    """Mel of several takes of a steady note, each with other phases and noise, in dB."""
    generator = torch.Generator().manual_seed(0)
    powers = []
    for take in range(4):
        start = torch.rand(note.n_harmonics, generator=generator)
        sound = synthesise(note, RATE, start=start, noise_start=torch.tensor(7919 * take))
        powers.append(mel_power(sound)[:, 4:-4].mean(1))
    return 10 * torch.stack(powers).mean(0).log10()


def expected_db(expected: ExpectedMel, note: Tracks, pitch: float) -> torch.Tensor:
    partial_db = SLOTS.pooled(note.harmonic_db[:1])
    course = Course(partial_db[None], note.noise_db[None, :1])
    return 10 * expected(course, torch.tensor([pitch]))[0, 0].log10()


@pytest.mark.parametrize("pitch", [45.0, 60.0, 81.0])
def test_partials_and_noise_as_they_are_measured(expected: ExpectedMel, pitch: float) -> None:
    n_harmonics = min(32, int(7000 / midi_to_hz(pitch)))
    note = silence(frames=801, harmonics=n_harmonics, bands=40)
    note = replace(
        note,
        f0_hz=torch.full((801,), midi_to_hz(pitch)),
        harmonic_db=(-20 - 10 * torch.arange(1, n_harmonics + 1).log2()).expand(801, -1).clone(),
        noise_db=(-75 + 10 * BANDS.widths_hz().log10() - 10).expand(801, -1).clone(),
    )
    off_db = expected_db(expected, note, pitch) - measured_db(note)
    assert off_db.mean().abs() < 0.2
    assert off_db.abs().mean() < 0.2


def test_noise_alone(expected: ExpectedMel) -> None:
    note = silence(frames=1601, harmonics=1, bands=40)
    slope_db = -30 - 0.5 * torch.arange(40.0)
    note = replace(note, noise_db=slope_db.expand(1601, -1).clone())
    off_db = expected_db(expected, note, 60.0) - measured_db(note)
    assert off_db.mean().abs() < 0.2
    assert off_db.abs().mean() < 0.4


def test_partials_beyond_nyquist_are_not_heard(expected: ExpectedMel) -> None:
    partial_db = torch.full((1, 1, SLOTS.n_slots), -110.0)
    partial_db[..., 31] = 0.0
    course = Course(partial_db, torch.full((1, 1, 40), -110.0))
    assert expected(course, torch.tensor([100.0])).max() < 1e-4
    assert expected(course, torch.tensor([40.0])).max() > 1


@pytest.mark.parametrize("rate", [44100, 48000])
def test_scales_of_other_rates_have_the_same_windows(rate: int) -> None:
    scale = mel_scale_for(rate)
    assert scale.n_mels == 106
    assert scale.n_fft / rate == pytest.approx(1024 / 16000, rel=1e-3)
    assert scale.hop_length / rate == pytest.approx(256 / 16000, rel=1e-2)
    assert scale.maximum_hz == 20000
    assert mel_scale_for(16000) == MelScale()
