import numpy as np
import pytest
import torch

from timbrel.dsp.oscillators import harmonic_bank, harmonic_bank_by_definition

RATE, HOP = 16000, 256


def curves(n_harmonics=20, frames=40):
    f0_hz = 200 * 2 ** torch.linspace(0, 1, frames)
    amplitude = torch.rand(frames, n_harmonics) / n_harmonics
    return f0_hz, amplitude, torch.rand(n_harmonics)


@pytest.mark.parametrize("length", [None, 1, 255, 5000, 12000])
def test_the_kernel_is_the_formula(length):
    f0_hz, amplitude, start = curves()
    fast, slow = (
        bank(f0_hz, amplitude, RATE, HOP, start=start, length=length)
        for bank in (harmonic_bank, harmonic_bank_by_definition)
    )
    assert fast.shape == slow.shape
    assert (fast - slow).abs().max() < 2e-5


def test_a_steady_tone_keeps_its_phase_for_a_minute():
    seconds, f0_hz = 60, 440.1234
    frames = seconds * RATE // HOP + 1
    audio = harmonic_bank(
        torch.full((frames,), f0_hz, dtype=torch.float64), torch.ones(frames, 3), RATE, HOP
    )
    time = np.arange(len(audio) - 1000, len(audio)) / RATE
    expected = sum(np.sin(2 * np.pi * k * f0_hz * time) for k in (1, 2, 3))
    assert np.abs(audio[-1000:].numpy() - expected).max() < 1e-4


def test_nothing_sounds_above_nyquist():
    audio = harmonic_bank(torch.full((64,), 3000.0), torch.ones(64, 8), RATE, HOP)
    spectrum = torch.fft.rfft(audio * torch.hann_window(len(audio))).abs()
    frequency_hz = torch.fft.rfftfreq(len(audio), 1 / RATE)
    beside = ((frequency_hz - 3000).abs() > 20) & ((frequency_hz - 6000).abs() > 20)
    assert spectrum[beside].max() < 1e-4 * spectrum.max()


def test_a_batch_equals_singles_and_no_pitch_is_silent():
    f0_hz = torch.tensor([[100.0] * 9, [0.0] * 9, [300.0] * 9])
    amplitude = torch.rand(3, 9, 4)
    together = harmonic_bank(f0_hz, amplitude, RATE, HOP)
    assert torch.equal(together[2], harmonic_bank(f0_hz[2], amplitude[2], RATE, HOP))
    assert together[1].abs().max() == 0
