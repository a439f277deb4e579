"""Where a note's pitch lies, how it wanders, and what is left once that is undone."""

from __future__ import annotations

import pytest
import torch
from made import cents, harmonic_tone, vibrato, white_noise

from timbrel.dsp.tracks.tuning import straightened, tuning_of

BRIGHT = tuple(0.3 / k for k in range(1, 16))


@pytest.mark.parametrize("exact_hz", [429.0, 440.0, 443.0, 451.0])
@pytest.mark.parametrize("rate", [16000, 44100])
def test_a_mistuned_note_is_heard_where_it_is(exact_hz: float, rate: int) -> None:
    tuning = tuning_of(harmonic_tone(exact_hz, BRIGHT, sample_rate=rate), rate, 440.0)
    assert tuning.f0_hz == pytest.approx(exact_hz, abs=0.02)
    assert tuning.is_steady
    assert cents(1 + tuning.wander).abs().max() < 3


def test_a_weak_fundamental_does_not_matter() -> None:
    tuning = tuning_of(harmonic_tone(222.0, (0.001, 0.3, 0.2, 0.1)), 16000, 220.0)
    assert tuning.f0_hz == pytest.approx(222.0, abs=0.1)


@pytest.mark.parametrize("exact_hz", [415.3, 466.2, 523.3])
def test_another_note_than_the_one_said_keeps_to_what_was_said(exact_hz: float) -> None:
    tuning = tuning_of(harmonic_tone(exact_hz, BRIGHT), 16000, 440.0)
    assert tuning.f0_hz == pytest.approx(440.0, rel=0.01)


@pytest.mark.parametrize("audio", [torch.zeros(8000), torch.zeros(1), torch.ones(30)])
def test_nothing_to_hear_keeps_to_what_was_said(audio: torch.Tensor) -> None:
    tuning = tuning_of(audio, 16000, 440.0)
    assert tuning.f0_hz == 440.0
    assert bool((tuning.wander == 0).all())


@pytest.mark.parametrize(("rate_hz", "depth_cents"), [(5.5, 40), (5.5, 15), (7, 30), (3, 60)])
def test_vibrato_is_followed(rate_hz: float, depth_cents: float) -> None:
    wander = vibrato(rate_hz, depth_cents)
    tuning = tuning_of(harmonic_tone(440.0, BRIGHT, seconds=2.0, wander=wander), 16000, 440.0)
    assert tuning.f0_hz == pytest.approx(440.0, abs=0.1)
    assert not tuning.is_steady
    frames = torch.arange(len(tuning.wander), dtype=torch.float64) / 200
    off = cents((1 + tuning.wander) * tuning.f0_hz / (440 * wander(frames)))[10:-10]
    assert off.abs().max() < 0.1 * depth_cents


def test_straightened_has_no_vibrato_left() -> None:
    tone = harmonic_tone(440.0, BRIGHT, seconds=2.0, wander=vibrato(5.5, 40))
    tuning = tuning_of(tone, 16000, 440.0)
    straight = straightened(tone, 16000, tuning.wander)
    assert len(straight) == pytest.approx(len(tone), abs=40)
    again = tuning_of(straight, 16000, tuning.f0_hz)
    assert again.f0_hz == pytest.approx(tuning.f0_hz, abs=0.1)
    assert cents(1 + again.wander[10:-10]).abs().max() < 3


def test_straightening_with_the_true_course_leaves_a_line() -> None:
    """Where the wandering is known, what comes back is the steady tone itself, to -60 dB."""
    wander = vibrato(5.0, 50)
    tone = harmonic_tone(400.0, (0.5, 0.2), wander=wander)
    frames = torch.arange(201, dtype=torch.float64) / 200
    straight = straightened(tone, 16000, (wander(frames) - 1).float())
    spectrum = torch.fft.rfft(straight[:16000] * torch.hann_window(16000)).abs()
    power = spectrum.square()
    near = sum(power[centre - 4 : centre + 5].sum() for centre in (400, 800))
    assert float(1 - near / power.sum()) < 1e-4


def test_straightening_by_nothing_changes_nothing() -> None:
    noise = white_noise(0.1, seconds=0.2)
    assert (straightened(noise, 16000, torch.zeros(40)) - noise).abs().max() < 1e-5
