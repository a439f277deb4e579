"""A phrase is heard as its first note; a note of any kind is heard whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from timbrel.dsp.first_note import first_note, one_note
from timbrel.units import midi_to_hz

RATE = 16000


def tone(pitch: np.ndarray, *, fade: float = 0.0, soft: bool = False) -> np.ndarray:
    """Four harmonics whose pitch goes as the curve does."""
    phase = 2 * np.pi * np.cumsum(440.0 * 2 ** ((pitch - 69) / 12)) / RATE
    times_s = np.arange(len(pitch)) / RATE
    edge = np.minimum(1, np.minimum(times_s, times_s[-1] - times_s) / (0.05 if soft else 0.005))
    return 0.3 * edge * np.exp(-fade * times_s) * sum(np.sin(k * phase) / k for k in range(1, 5))


def held(pitch: float, seconds: float, **more: Any) -> np.ndarray:
    return tone(np.full(round(seconds * RATE), pitch), **more)


def phrase(gap_s: float, **more: Any) -> np.ndarray:
    gap = np.zeros(round(gap_s * RATE))
    notes = [np.concatenate([held(pitch, 0.6, **more), gap]) for pitch in (60.0, 64.0, 67.0)]
    return np.concatenate(notes)


PHRASES = {
    "with rests": phrase(0.2),
    "detached": phrase(0.0),
    "plucked": phrase(0.0, fade=5.0),
    "legato": tone(np.repeat([60.0, 64.0, 67.0], round(0.6 * RATE))),
    "up a step": tone(np.repeat([60.0, 61.0], round(0.6 * RATE))),
    "late": np.concatenate([np.zeros(RATE // 2), phrase(0.1)]),
}
TIMES_S = np.arange(2 * RATE) / RATE
NOTES = {
    "held": held(60.0, 2.0),
    "plucked": held(48.0, 2.0, fade=3.0),
    "vibrato": tone(60 + 0.7 * np.sin(2 * np.pi * 5.5 * TIMES_S)),
    "glide": tone(60 + 7 * np.minimum(1, TIMES_S), soft=True),
    "scooped": tone(60 - 2 * np.maximum(0, 1 - TIMES_S / 0.12)),
    "bell": sum(
        level * np.exp(-fade * TIMES_S) * np.sin(2 * np.pi * 440 * ratio * TIMES_S)
        for ratio, level, fade in ((1.0, 0.3, 1.0), (1.5, 0.4, 5.0), (2.76, 0.3, 8.0))
    ),
    "noise": np.random.default_rng(0).normal(size=RATE) * np.exp(-6 * np.arange(RATE) / RATE),
    "short": held(60.0, 0.1),
}


@pytest.mark.parametrize("name", PHRASES)
def test_a_phrase_ends_with_its_first_note(name: str) -> None:
    audio = torch.from_numpy(PHRASES[name]).float()
    heard = first_note(audio, RATE)
    assert 0.4 < len(heard) / RATE < 0.83
    spectrum = heard[: RATE // 2].numpy() * np.hanning(len(heard[: RATE // 2]))
    strongest_hz = np.argmax(np.abs(np.fft.rfft(spectrum, 1 << 18))) * RATE / (1 << 18)
    assert strongest_hz == pytest.approx(midi_to_hz(60.0), rel=0.02)


@pytest.mark.parametrize("name", NOTES)
def test_one_note_is_heard_whole(name: str) -> None:
    audio = torch.from_numpy(NOTES[name]).float()
    assert len(first_note(audio, RATE)) == len(audio)


def test_the_same_pitch_after_a_silence_is_another_note():
    gap = np.zeros(round(0.2 * RATE))
    audio = torch.from_numpy(np.concatenate([held(60.0, 0.5), gap, held(60.0, 0.5)])).float()
    assert 0.49 < len(first_note(audio, RATE)) / RATE < 0.71


def test_a_click_and_a_breath_before_a_note_are_left_out():
    noise = np.random.default_rng(0).normal(size=round(0.5 * RATE)) * 0.0004
    click = np.concatenate([[0.02] * 40, noise])
    audio = torch.from_numpy(np.concatenate([click, held(60.0, 0.8)])).float()
    assert 0.78 < len(first_note(audio, RATE)) / RATE < 0.9


def test_a_long_note_after_a_breath_keeps_its_end(caplog):
    breath = np.random.default_rng(0).normal(size=round(0.5 * RATE)) * 0.0004
    breath[:40] = 0.02
    audio = torch.from_numpy(np.concatenate([breath, held(60.0, 12.0)])).float()
    note = one_note(audio, RATE)
    assert 11.9 < len(note) / RATE < 12.1
    assert torch.equal(note[-RATE:], audio[-RATE:])
    assert not caplog.messages


def test_slow_beats_and_tremolo_are_one_note():
    two = tone(np.full(2 * RATE, 60.0)) + tone(np.full(2 * RATE, 60.02))
    tremolo = tone(np.full(2 * RATE, 60.0)) * (0.55 + 0.45 * np.sin(2 * np.pi * 5 * TIMES_S))
    for sound in (two, tremolo):
        assert len(first_note(torch.from_numpy(sound).float(), RATE)) == 2 * RATE


def test_what_one_note_leaves_out_is_logged(caplog):
    assert len(one_note(torch.from_numpy(PHRASES["detached"]).float(), RATE)) < RATE
    assert caplog.messages[0].startswith("the sound holds several notes: the first is heard, 0.")
    assert len(one_note(torch.from_numpy(NOTES["held"]).float(), RATE)) == 2 * RATE
    assert len(caplog.messages) == 1
