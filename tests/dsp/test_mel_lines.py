"""What a sine should look like, against sines that are synthesised and measured."""

from __future__ import annotations

import math

import pytest
import torch

from timbrel.dsp.mel import MelScale, mel_power
from timbrel.dsp.mel_lines import harmonic_comb, mel_lines
from timbrel.units import midi_to_hz

SCALE = MelScale()
TIME_S = torch.arange(8192, dtype=torch.float64) / SCALE.sample_rate


def measured(frequencies_hz: torch.Tensor, amplitude: float = 1.0) -> torch.Tensor:
    """Mel power in the middle of sines of random phases, the mean over 16 of them."""
    generator = torch.Generator().manual_seed(0)
    phases = torch.rand(16, len(frequencies_hz), 1, generator=generator, dtype=torch.float64)
    turns = frequencies_hz.double()[:, None] * TIME_S + phases
    audio = amplitude * (2 * math.pi * turns).sin().sum(1)
    return mel_power(audio.float(), SCALE)[..., 10:22].mean((0, 2))


@pytest.mark.parametrize("hz", [130.0, 440.0, 437.5, 445.3125, 1234.5, 3000.0, 7000.0])
@pytest.mark.parametrize("amplitude", [1.0, 0.01])
def test_a_line_is_the_power_of_a_measured_sine(hz: float, amplitude: float) -> None:
    """On a bin, between two, and anywhere; within 0.1 dB down to -20 dB, -35 dB elsewhere."""
    line = mel_lines(torch.tensor([hz]), SCALE)[0] * amplitude**2
    truth = measured(torch.tensor([hz]), amplitude)
    strong = truth > 1e-2 * truth.max()
    difference_db = 10 * (line[strong] / truth[strong]).log10()
    assert float(difference_db.abs().max()) < 0.1
    assert float((line - truth)[~strong].abs().max() / truth.max()) < 3e-4


def test_a_line_moves_smoothly_from_band_to_band() -> None:
    lines = mel_lines(torch.linspace(900, 1100, 400), SCALE)
    assert float((lines[1:] - lines[:-1]).abs().max() / lines.max()) < 0.02


@pytest.mark.parametrize("hz", [8000.0, 9000.0, 1e6])
def test_nothing_sounds_from_nyquist_up(hz: float) -> None:
    assert float(mel_lines(torch.tensor([hz]), SCALE).abs().max()) == 0


def test_any_shape_of_frequencies_is_taken_one_by_one() -> None:
    hz = torch.tensor([[100.0, 440.0], [3000.0, 9000.0]])
    lines = mel_lines(hz, SCALE)
    assert lines.shape == (2, 2, 80)
    assert torch.equal(lines[1, 0], mel_lines(hz[1, 0], SCALE))


@pytest.mark.parametrize("f0_hz", [130.8, 220.0, 523.25, 1046.5])
def test_a_comb_is_the_power_of_a_measured_harmonic_tone(f0_hz: float) -> None:
    """Lobes of neighbours hardly overlap from 100 Hz up; what they share averages out."""
    order = torch.arange(1, int(8000 / f0_hz) + 1)
    truth = measured(f0_hz * order)
    comb = harmonic_comb(torch.tensor([f0_hz]), SCALE)[0]
    strong = truth > 1e-3 * truth.max()
    assert float((10 * (comb[strong] / truth[strong]).log10()).abs().max()) < 0.5


@pytest.mark.parametrize("pitch", [0.0, 12.0, 21.0, 24.0, 60.0, 108.0])
def test_a_comb_holds_all_harmonics_below_nyquist(pitch: float) -> None:
    """Also those of a piano's lowest string, of which 291 fit."""
    f0_hz = midi_to_hz(pitch)
    order = torch.arange(1, math.ceil(8000 / f0_hz))
    wanted = mel_lines(f0_hz * order, SCALE).sum(0)
    torch.testing.assert_close(harmonic_comb(torch.tensor([f0_hz]), SCALE)[0], wanted)


def test_the_other_notes_of_a_batch_do_not_matter() -> None:
    f0_hz = torch.tensor([41.2, 440.0, 3000.0])
    together = harmonic_comb(f0_hz, SCALE)
    for i in range(3):
        torch.testing.assert_close(harmonic_comb(f0_hz[i : i + 1], SCALE)[0], together[i])


def test_gradients_lead_to_the_pitch() -> None:
    """Up in the band above, down in the band below: the slope by differences."""
    hz = torch.tensor([1003.0], dtype=torch.float64, requires_grad=True)
    band = int(SCALE.band_of(hz.detach()).ceil())
    mel_lines(hz, SCALE)[0, band].backward()
    near = mel_lines(torch.tensor([1002.9, 1003.1], dtype=torch.float64), SCALE)[:, band]
    assert hz.grad is not None
    assert float(hz.grad) == pytest.approx(float(near[1] - near[0]) / 0.2, rel=1e-3)
