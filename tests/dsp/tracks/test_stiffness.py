"""Bells and stiff strings have partials beside the harmonics; harmonic tones and noise do not."""

from __future__ import annotations

import pytest
import torch
from made import harmonic_tone, white_noise

from timbrel.dsp.tracks.stiffness import partial_offsets


def test_a_bell_is_heard_where_it_rings() -> None:
    ratios = (1.0, 2.4, 3.0, 4.35, 5.33)
    bell = harmonic_tone(
        300.0, (0.2,) * 5, ratios=ratios, seconds=2.0, level=lambda t: (-1.5 * t).exp()
    )
    wanted = torch.tensor([0.0, 0.4, 0.0, 0.35, 0.33, 0.0, 0.0, 0.0])
    assert (partial_offsets(bell, 16000, 300.0, 8) - wanted).abs().max() < 0.005


@pytest.mark.parametrize("stiffness", [1e-4, 4e-4])
def test_a_stiff_string(stiffness: float) -> None:
    """f_k = k f_0 sqrt(1 + B k^2) (Fletcher 1964); all partials below half a harmonic off."""
    order = torch.arange(1, 31).double()
    ratios = order * ((1 + stiffness * order**2) / (1 + stiffness)).sqrt()
    string = harmonic_tone(
        110.0, [0.2 / float(k) ** 0.7 for k in order], ratios=ratios.tolist(), seconds=2.0,
        level=lambda t: (-1.5 * t).exp(),
    )  # fmt: skip
    wanted = (ratios - order).float()
    inside = int((wanted < 0.44).sum())
    assert inside >= 12
    wanted = torch.where(wanted < 0.02, 0.0, wanted)
    found = partial_offsets(string, 16000, 110.0, 30)
    # what lies nearer than 0.02 may count as a harmonic or as where it is
    off = (found - wanted)[:inside].abs()
    assert off.max() < 0.021
    assert (off[wanted[:inside] > 0.03] < 0.003).all()


@pytest.mark.parametrize("f0_hz", [55.0, 220.0, 1500.0])
@pytest.mark.parametrize("rate", [16000, 44100])
def test_a_harmonic_tone_has_none(f0_hz: float, rate: int) -> None:
    tone = harmonic_tone(f0_hz, [0.3 / k for k in range(1, 11)], sample_rate=rate)
    noisy = tone + white_noise(0.01, sample_rate=rate)
    n_partials = int(0.495 * rate / f0_hz)
    assert (partial_offsets(tone, rate, f0_hz, n_partials) == 0).all()
    assert (partial_offsets(noisy, rate, f0_hz, n_partials) == 0).all()


@pytest.mark.parametrize("f0_hz", [82.0, 220.0, 1000.0])
def test_noise_has_none(f0_hz: float) -> None:
    for seed in range(4):
        noise = white_noise(0.1, seconds=2.0, seed=seed)
        assert partial_offsets(noise, 16000, f0_hz, int(7900 / f0_hz)).count_nonzero() == 0


@pytest.mark.parametrize("seconds", [0.0005, 0.01, 0.05])
def test_a_sound_too_short_to_tell_has_none(seconds: float) -> None:
    tone = harmonic_tone(100.0, (0.5, 0.5), ratios=(1.0, 2.3), seconds=seconds)
    assert partial_offsets(tone, 16000, 100.0, 5).tolist() == [0.0] * 5
