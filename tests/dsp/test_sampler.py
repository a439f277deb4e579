"""A looped note, read at any speed, is what the definition says."""

from __future__ import annotations

import numpy as np
import pytest

from timbrel.dsp.looping import make_looped
from timbrel.dsp.sampler import TAPS, Looped, add_note

RATE = 16000
ALONE = (0.0, 0.0)


def tone(f0_hz: float, seconds: float, decay_db_per_s: float = 0.0) -> np.ndarray:
    times_s = np.arange(round(seconds * RATE)) / RATE
    partials = [np.sin(2 * np.pi * f0_hz * k * times_s) / k for k in (1, 2, 3)]
    return (0.3 * sum(partials) * 10 ** (decay_db_per_s * times_s / 20)).astype(np.float32)


def played(note: Looped, length: int, step: float = 1.0, **how) -> np.ndarray:
    out = np.zeros(length, np.float32)
    add_note(out, note, 0.0, step, **how)
    return out


@pytest.mark.parametrize("step", [0.92, 1.0, 1.0905])
def test_a_tone_read_faster_is_a_higher_tone(step: float) -> None:
    note = Looped(tone(1000.0, 1.0), ALONE, 0.0, np.array([1.0, 0.0]))
    wanted = tone(1000.0 * step, 1.0)
    got = played(note, 14000, step)
    np.testing.assert_allclose(got[50:-50], wanted[50:13950], atol=2e-4)


def test_at_its_own_speed_it_is_itself() -> None:
    audio = np.random.default_rng(0).normal(size=500).astype(np.float32)
    note = Looped(audio, ALONE, 0.0, np.array([1.0, 0.0]))
    np.testing.assert_allclose(played(note, 600)[:500], audio, atol=1e-6)
    assert not played(note, 600)[500 + TAPS :].any()


def test_blocks_joined_equal_one_shot() -> None:
    note = make_looped(tone(220.0, 1.0, -12.0), RATE, RATE)
    whole, blocks = played(note, 40000, 1.03), np.zeros(40000, np.float32)
    position = 0.0
    for begin in range(0, 40000, 333):
        position = add_note(blocks[begin : begin + 333], note, position, 1.03)
    np.testing.assert_allclose(blocks, whole, atol=1e-5)


def test_a_loop_goes_on_without_a_seam() -> None:
    """Ten seconds from one: as loud as before, and no step larger than the tone's own."""
    audio = tone(233.3, 1.0)
    note = make_looped(audio, len(audio), RATE)
    long = played(note, 10 * RATE)
    frames = np.sqrt(np.square(long[: 10 * RATE // 400 * 400].reshape(-1, 400)).mean(1))
    assert frames.min() > 0.9 * frames.max()
    assert np.abs(np.diff(long)).max() <= 1.02 * np.abs(np.diff(audio)).max()


def test_noise_keeps_its_level_through_the_loop() -> None:
    audio = np.random.default_rng(1).normal(size=2 * RATE).astype(np.float32) * 0.1
    note = make_looped(audio, len(audio), RATE)
    frames = np.square(played(note, 5 * RATE).reshape(-1, RATE // 20)).mean(1)
    assert frames.min() / 0.01 > 0.6
    assert frames.max() / 0.01 < 1.5


def test_what_dies_away_goes_on_dying() -> None:
    audio = tone(220.0, 2.0, -10.0)
    note = make_looped(audio, len(audio), RATE)
    assert note.decay * RATE * 20 / np.log(10) == pytest.approx(-10, abs=0.3)
    long, wanted = played(note, 5 * RATE), tone(220.0, 5.0, -10.0)
    for second in range(5):
        part = slice(second * RATE, (second + 1) * RATE)
        level = 10 * np.log10(np.square(long[part]).mean() / np.square(wanted[part]).mean())
        assert abs(level) < 1.0


def test_what_has_died_is_not_looped() -> None:
    audio = np.zeros(2 * RATE, np.float32)
    audio[: RATE // 4] = tone(220.0, 0.25)
    note = make_looped(audio, len(audio), RATE)
    assert note.loop == (0.0, 0.0)
    assert not played(note, 3 * RATE)[RATE:].any()


def test_the_release_has_the_recorded_shape() -> None:
    """A note that falls by 60 dB in 0.6 s after its key is up does so wherever it is let go."""
    held, after = tone(220.0, 1.0), tone(220.0, 1.6, -100.0)
    audio = np.concatenate([held, after[: round(0.6 * RATE)]])
    note = make_looped(audio, len(held), RATE)
    points = (np.arange(1, 6) * 20, -100.0 * np.arange(1, 6) * 0.1)
    shape_db = 20 * np.log10(note.release[points[0]])
    np.testing.assert_allclose(shape_db, points[1], atol=1.5)
    assert (note.release[0], note.release[-1]) == (1.0, 0.0)
    assert (np.diff(note.release) <= 0).all()


def test_notes_too_short_to_loop_still_play_and_end() -> None:
    for samples in (0, 1, 100, 3000):
        note = make_looped(tone(220.0, 1.0)[:samples], samples, RATE)
        assert np.isfinite(played(note, RATE)).all()
        assert note.release[-1] == 0.0
