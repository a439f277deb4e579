"""How sounds move, and what they are as a whole."""

from __future__ import annotations

import pytest
import torch

from timbrel.instruments.preset.hearing.heard import (
    Heard,
    along_harmonics,
    hear,
)
from timbrel.instruments.preset.hearing.modulation import (
    N_RATES,
    N_ROWS,
    modulation,
    rates_hz,
)
from timbrel.instruments.preset.hearing.overview import N_OVERVIEW, overview
from timbrel.instruments.preset.rendering import rendered
from timbrel.sound import Notes
from timbrel.synths import load_synth

LOUDNESS, PITCH = -1, -2


def heard_of(held_s: float = 3.0, **knobs: float) -> Heard:
    """A patch of `subtractive` that is untouched but for some knobs."""
    synth = load_synth("subtractive")
    vector = synth.parameters.vector({"cutoff_hz": 3000.0, "amp_sustain": 1.0, **knobs})
    return hear(rendered(synth, vector[None], Notes.of(57.0, 0.8, held_s)))


def highest(heights: torch.Tensor) -> tuple[float, float]:
    """Rate of a row's highest line among those of an LFO, and its height."""
    slow = rates_hz() < 12.0
    height, place = heights[slow].max(0)
    return float(rates_hz()[place]), float(height)


@pytest.mark.parametrize("rate_hz", [2.0, 5.0, 9.0])
def test_tremolo_is_a_line_at_its_rate_and_vibrato_one_of_pitch_alone(rate_hz: float) -> None:
    plain = modulation(heard_of())[0]
    tremolo = modulation(heard_of(lfo_amp=0.6, lfo_rate_hz=rate_hz))[0]
    vibrato = modulation(heard_of(lfo_pitch_cents=40.0, lfo_rate_hz=rate_hz))[0]
    for row, moved in ((LOUDNESS, tremolo), (PITCH, vibrato)):
        found_hz, height = highest(moved[row])
        assert found_hz == pytest.approx(rate_hz, rel=0.15)
        assert height > 1.2
        assert highest(plain[row])[1] < 0.7
    assert highest(vibrato[LOUDNESS])[1] < 0.7
    assert highest(tremolo[PITCH])[1] < 0.7


def test_a_note_too_short_to_move_has_no_lines() -> None:
    short = modulation(heard_of(held_s=0.1, lfo_amp=0.6, lfo_rate_hz=5.0, amp_release_s=0.01))
    assert short.shape == (1, N_ROWS, N_RATES)
    assert float(short[0, LOUDNESS].abs().max()) < 0.3


def test_an_overview_is_finite_and_of_each_sound_alone() -> None:
    silence = hear(torch.zeros(1, 1))
    one, two = heard_of(), heard_of(cutoff_hz=500.0, reverb_mix=0.4)
    sounds = Heard(*(torch.cat(parts) for parts in zip(one, two, silence, strict=True)))
    numbers = overview(sounds, along_harmonics(sounds))
    assert numbers.shape == (3, N_OVERVIEW)
    assert bool(numbers.isfinite().all())
    torch.testing.assert_close(numbers[1:2], overview(two, along_harmonics(two)), atol=1e-4, rtol=0)
    assert float((numbers[0] - numbers[1]).abs().mean()) > 0.02
