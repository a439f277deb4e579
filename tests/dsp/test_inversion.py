import math

import librosa
import numpy as np
import pytest
import torch

from timbrel.dsp.descriptors import attack_s
from timbrel.dsp.distances import log_mel_l1_db, spectral_convergence_db
from timbrel.dsp.inversion import griffin_lim, invert_mel, mel_to_magnitude, pghi
from timbrel.dsp.inversion.harmonic import shaped_noise
from timbrel.dsp.inversion.partials import find_strays, lines_of, read_partials
from timbrel.dsp.mel import MelScale, mel_power
from timbrel.dsp.oscillators import harmonic_bank
from timbrel.dsp.stft import stft
from timbrel.errors import BadInput
from timbrel.units import cents_between

SCALE = MelScale()
RATE = SCALE.sample_rate


def note(f0_hz=220.0, seconds=1.0, decay=2.0):
    time = torch.arange(int(seconds * RATE)) / RATE
    audio = sum(
        torch.sin(2 * math.pi * k * f0_hz * time + k) / k for k in range(1, int(7000 / f0_hz) + 1)
    )
    return 0.3 * audio * torch.exp(-decay * time)


def curve(f0_hz, audio):
    return torch.full((SCALE.frames(len(audio)),), f0_hz)


def frequency_near(audio, f0_hz):
    """The strongest frequency near f0, to a fraction of a cent."""
    windowed = audio.double() * torch.hann_window(len(audio), dtype=torch.float64)
    spectrum = torch.fft.rfft(windowed, 8 * len(audio)).abs().log()
    bin_hz = RATE / (8 * len(audio))
    low = int(f0_hz * 0.9 / bin_hz)
    peak = low + int(spectrum[low : int(f0_hz * 1.1 / bin_hz)].argmax())
    left, middle, right = spectrum[peak - 1 : peak + 2].tolist()
    return (peak + 0.5 * (left - right) / (left - 2 * middle + right)) * bin_hz


@pytest.mark.parametrize("f0_hz", [65.4, 220.0, 523.3, 1567.98])
def test_the_pitch_is_exact(f0_hz):
    audio = note(f0_hz)
    again = invert_mel(mel_power(audio), SCALE, f0_hz=curve(f0_hz, audio), length=len(audio))
    assert abs(cents_between(frequency_near(again, f0_hz), f0_hz)) < 2


@pytest.mark.parametrize(("method", "worst_db", "worst_mel_db"), [
    ("pitched", -22, 2.0), ("pghi", -6, 5.0), ("griffin_lim", -6, 4.0),
])  # fmt: skip
def test_each_way_comes_near_the_original(method, worst_db, worst_mel_db):
    audio = note()
    f0_hz = curve(220.0, audio) if method == "pitched" else None
    again = invert_mel(mel_power(audio), SCALE, method=method, f0_hz=f0_hz, length=len(audio))
    assert again.shape == audio.shape
    assert spectral_convergence_db(again, audio) < worst_db
    assert log_mel_l1_db(again, audio) < worst_mel_db
    assert again.std().item() == pytest.approx(audio.std().item(), rel=0.1)


@pytest.mark.parametrize("method", ["pitched", "pghi", "griffin_lim"])
def test_a_batch_equals_singles_and_seeds_repeat(method):
    power = mel_power(torch.stack([note(220.0), note(330.0)]))
    f0_hz = torch.stack([curve(f, note()) for f in (220.0, 330.0)])
    once, twice = (invert_mel(power, SCALE, method=method, f0_hz=f0_hz) for _ in range(2))
    assert torch.equal(once, twice)
    alone = invert_mel(power[1], SCALE, method=method, f0_hz=f0_hz[1])
    assert torch.allclose(once[1], alone, atol=1e-5)
    assert once.isfinite().all()


@pytest.mark.parametrize("method", ["pitched", "pghi", "griffin_lim"])
@pytest.mark.parametrize("level", [0.0, 1e-6, 1.0, 1e6])
def test_any_level_scales_through(method, level):
    power = mel_power(note(seconds=0.2)) * level**2
    audio = invert_mel(power, SCALE, method=method, f0_hz=torch.full(power.shape[-1:], 220.0))
    assert audio.isfinite().all()
    assert audio.abs().max() <= 4 * level + 1e-9
    assert audio.abs().max() >= 0.1 * level


def test_pitches_bend():
    frames = 126
    f0_hz = 220 * 2 ** (torch.linspace(0, 2, frames) / 12)
    audio = harmonic_bank(f0_hz, torch.full((frames, 5), 0.1), RATE, 256)
    again = invert_mel(mel_power(audio), SCALE, f0_hz=f0_hz)
    assert spectral_convergence_db(again, audio) < -15


