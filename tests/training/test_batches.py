"""Order, randomness and prefetching are functions of the step's number."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from toy import Points

from timbrel.training.running.batches import Feed, Order, generator_for, seed_for, seed_globals


@given(n=st.integers(1, 50), batch=st.integers(1, 20), seed=st.integers(0, 3))
def test_every_epoch_takes_each_item_once(n: int, batch: int, seed: int) -> None:
    order = Order(n, batch, seed=seed)
    steps = -(-2 * n // batch)
    stream = torch.cat([order.indices(step) for step in range(steps)])
    for epoch in (stream[:n], stream[n : 2 * n]):
        assert torch.equal(epoch.sort().values, torch.arange(n))


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    first, second = Order(100, 100, seed=0).indices(0), Order(100, 100, seed=0).indices(1)
    assert not torch.equal(first, second)
    assert not torch.equal(first, Order(100, 100, seed=1).indices(0))
    assert torch.equal(first, Order(100, 100, seed=0).indices(0))


@pytest.mark.parametrize(("processes", "accumulate"), [(2, 1), (1, 2), (2, 2), (4, 3)])
def test_a_step_of_many_small_batches_takes_what_one_large_would(
    processes: int, accumulate: int
) -> None:
    small = Order(37, 5, accumulate, processes, seed=3)
    large = Order(37, 5 * accumulate * processes, seed=3)
    for step in range(6):
        parts = [small.indices(step, part, rank)
                 for part in range(accumulate) for rank in range(processes)]  # fmt: skip
        assert torch.equal(torch.cat(parts), large.indices(step))


def test_seeds_differ_by_every_word() -> None:
    words = [(seed, what, step, rank) for seed in range(3) for what in ("augment", "loss")
             for step in range(50) for rank in range(3)]  # fmt: skip
    assert len({seed_for(*w) for w in words}) == len(words)
    assert seed_for(1, 23) != seed_for(12, 3)
    assert seed_for(0, "epoch", 0) == 5_326_116_194_759_978_245


def test_global_generators_are_seeded_together() -> None:
    def draw() -> tuple[float, float, float]:
        return torch.rand(()).item(), np.random.rand(), random.random()  # noqa: NPY002

    seed_globals(7, "step", 1)
    first = draw()
    assert draw() != first
    seed_globals(7, "step", 1)
    assert draw() == first


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_batches_made_ahead_are_the_same_in_the_same_order(workers: int) -> None:
    points, order = Points(11, 0, noise=0.1), Order(11, 4, accumulate=2, seed=5)
    feed = Feed(points, order, rank=0, workers=workers)
    made = list(feed.batches(3, 9))
    feed.close()
    wanted = [feed.make(step, part) for step in range(3, 9) for part in range(2)]
    assert len(made) == 12
    assert all(torch.equal(a["x"], b["x"]) for a, b in zip(made, wanted, strict=True))


def test_ranks_and_parts_augment_differently() -> None:
    draws = [torch.rand((), generator=generator_for(0, "augment", 0, part, rank)).item()
             for part in range(2) for rank in range(2)]  # fmt: skip
    assert len(set(draws)) == 4


def test_an_error_in_a_batch_reaches_the_loop() -> None:
    class Broken(Points):
        def batch(self, indices: torch.Tensor, generator: torch.Generator) -> dict:
            raise OSError("disk gone")

    feed = Feed(Broken(4, 0, 0.0), Order(4, 2), rank=0, workers=1)
    with pytest.raises(OSError, match="disk gone"):
        next(feed.batches(0, 4))
    feed.close()
