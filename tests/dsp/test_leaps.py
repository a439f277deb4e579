"""Leaps of a melody: clear ones at once, unclear ones only where they stay."""

from __future__ import annotations

import numpy as np
import torch

from timbrel.dsp.leaps import DOUBTED, Leaps, without_leaps
from timbrel.dsp.listening import follow


def judged(*frames: tuple[float, float]) -> list[bool]:
    leaps = Leaps(200.0)
    return [leaps.believed(*frame) > DOUBTED for frame in frames]


def test_steps_are_believed_and_unclear_leaps_are_not() -> None:
    assert judged((220, 1.0), (233, 0.6), (311, 0.6), (900, 0.8), (300, 0.55)) == [
        True, True, True, False, True,
    ]  # fmt: skip


def test_a_clear_leap_is_believed_at_once() -> None:
    assert judged((220, 1.0), (440, 0.9), (110, 0.86)) == [True, True, True]


def test_an_unclear_leap_is_believed_once_it_stays_for_a_tenth_of_a_second() -> None:
    told = judged((220, 1.0), *[(900, 0.7)] * 25)
    assert told == [True] + [False] * 19 + [True] * 6
    wandering = judged((220, 1.0), *[(900 * 1.2 ** (n % 2), 0.7) for n in range(40)])
    assert wandering == [True] + [False] * 40


def test_what_is_not_sure_stays_as_it_is() -> None:
    leaps = Leaps(200.0)
    assert [leaps.believed(*frame) for frame in ((0.0, 0.9), (220.0, 0.3))] == [0.9, 0.3]


def test_an_s_between_notes_has_no_pitch() -> None:
    """A hiss with a weak whistle in it, as the teeth make."""
    noise = np.random.default_rng(1).normal(0, 0.03, 4800)
    time_s = np.arange(24000) / 48000
    note = 0.1 * sum(np.sin(2 * np.pi * 220 * k * time_s) / k for k in range(1, 6))
    hiss = noise + 0.03 * np.sin(2 * np.pi * 1700 * time_s[:4800])
    heard = follow(torch.from_numpy(np.concatenate([note, hiss, note])).float(), 48000)
    in_hiss = slice(104, 116)
    assert float((heard.confidence >= 0.5)[in_hiss].float().mean()) > 0.5
    told = without_leaps(heard).confidence
    assert float((told >= 0.5)[in_hiss].float().mean()) == 0.0
    torch.testing.assert_close(told[4:96], heard.confidence[4:96])