def test_frames_without_pitch_are_noise_and_the_pitch_does_not_glide_there():
    audio = note(440.0, decay=0.0)
    f0_hz = curve(440.0, audio)
    f0_hz[30:40] = math.nan
    again = invert_mel(mel_power(audio), SCALE, f0_hz=f0_hz, length=len(audio))
    assert again.isfinite().all()
    assert abs(cents_between(frequency_near(again[:7000], 440.0), 440.0)) < 5
    silent = invert_mel(mel_power(audio), SCALE, f0_hz=torch.zeros(len(f0_hz)))
    assert silent.isfinite().all()


def test_a_note_without_any_pitch_falls_to_pghi():
    power = mel_power(torch.randn(2, 8000))
    without = invert_mel(power, SCALE, f0_hz=torch.zeros(2, power.shape[-1]))
    by_pghi = invert_mel(power, SCALE, method="pghi")
    assert torch.allclose(without, by_pghi, atol=1e-5)


def test_attacks_stay_sharp():
    audio = torch.cat([torch.zeros(4000), note(decay=6.0)])
    again = invert_mel(mel_power(audio), SCALE, f0_hz=curve(220.0, audio), length=len(audio))
    assert attack_s(again, RATE) < 0.025
    assert again[:3700].abs().max() < 0.01 * again.abs().max()


def test_levels_of_partials_are_read_from_the_mel():
    levels = torch.tensor([0.5, 0.1, 0.3, 0.02, 0.2])
    audio = harmonic_bank(torch.full((63,), 500.0), levels.expand(63, 5), RATE, 256)
    power = mel_power(audio).T.contiguous().numpy()
    f0_bins = np.full(63, 500.0 / SCALE.bin_hz)
    amplitude, noise = read_partials(power, f0_bins, np.arange(1.0, 6.0), lines_of(SCALE))
    assert amplitude[20:40].mean(0) == pytest.approx(levels.numpy(), rel=0.03)
    assert noise[30].sum() < 0.01 * power[30].sum()


def test_strays_are_found_and_noise_is_not_taken_for_them():
    time = torch.arange(RATE) / RATE
    bell = 0.3 * note(400.0, decay=0.0) + 0.2 * torch.sin(2 * math.pi * 1111.0 * time)
    lines, f0_bins = lines_of(SCALE), np.full(63, 400.0 / SCALE.bin_hz)
    ratios = np.arange(1.0, 18.0)

    def strays(audio):
        power = mel_power(audio).T.contiguous().numpy()
        noise = read_partials(power, f0_bins, ratios, lines)[1]
        return find_strays(noise, power, float(f0_bins[0]), lines) * SCALE.bin_hz

    assert np.abs(strays(bell) - 1111.0).min() < 6
    assert len(strays(torch.randn(RATE))) <= 1


def test_noise_has_the_power_that_it_should():
    power = mel_power(torch.randn(8, RATE)).mean((0, 2), keepdim=True)[0].expand(80, 251)
    again = mel_power(shaped_noise(power, SCALE, 64000, torch.Generator().manual_seed(0)))
    ratio_db = 10 * (again[:, 5:-5].mean(1) / power[:, 0]).log10()
    assert ratio_db.mean().abs() < 0.3
    assert ratio_db.abs().max() < 2


def test_magnitudes_have_the_mel_powers_they_come_from():
    power = mel_power(note())
    magnitude = mel_to_magnitude(power, SCALE, n_updates=100)
    assert bool((magnitude >= 0).all())
    error = (SCALE.filterbank() @ magnitude.square() - power).norm() / power.norm()
    assert error < 0.02


def test_magnitudes_are_as_near_to_the_truth_as_librosas():
    audio = note()
    true = stft(audio, 1024, 256).abs()
    power = mel_power(audio)
    theirs = librosa.feature.inverse.mel_to_stft(
        power.numpy(), sr=RATE, n_fft=1024, fmin=40, fmax=7600
    )
    ours = mel_to_magnitude(power, SCALE)
    assert (ours - true).norm() < 1.05 * (torch.from_numpy(theirs) - true).norm()


def test_griffin_lim_is_as_good_as_librosas():
    audio = note()
    magnitude = stft(audio, 1024, 256).abs()
    ours = griffin_lim(magnitude, 256, length=len(audio))
    theirs = librosa.griffinlim(
        magnitude.numpy(), n_iter=32, hop_length=256, n_fft=1024, length=len(audio), random_state=0
    )
    theirs_db = spectral_convergence_db(torch.from_numpy(theirs), audio)
    assert spectral_convergence_db(ours, audio) < theirs_db + 1.5


def test_pghi_recovers_audio_from_true_magnitudes():
    audio = note(decay=0.5)
    again = pghi(stft(audio, 1024, 256).abs(), 256, length=len(audio))
    assert spectral_convergence_db(again, audio) < -25


def test_bad_requests_are_refused():
    power = torch.rand(80, 9)
    with pytest.raises(BadInput, match="the pitched inversion needs f0_hz: give it, or take"):
        invert_mel(power, SCALE, method="pitched")
