from dataclasses import replace

import numpy as np
import pytest
import torch

from timbrel.dsp.stft import stft
from timbrel.dsp.tracks import Bands, silence, synthesise
from timbrel.dsp.tracks.noise import noise_bank

RATES = [16000, 44100, 48000]


def noise(levels_db: torch.Tensor, sample_rate: int, frames: int = 401) -> torch.Tensor:
    note = silence(frames=frames, harmonics=1, bands=levels_db.shape[-1])
    return synthesise(replace(note, noise_db=levels_db.expand(frames, -1).clone()), sample_rate)


def even_density_db(bands: Bands) -> torch.Tensor:
    return 10 * torch.log10(bands.widths_hz() / (bands.sample_rate / 2))


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("n_fft", [64, 512, 4096])
def test_weights_share_out_every_bin(rate, n_fft):
    weights = Bands(rate).weights(n_fft)
    assert weights.shape == (Bands(rate).n_bands, n_fft // 2 + 1)
    assert (weights.sum(0) - 1).abs().max() < 1e-5
    assert weights.min() >= 0


def test_a_band_is_the_same_at_every_rate():
    centres = [Bands(rate).centres_hz() for rate in RATES]
    assert torch.equal(centres[0], centres[2][:40])
    assert torch.equal(centres[1], centres[2][:55])
    low = torch.linspace(0, 7400, 500)
    assert torch.equal(Bands(16000).shares(low)[:38], Bands(48000).shares(low)[:38])
    mel = 2595 * (1 + centres[2].double() / 700).log10()
    assert (mel.diff() - 71).abs().max() < 1e-3


@pytest.mark.parametrize("rate", RATES)
def test_each_band_of_the_bank_has_rms_1_at_all_times_and_loops(rate):
    bank = noise_bank(rate)
    assert bank.samples.nbytes < 40e6
    assert len(set(bank.lengths.tolist())) > 0.75 * len(bank.lengths)
    for loop, length in zip(bank.samples, bank.lengths, strict=True):
        assert np.array_equal(loop[length:], np.resize(loop[:length], len(loop))[length:])
        twice = np.concatenate([loop[:length]] * 2).astype(np.float64)
        power = np.cumsum(twice**2)
        of_2_s = (power[2 * rate :] - power[: -2 * rate]) / (2 * rate)
        assert np.abs(10 * np.log10(of_2_s)).max() < 0.2


def test_a_loop_has_no_seam():
    bank = noise_bank(16000)
    for loop, length in zip(bank.samples, bank.lengths, strict=True):
        ring = np.concatenate([loop[:length], loop[:100]])
        jump = np.abs(np.diff(ring, 3))
        assert jump[length - 5 : length + 2].max() <= jump[: length - 5].max()


def test_neighbouring_bands_are_independent():
    bank = noise_bank(16000)
    length = bank.lengths.min()
    together = np.corrcoef(bank.samples[:, :length])
    # 50 Hz for 2 s are some 200 independent numbers
    assert np.abs(together - np.eye(40)).max() < 0.25


@pytest.mark.parametrize("rate", RATES)
def test_even_density_is_a_flat_spectrum(rate):
    audio = noise(even_density_db(Bands(rate)), rate, frames=2001)
    assert audio.square().mean().item() == pytest.approx(1, rel=0.02)
    power = stft(audio, 2048, 512).abs().square().mean(-1)
    smooth = torch.nn.functional.avg_pool1d(power[None], 31, 1)[0]
    level_db = 10 * smooth.log10()
    assert (level_db - level_db.mean()).abs().max() < 0.5


@pytest.mark.parametrize("n_fft", [128, 512, 2048])
@pytest.mark.parametrize("rate", [16000, 48000])
def test_what_is_made_at_a_level_is_measured_at_it(rate, n_fft):
    bands = Bands(rate)
    slope_db = -30 - 0.5 * torch.arange(bands.n_bands)
    window = torch.hann_window(n_fft)
    for level_db in (even_density_db(bands), even_density_db(bands) + slope_db):
        audio = noise(level_db, rate, frames=1001)
        spectra = stft(audio, n_fft, n_fft // 4)[:, 8:-8]
        measured_db = 10 * bands.power(spectra.abs().square(), window).mean(0).log10()
        sees = (bands.widths_hz() > rate / n_fft) & (bands.centres_hz() > 2 * rate / n_fft)
        assert (measured_db - level_db)[sees].abs().max() < 0.8


def test_the_power_of_all_bands_is_the_mean_square():
    audio = torch.randn(2, 32000)
    window = torch.hann_window(256)
    spectra = torch.stft(audio, 256, 64, window=window, return_complex=True)
    power = Bands(16000).power(spectra.abs().square(), window)
    assert power.shape == (2, 501, 40)
    assert power.sum(-1).mean().item() == pytest.approx(audio.square().mean().item(), rel=0.01)


def test_a_band_stands_alone():
    level_db = torch.full((40,), -120.0)
    level_db[20] = -20.0
    audio = noise(level_db, 16000)
    assert 10 * audio.square().mean().log10().item() == pytest.approx(-20, abs=0.3)
    power = np.abs(np.fft.rfft(audio.numpy() * np.hanning(len(audio)))) ** 2
    frequency_hz = np.fft.rfftfreq(len(audio), 1 / 16000)
    centres_hz = Bands(16000).centres_hz().numpy()
    outside = (frequency_hz < centres_hz[19] - 20) | (frequency_hz > centres_hz[21] + 20)
    assert power[outside].sum() < 1e-6 * power.sum()


def test_a_gate_is_as_sharp_as_its_frames():
    """Silent to the sample up to the frame before it opens, and loud one frame later."""
    level_db = torch.full((41, 40), -120.0)
    level_db[20:, 10:] = -30.0
    note = replace(silence(frames=41, harmonics=1, bands=40), noise_db=level_db)
    audio = synthesise(note, 48000)
    assert audio[: 19 * 240 + 1].abs().max() == 0
    before, after = (audio[a : a + 240].square().mean() for a in (19 * 240, 20 * 240))
    assert 0.15 < before / after < 0.6
