"""Pitch from spectra: tones of known frequency, noise and silence."""

from __future__ import annotations

import pytest
import torch

from timbrel.dsp.autocorrelation import autocorrelation_pitch
from timbrel.dsp.stft import stft
from timbrel.units import cents_between

RATE = 44100


def heard(audio: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return autocorrelation_pitch(stft(audio, 2048, 512).abs().square(), RATE)


@pytest.mark.parametrize("f0_hz", [62.0, 110.0, 261.63, 440.0, 987.77, 1760.0])
@pytest.mark.parametrize("shape", ["sine", "saw", "hollow"])
def test_a_tone_has_its_pitch(f0_hz: float, shape: str) -> None:
    numbers = {"sine": [1], "saw": range(1, 20), "hollow": [2, 3, 4, 5]}[shape]
    time_s = torch.arange(RATE) / RATE
    audio = sum(torch.sin(2 * torch.pi * n * f0_hz * time_s + n) / n for n in numbers)
    assert isinstance(audio, torch.Tensor)
    found_hz, clearness = heard(audio)
    off_cents = cents_between(found_hz[10:-10], torch.tensor(f0_hz))
    # two periods of the lowest are as long as the frame, and their ends count little
    assert off_cents.abs().median() < (25 if f0_hz < 80 else 5)
    assert (off_cents.abs() < 50).float().mean() > 0.95
    assert clearness[10:-10].min() > (0.8 if f0_hz < 80 else 0.9)


def test_noise_is_unclear_and_silence_has_no_pitch() -> None:
    noise = torch.randn(RATE, generator=torch.manual_seed(0))
    assert heard(noise)[1].median() < 0.5
    f0_hz, clearness = heard(torch.zeros(RATE))
    assert float(f0_hz.max()) == float(clearness.max()) == 0.0


def test_a_batch_is_its_sounds() -> None:
    sounds = torch.randn(3, 8000, generator=torch.manual_seed(1))
    together = heard(sounds)
    for i, sound in enumerate(sounds):
        for ours, alone in zip(together, heard(sound), strict=True):
            torch.testing.assert_close(ours[i], alone)
