"""Slots hold every harmonic once, keep its power, and give it back."""

from __future__ import annotations

import pytest
import torch

from timbrel.dsp.tracks import SILENT_DB
from timbrel.dsp.tracks.slots import Slots


@pytest.mark.parametrize("n_harmonics", [1, 31, 32, 33, 40, 250, 750])
def test_every_harmonic_lies_in_one_slot(n_harmonics: int) -> None:
    slots = Slots(n_harmonics)
    firsts, counts = slots.firsts.tolist(), slots.counts.int().tolist()
    held = [
        k for first, count in zip(firsts, counts, strict=True) for k in range(first, first + count)
    ]
    assert held[:n_harmonics] == list(range(1, n_harmonics + 1))
    assert held == sorted(set(held))
    assert slots.n_slots == len(counts) == len(slots.centres)


def test_the_first_32_stand_alone_and_the_rest_widen() -> None:
    slots = Slots(750)
    counts = slots.counts
    assert (counts[:32] == 1).all()
    assert bool((counts[32:].diff() >= 0).all())
    assert (slots.centres[:32] == torch.arange(1, 33)).all()
    width = counts[40:] / slots.centres[40:]
    assert width.max() < 0.085


def test_pooled_keeps_the_power() -> None:
    slots = Slots(250)
    level_db = -20 - 40 * torch.rand(3, 7, 250)
    pooled = slots.pooled(level_db)
    power = (10 ** (pooled / 10) * slots.counts).sum(-1)
    torch.testing.assert_close(power, (10 ** (level_db / 10)).sum(-1), rtol=1e-4, atol=0)
    torch.testing.assert_close(pooled[..., :32], level_db[..., :32], rtol=0, atol=0.05)


def test_harmonics_far_below_the_first_are_kept() -> None:
    """A running sum of powers in single precision ends 72 dB down."""
    level_db = torch.full((250,), -100.0)
    level_db[0] = 0
    torch.testing.assert_close(Slots(250).pooled(level_db)[:32], level_db[:32], rtol=0, atol=0.01)


@pytest.mark.parametrize("n_harmonics", [1, 20, 100])
def test_missing_harmonics_and_silent_ones_count_as_nothing(n_harmonics: int) -> None:
    slots = Slots(250)
    few = torch.full((n_harmonics,), -30.0)
    all_of_them = torch.full((250,), SILENT_DB)
    all_of_them[:n_harmonics] = -30
    assert torch.equal(slots.pooled(few), slots.pooled(all_of_them))
    beyond = slots.firsts > n_harmonics
    assert (slots.pooled(few)[beyond] == SILENT_DB).all()


def test_an_even_slope_comes_back() -> None:
    """Levels linear in k: pooled as powers and spread as dB, all lie within a fraction of a dB."""
    slots = Slots(250)
    level_db = -20 - 0.1 * torch.arange(250.0)
    again = slots.spread(slots.pooled(level_db), 250)
    assert (again - level_db)[:32].abs().max() < 1e-4
    assert (again - level_db)[32:240].abs().max() < 1


def test_spread_hits_the_centres_and_reaches_any_number() -> None:
    slots = Slots(40)
    level_db = torch.randn(2, slots.n_slots)
    wide = slots.spread(level_db, 60)
    assert wide.shape == (2, 60)
    torch.testing.assert_close(wide[:, :32], level_db[:, :32])
    torch.testing.assert_close(wide[:, -1], level_db[:, -1])
    assert slots.spread(level_db, 3).shape == (2, 3)
