"""Filterbank, scale and log-mel against librosa; the ends of the range by construction."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from timbrel.dsp.mel import (
    MelScale,
    denormalise_db,
    hz_to_mel,
    log_mel,
    mel_db,
    mel_power,
    mel_to_hz,
    normalise_db,
)

SCALES = [MelScale(), MelScale(44100, 2048, 512, 128, 20.0, 16000.0), MelScale(16000, 512, 160, 40)]


def tone(frequency_hz: float, seconds: float = 1.0, amplitude: float = 0.5) -> torch.Tensor:
    time_s = torch.arange(int(16000 * seconds), dtype=torch.float64) / 16000
    return (amplitude * (2 * torch.pi * frequency_hz * time_s).sin()).float()


@pytest.mark.parametrize("scale", SCALES, ids=str)
def test_the_filterbank_is_librosas(scale: MelScale) -> None:
    theirs = librosa.filters.mel(
        sr=scale.sample_rate, n_fft=scale.n_fft, n_mels=scale.n_mels,
        fmin=scale.minimum_hz, fmax=scale.maximum_hz,
    )  # fmt: skip
    np.testing.assert_allclose(scale.filterbank().numpy(), theirs, atol=1e-7)


def test_the_scale_is_librosas() -> None:
    hz = torch.tensor([0.0, 40, 999.9, 1000, 1000.1, 7600, 20000], dtype=torch.float64)
    np.testing.assert_allclose(hz_to_mel(hz).numpy(), librosa.hz_to_mel(hz.numpy()), rtol=1e-9)
    torch.testing.assert_close(mel_to_hz(hz_to_mel(hz)), hz)


def test_bands_lie_where_librosa_says_and_band_of_finds_them() -> None:
    scale = MelScale()
    centres = librosa.mel_frequencies(82, fmin=40, fmax=7600)[1:-1]
    np.testing.assert_allclose(scale.centres_hz().numpy(), centres, rtol=1e-5)
    places = scale.band_of(scale.centres_hz())
    np.testing.assert_allclose(places.numpy(), np.arange(80), atol=1e-3)


@pytest.mark.parametrize("seconds", [0.1, 1.0])
def test_power_and_log_mel_are_librosas(seconds: float) -> None:
    audio = tone(440.0, seconds) + 0.01 * torch.randn(int(16000 * seconds))
    theirs = librosa.feature.melspectrogram(
        y=audio.numpy(), sr=16000, n_fft=1024, hop_length=256, n_mels=80, fmin=40, fmax=7600
    )
    np.testing.assert_allclose(mel_power(audio).numpy(), theirs, rtol=1e-3, atol=1e-5)
    in_db = librosa.power_to_db(theirs, ref=np.max, top_db=80)
    np.testing.assert_allclose(log_mel(audio).numpy(), in_db / 40 + 1, atol=1e-3)
    assert theirs.shape[1] == MelScale().frames(len(audio))


def test_a_tone_is_loudest_in_its_own_band() -> None:
    scale = MelScale()
    for band in (10, 40, 75):
        hz = float(scale.centres_hz()[band])
        assert int(mel_power(tone(hz))[:, 30].argmax()) == band


def test_white_noise_has_a_level_spectrum(generator) -> None:
    """Each band's mean power is sum w^2 sigma^2 sum_b filter: area 1 Hz over a bin of 15.6 Hz."""
    power = mel_power(torch.randn(160_000, generator=generator)).mean(-1)
    wanted = 1024 * 3 / 8 * MelScale().filterbank().sum(1)
    torch.testing.assert_close(power, wanted, rtol=0.2, atol=0)
    assert float(power[20:].mean()) == pytest.approx(1024 * 3 / 8 / 15.625, rel=0.02)


def test_a_sounds_own_level_does_not_matter() -> None:
    audio = tone(440.0) + 0.01 * torch.randn(16000)
    torch.testing.assert_close(log_mel(1e-4 * audio), log_mel(audio), atol=1e-4, rtol=0)


def test_the_range_is_from_minus_one_to_one() -> None:
    normalised = log_mel(torch.cat([tone(440.0), torch.zeros(16000)]))
    assert float(normalised.max()) == 1.0
    assert float(normalised[:, 80:].max()) == float(normalised.min()) == -1.0


def test_silence_is_all_floor() -> None:
    assert torch.equal(log_mel(torch.zeros(4000)), torch.full((80, 16), -1.0))


def test_a_reference_of_another_sound_sets_its_zero() -> None:
    power = torch.tensor([[[1.0, 0.1]], [[100.0, 1e-9]]])
    in_db = mel_db(power, torch.tensor([1.0, 1.0]))
    torch.testing.assert_close(in_db, torch.tensor([[[0.0, -10.0]], [[0.0, -80.0]]]))


def test_a_batch_equals_its_sounds_alone() -> None:
    audio = torch.stack([tone(200.0), 0.1 * tone(900.0)])
    together = log_mel(audio)
    for sound, mel in zip(audio, together, strict=True):
        torch.testing.assert_close(log_mel(sound), mel, atol=1e-5, rtol=0)


@settings(deadline=None, max_examples=30)
@given(st.floats(-80, 0))
def test_normalising_comes_back(level_db: float) -> None:
    level = torch.tensor([level_db], dtype=torch.float64)
    torch.testing.assert_close(denormalise_db(normalise_db(level)), level)
    assert -1 <= float(normalise_db(level)) <= 1
