import math

import pytest
import torch

from timbrel.evaluate import morph_figures
from timbrel.evaluate.morphs import along, choose_pairs, path_row, render_path
from timbrel.instruments.sine import Sine
from timbrel.sound import Notes


def test_along_is_spearmans_rank_correlation():
    assert along([1.0, 2.0, 8.0, 9.0]) == pytest.approx(1.0)
    assert along([9.0, 5.0, 2.0]) == pytest.approx(1.0)
    assert along([1.0, 4.0, 3.0, 5.0]) == pytest.approx(0.8)  # 1 - 6 * 2 / (4 * 15)
    assert along([3.0, 3.0, 3.0]) == 0.0


def test_pairs_are_different_instruments_near_middle_c(sines):
    pairs = choose_pairs([sines], 3)
    assert len(pairs) == 3
    for pair in pairs:
        a, b = (notes[i] for notes, i in (pair.a, pair.b))
        assert a.instrument_str != b.instrument_str
        assert a.pitch == b.pitch == 60
    assert pairs == choose_pairs([sines], 3)
    assert len(choose_pairs([sines], 100)) <= 6


def path_of(timbres: torch.Tensor) -> list[torch.Tensor]:
    return list(Sine().render(Notes.of([60.0] * len(timbres)), timbres))


def test_an_even_path_and_a_jump():
    quiet, loud = torch.tensor([1.0, 0.01, 0, 0]), torch.tensor([1.0, 0.3, 0, 0])
    even = torch.stack([quiet * (1 - a) + loud * a for a in torch.linspace(0, 1, 9)])
    even[:, 1] = torch.logspace(-2, -0.5, 9)  # even in dB
    row = path_row(path_of(even))
    assert 1.0 <= row["step_ratio"] < 1.5  # what the floor still hides comes late
    assert row["path_ratio"] == pytest.approx(1.0, abs=0.05)
    assert row["centroid_spearman"] == pytest.approx(1.0)
    assert row["pitch_accuracy"] > 0.98
    assert math.isnan(row["attack_spearman"])
    jump = path_row(path_of(torch.stack([quiet] * 4 + [loud] * 5)))
    assert jump["step_ratio"] == pytest.approx(8.0, abs=0.01)


def test_a_detour_is_longer_than_the_way():
    places = torch.tensor([0.01, 1.0, 0.01, 1.0])
    timbres = torch.stack([torch.tensor([1.0, float(p), 0, 0]) for p in places])
    assert path_row(path_of(timbres))["path_ratio"] == pytest.approx(3.0, abs=0.01)


def test_ends_are_the_plain_renders():
    corners = torch.rand(2, 4)
    steps = render_path(Sine(), corners)
    assert len(steps) == 9
    for step, corner in ((steps[0], corners[0]), (steps[-1], corners[1])):
        assert torch.equal(step, render_path(Sine(), corner[None])[0])


def test_a_sine_morph_is_a_cross_fade(sines):
    """Its timbre is amplitudes: mixing timbres is mixing sounds, and the score says so."""
    told = []
    figures = morph_figures(Sine(), sines, pairs=2, progress=lambda *now: told.append(now))
    assert told[0] == ("choosing pairs", 0, 2)
    judged = [now for now in told if now[0] != "choosing pairs"]
    assert judged == [("judging morphs", i, 2) for i in range(3)]
    for key in ("pitch_accuracy", "step_ratio", "path_ratio", "one_sound"):
        assert figures[key] == pytest.approx(figures[f"crossfade_{key}"], abs=0.01)
    assert figures["one_sound"] < 0.25
    assert figures["ends_difference"] == 0.0
    assert figures["pitch_accuracy"] > 0.97
    assert figures["pitch_accuracy_real"] > 0.97
