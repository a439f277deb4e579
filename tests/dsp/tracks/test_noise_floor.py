"""The density of noise, alone and under a tone that is far louder than it."""

from __future__ import annotations

import pytest
import torch
from made import harmonic_tone, white_noise

from timbrel.dsp.tracks.bands import Bands
from timbrel.dsp.tracks.noise_floor import noise_density

RMS = 0.1
ODD_HZ = 110 * torch.arange(1.0, 72.0)


def density_db(audio: torch.Tensor, f0_hz: float, rate: int = 16000) -> torch.Tensor:
    """Of the middle of the sound, re that of white noise of `RMS`."""
    partials_hz = f0_hz * torch.arange(1.0, int(0.495 * rate / f0_hz) + 1)
    density = noise_density(audio, rate, partials_hz, f0_hz, max(8 / f0_hz, 0.04))
    assert density.shape == (1 + int((len(audio) - 1) * 200 / rate), Bands(rate).n_bands)
    return 10 * (density[20:-20].mean(0) / (RMS**2 / (rate / 2))).log10()


@pytest.mark.parametrize("f0_hz", [110.0, 220.0, 440.0, 1760.0])
def test_white_noise_is_as_dense_as_it_is(f0_hz: float) -> None:
    found_db = density_db(white_noise(RMS, seconds=4.0), f0_hz)
    assert found_db.mean().abs() < 0.2
    assert (found_db[12:] - found_db[12:].mean()).abs().max() < 0.8


@pytest.mark.parametrize("rate", [44100, 48000])
def test_it_means_the_same_at_every_rate(rate: int) -> None:
    found_db = density_db(white_noise(RMS, sample_rate=rate, seconds=4.0), 220.0, rate)
    assert found_db.mean().abs() < 0.2


@pytest.mark.parametrize("f0_hz", [110.0, 220.0, 440.0, 1760.0])
def test_a_tone_on_top_adds_nothing(f0_hz: float) -> None:
    noise = white_noise(RMS, seconds=4.0)
    count = int(0.495 * 16000 / f0_hz)
    tone = harmonic_tone(f0_hz, [0.5 / k for k in range(1, count + 1)], seconds=4.0)
    louder_db = density_db(noise + tone, f0_hz) - density_db(noise, f0_hz)
    assert louder_db.mean().abs() < 0.1
    assert louder_db.abs().max() < 0.6


@pytest.mark.parametrize("f0_hz", [110.0, 440.0])
def test_a_clean_tone_has_next_to_no_noise(f0_hz: float) -> None:
    """All bands together, 42 dB under a tone; a plain Hann window would find 15 dB more."""
    tone = harmonic_tone(f0_hz, (0.5, 0.25, 0.125))
    partials_hz = f0_hz * torch.arange(1.0, int(7900 / f0_hz) + 1)
    density = noise_density(tone, 16000, partials_hz, f0_hz, max(8 / f0_hz, 0.04))
    power = (density * Bands(16000).widths_hz()).sum(1)[20:-20]
    assert 10 * (power.max() / (tone.square().mean())).log10() < -42


def test_noise_that_begins_is_found_when_it_begins() -> None:
    noise = white_noise(RMS, seconds=2.0)
    noise[:16000] = 0
    partials_hz = 220 * torch.arange(1.0, 36.0)
    density = noise_density(noise, 16000, partials_hz, 220.0, 0.04)
    total = (density * Bands(16000).widths_hz()).sum(1) / RMS**2
    assert total[: 200 - 10].max() < 1e-4
    assert total[210:].mean() == pytest.approx(1.0, rel=0.05)


def test_bands_that_partials_fill_have_what_their_neighbours_have() -> None:
    """Every band is near a partial but the top one's: all are told what it has."""
    noise = white_noise(RMS, seconds=1.0)
    partials_hz = torch.arange(1.0, 7001.0, 20.0)
    density = noise_density(noise, 16000, partials_hz, 440.0, 0.04)
    assert (density[20:, 0] == density[20:, 30]).all()
    assert 10 * (density[20:-20, 0].mean() / (RMS**2 / 8000)).log10().abs() < 1


def test_what_swells_slowly_is_not_heard_at_the_onset() -> None:
    """A window of 73 ms reaches to 36 ms, where 30 times as much sounds as in the first 12 ms."""
    swell = (torch.arange(16000) / 16000 / 0.1).clamp(max=1).square()
    density = noise_density(white_noise(RMS, seconds=1.0) * swell, 16000, ODD_HZ, 110.0, 8 / 110)
    power = (density * Bands(16000).widths_hz()).sum(1) / RMS**2
    heard = torch.tensor([(0.006 / 0.1) ** 4, (0.01 / 0.1) ** 4])
    assert (power[[0, 2]] < 6 * heard).all()
    assert power[40:].mean() == pytest.approx(1.0, rel=0.1)


@pytest.mark.parametrize("f0_hz", [110.0, 262.0, 440.0])
def test_a_steady_tone_leaves_nothing_between_its_partials(f0_hz: float) -> None:
    """Alone, eight periods of it leave -50 dB: an octave up, between partials, that is heard."""
    partials_hz = f0_hz * torch.arange(1.0, int(7900 / f0_hz) + 1)
    tone = harmonic_tone(f0_hz, [0.1] * len(partials_hz), seconds=2.0)
    density = noise_density(tone, 16000, partials_hz, f0_hz, max(8 / f0_hz, 0.04))
    power = (density * Bands(16000).widths_hz())[100:-100].mean(0)
    assert 10 * (power.max() / (0.1**2 / 2)).log10() < -55
