"""Partials are heard alone: their amplitudes and phases are those that were put in."""

from __future__ import annotations

import math

import pytest
import torch
from made import harmonic_tone

from timbrel.dsp.tracks.demodulation import demodulate, frames_around, share_heard

AMPLITUDES = (0.5, 0.25, 0.125, 0.01)


@pytest.mark.parametrize("rate", [16000, 44100, 48000])
def test_amplitude_and_phase_of_each_partial(rate: int) -> None:
    f0_hz = 220.0
    heard = demodulate(
        harmonic_tone(f0_hz, AMPLITUDES, sample_rate=rate), rate, f0_hz * torch.arange(1.0, 5.0),
        3 / f0_hz, 200.0,
    )  # fmt: skip
    assert heard.shape == (200, 4)
    middle = heard[10:-10]
    assert (20 * (middle.abs() / torch.tensor(AMPLITUDES)).log10()).abs().max() < 0.3
    # frame 100 stands at 0.5 s, which is 110 cycles of the first partial, 220 of the second, ...
    phase = 0.7 * torch.arange(4)
    off = torch.angle(heard[100] * torch.polar(torch.ones(4), -phase))
    assert off.abs().max() < 0.02


@pytest.mark.parametrize("periods", [2, 3, 5, 8])
def test_neighbours_are_not_heard(periods: int) -> None:
    """A silent partial among loud ones: the window's zeros fall on them."""
    tone = harmonic_tone(200.0, (0.3, 0.3, 0.0, 0.3, 0.3))
    heard = demodulate(tone, 16000, torch.tensor([600.0]), periods / 200.0, 200.0)
    assert 20 * heard[10:-10].abs().max().log10() < -75


def test_one_and_a_half_periods_would_hear_them() -> None:
    tone = harmonic_tone(200.0, (0.3, 0.3, 0.0, 0.3, 0.3))
    heard = demodulate(tone, 16000, torch.tensor([600.0]), 1.5 / 200.0, 200.0)
    assert 20 * heard[10:-10].abs().max().log10() > -40


def test_a_step_takes_as_long_as_the_window() -> None:
    """Heard from half a window before it, whole from half a window after, half at the step."""
    tone = harmonic_tone(400.0, (1.0,), level=lambda t: (t >= 0.5).double())
    level = demodulate(tone, 16000, torch.tensor([400.0]), 0.02, 1000.0).abs()[:, 0]
    assert level[:489].max() < 1e-3
    assert level[500] == pytest.approx(0.5, abs=0.02)
    assert (level[511:900] - 1).abs().max() < 2e-3
    assert bool((level[490:510].diff() > 0).all())


def test_the_first_frames_hear_their_share() -> None:
    tone = harmonic_tone(400.0, (1.0,))
    level = demodulate(tone, 16000, torch.tensor([400.0]), 0.05, 200.0).abs()[:, 0]
    share = share_heard(200, 0.05, 200.0)
    assert (level[:100] / share[:100] - 1).abs().max() < 0.03
    window = torch.hann_window(801, periodic=False)
    for frame in range(7):
        assert share[frame] == pytest.approx(
            float(window[max(0, 400 - 80 * frame) :].sum() / window.sum()), abs=2e-3
        )


@pytest.mark.parametrize("frame_rate", [100.0, 200.0, 300.0, 441.0])
def test_frames_stand_where_they_should(frame_rate: float) -> None:
    ramp = torch.arange(1000.0)
    frames = frames_around(ramp, 44100, 0, frame_rate)[:, 0]
    wanted = torch.arange(len(frames)) * 44100 / frame_rate
    assert len(frames) == math.floor(999 * frame_rate / 44100) + 1
    assert (frames - wanted).abs().max() <= 0.5
