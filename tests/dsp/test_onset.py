from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from timbrel.dsp.onset import from_onset, onset_sample

RATE = 16000


def note_after(silence: int, hiss_db: float = -60.0, attack_s: float = 0.005) -> torch.Tensor:
    time_s = torch.arange(RATE) / RATE
    note = (time_s / attack_s).clamp(max=1) * (2 * torch.pi * 330 * time_s).sin()
    hiss = 10 ** (hiss_db / 20) * torch.rand(silence + RATE).mul(2).sub(1)
    return torch.cat([torch.zeros(silence), note]) + hiss


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 20_000))
def test_the_onset_is_found_a_few_milliseconds_early_and_never_late(silence: int) -> None:
    """At most a window of 3 ms and 3 ms of margin early."""
    found = onset_sample(note_after(silence), RATE)
    assert silence - 0.0061 * RATE <= found <= silence or (found == 0 and silence < 0.0061 * RATE)


@pytest.mark.parametrize("gain", [1e-4, 1.0, 1e3])
def test_loudness_does_not_matter(gain: float) -> None:
    audio = note_after(5000)
    assert onset_sample(gain * audio, RATE) == onset_sample(audio, RATE)


def test_a_slow_attack_begins_where_it_rises_over_the_threshold() -> None:
    """-34 dB of a rise of 0.5 s is passed after 10 ms."""
    found = onset_sample(note_after(8000, attack_s=0.5), RATE)
    assert 8000 <= found <= 8000 + 0.012 * RATE


def test_another_threshold_hears_less() -> None:
    audio = note_after(8000, hiss_db=-30.0)
    assert onset_sample(audio, RATE) < 200
    assert 7900 <= onset_sample(audio, RATE, threshold_db=-20.0) <= 8000


def test_what_is_left_is_the_sound_itself() -> None:
    audio = note_after(3000)
    assert torch.equal(from_onset(audio, RATE), audio[onset_sample(audio, RATE) :])


@pytest.mark.parametrize("audio", [torch.zeros(500), torch.ones(1), torch.zeros(1)])
def test_silence_and_scraps_are_left_whole(audio: torch.Tensor) -> None:
    assert torch.equal(from_onset(audio, RATE), audio)
