"""Mixtures: exact at the corners, linear or as long as their corners between them."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from timbrel.errors import BadInput
from timbrel.sound import Dimension, Kind, TimbreSpace

FEW = settings(deadline=None, max_examples=30)

MIXED = TimbreSpace(
    (
        Dimension("latent", Kind.GAUSSIAN, 3),
        Dimension("place", Kind.SPHERE, 2),
        Dimension("knob", Kind.RANGE, 2, -1.0, 2.0),
        Dimension("waveform", Kind.CHOICE, 1, 0.0, 3.0),
        Dimension("pitch", Kind.FIXED, 1, 0.0, 127.0),
    )
)
LATENT = TimbreSpace.gaussian(6)


def corners_of(space: TimbreSpace, count: int, seed: int) -> torch.Tensor:
    return space.sample(count, generator=torch.Generator().manual_seed(seed))


@st.composite
def mixtures(draw: st.DrawFn) -> tuple[int, torch.Tensor]:
    raw = draw(st.lists(st.floats(0, 1), min_size=2, max_size=4).filter(lambda w: sum(w) > 0.1))
    weights = torch.tensor(raw)
    return draw(st.integers(0, 9999)), weights / weights.sum()


@FEW
@given(mixtures())
def test_linear_mixtures_are_weighted_sums(mixture) -> None:
    seed, weights = mixture
    corners = corners_of(LATENT, len(weights), seed)
    wanted = (weights.double()[:, None] * corners.double()).sum(0)
    torch.testing.assert_close(LATENT.mix(corners, weights).double(), wanted, atol=1e-5, rtol=0)


@FEW
@given(mixtures())
def test_spherical_mixtures_point_as_linear_ones_and_are_as_long_as_their_corners(mixture) -> None:
    seed, weights = mixture
    corners = corners_of(LATENT, len(weights), seed)
    linear, spherical = (LATENT.mix(corners, weights, path) for path in ("linear", "spherical"))
    if float(linear.norm()) < 1e-3:
        return
    assert float(spherical.norm()) == pytest.approx(float(weights @ corners.norm(dim=1)), rel=1e-4)
    assert float(torch.cosine_similarity(spherical, linear, 0)) == pytest.approx(1, abs=1e-5)


@FEW
@given(mixtures(), st.sampled_from(["linear", "spherical"]))
def test_a_mixture_of_legal_timbres_is_legal(mixture, path) -> None:
    seed, weights = mixture
    mixed = MIXED.mix(corners_of(MIXED, len(weights), seed), weights, path)
    torch.testing.assert_close(MIXED.project(mixed), mixed, atol=1e-5, rtol=0)


@FEW
@given(st.integers(0, 9999), st.integers(2, 4), st.sampled_from(["linear", "spherical"]))
def test_corners_come_back_to_the_bit(seed, count, path) -> None:
    corners = corners_of(MIXED, count, seed)
    assert torch.equal(MIXED.mix(corners, torch.eye(count), path), corners)


@FEW
@given(mixtures(), st.sampled_from(["linear", "spherical"]))
def test_the_order_of_the_corners_does_not_matter(mixture, path) -> None:
    seed, weights = mixture
    if len(weights.unique()) < len(weights):
        return  # of two that are equally heavy the first decides
    corners = corners_of(MIXED, len(weights), seed)
    turned = MIXED.mix(corners.flip(0), weights.flip(0), path)
    torch.testing.assert_close(turned, MIXED.mix(corners, weights, path), atol=1e-5, rtol=1e-5)


def test_halfway_between_two_directions_lies_on_the_arc() -> None:
    """Slerp by its formula; at the middle the speed along the arc does not matter."""
    a, b = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0])
    angle = math.pi / 2
    slerp = (math.sin(angle / 2) / math.sin(angle)) * (a + b)
    space = TimbreSpace.gaussian(2)
    mixed = space.mix(torch.stack([a, b]), torch.tensor([0.5, 0.5]), "spherical")
    torch.testing.assert_close(mixed, slerp)


def test_opposite_corners_have_no_arc_and_stay_finite() -> None:
    corners = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    space = TimbreSpace.gaussian(2)
    assert space.mix(corners, torch.tensor([0.5, 0.5]), "spherical").tolist() == [0.0, 0.0]


def test_the_heaviest_corner_decides_what_cannot_be_mixed() -> None:
    corners = corners_of(MIXED, 3, 0)
    mixed = MIXED.mix(corners, torch.tensor([[0.3, 0.6, 0.1], [0.4, 0.2, 0.4]]))
    assert torch.equal(mixed[0, -2:], corners[1, -2:])
    assert torch.equal(mixed[1, -2:], corners[0, -2:])


def test_a_grid_of_weights_gives_a_grid_of_timbres() -> None:
    weights = torch.softmax(torch.randn(9, 5, 4), -1)
    corners = corners_of(LATENT, 4, 0)
    grid = LATENT.mix(corners, weights, "spherical")
    assert grid.shape == (9, 5, 6)
    torch.testing.assert_close(grid[3, 2], LATENT.mix(corners, weights[3, 2], "spherical"))


def test_beyond_the_corners_a_weight_of_one_is_not_alone() -> None:
    corners = torch.eye(3)
    mixed = TimbreSpace.gaussian(3).mix(corners, torch.tensor([2.0, 1.0, -2.0]))
    assert mixed.tolist() == [2.0, 1.0, -2.0]


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([0.5, 0.4], "the weights of a mixture must sum to 1"),
        ([math.nan, 1.0], "the weights of a mixture must sum to 1"),
    ],
)
def test_weights_that_are_none_are_refused(weights: list[float], message: str) -> None:
    with pytest.raises(BadInput, match=f"^{message}$"):
        LATENT.mix(torch.zeros(2, 6), torch.tensor(weights))


def test_timbres_that_do_not_fit_are_refused() -> None:
    with pytest.raises(BadInput, match=r"^timbre has shape \(5,\), wanted \[6\] or \[notes 6\]$"):
        LATENT.check(torch.zeros(5))
    with pytest.raises(BadInput, match=r"corners has shape \(2, 5\)"):
        LATENT.mix(torch.zeros(2, 5), torch.tensor([0.5, 0.5]))
    with pytest.raises(BadInput, match="timbre holds NaN or infinity: encode the sound again"):
        LATENT.check(torch.full((6,), math.inf))
    wanted = r"^timbre holds 1e\+30, wanted numbers up to 1000: take less of a direction$"
    with pytest.raises(BadInput, match=wanted):
        LATENT.check(torch.tensor([0.0, 0.0, -1e30, 0.0, 0.0, 0.0]))
    with pytest.raises(BadInput, match=r"^timbre is torch\.int64, wanted a tensor of floats$"):
        LATENT.check(torch.zeros(6, dtype=torch.int64))


@FEW
@given(st.integers(0, 9999))
def test_samples_are_legal_and_repeat(seed: int) -> None:
    first, again = corners_of(MIXED, 4, seed), corners_of(MIXED, 4, seed)
    assert torch.equal(first, again)
    torch.testing.assert_close(MIXED.project(first), first, atol=1e-6, rtol=0)


def test_samples_are_spread_as_said() -> None:
    samples = corners_of(MIXED, 20_000, 1)
    assert samples[:, :3].mean().abs() < 0.02
    assert samples[:, :3].std() == pytest.approx(1, abs=0.02)
    assert samples[:, 3:5].norm(dim=1).sub(1).abs().max() < 1e-6
    assert samples[:, 5:7].mean() == pytest.approx(0.5, abs=0.02)
    assert samples[:, 5:7].std() == pytest.approx(3 / math.sqrt(12), abs=0.02)


def test_every_choice_is_as_likely() -> None:
    """Four choices of 20,000 draws: 5,000 each, with a standard deviation of 61."""
    waveforms = corners_of(MIXED, 20_000, 2)[:, 7]
    assert [(waveforms == c).sum() for c in range(4)] == pytest.approx([5000] * 4, abs=300)


def test_projecting_finds_the_nearest_legal_timbre() -> None:
    timbre = torch.tensor([9.0, -9, 0, 3, 4, -5, 5, 2.6, 130])
    wanted = torch.tensor([9.0, -9, 0, 0.6, 0.8, -1, 2, 3, 127])
    torch.testing.assert_close(MIXED.project(timbre), wanted)


def test_what_is_played_is_the_nearest_legal_timbre() -> None:
    far = torch.tensor([-50.0, 3.0, 999.0, 0.0, 5.0, 3.0, -7.0, 1.7, 200.0], dtype=torch.float64)
    near = torch.tensor([-20.0, 3.0, 20.0, 0.0, 1.0, 2.0, -1.0, 2.0, 127.0])
    assert torch.equal(MIXED.for_player(far), near)
    assert torch.equal(MIXED.for_notes(far, 2), near.expand(2, -1))
    with pytest.raises(BadInput, match=r"timbre has shape \(1, 9\), wanted \[9\]"):
        MIXED.for_player(far[None])
