"""Which items, and which randomness, belong to which step: pure functions, so nothing is saved.

The items of a run are one endless stream: epoch after epoch, each in its own order. Step `s` takes
the next `accumulate * processes * batch_size` of them, cut like this, so that two processes see in
one step what one process with twice the batch would:

    step:     |            s             |           s + 1          |
    batch:    |     a = 0   |    a = 1   |     a = 0   |    a = 1   |
    rank:     |   0  |   1  |  0  |   1  |   0  |   1  |  0  |   1  |
"""

from __future__ import annotations

import hashlib
import random
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from timbrel.training.objective import Batch, TrainingSet


def seed_for(*words: object) -> int:
    """A seed of 63 bits from words like (seed, "augment", step, rank).

    >>> seed_for(0, "epoch", 1) != seed_for(0, "epoch", 2)
    True
    """
    digest = hashlib.blake2b("/".join(map(str, words)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def generator_for(*words: object, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator seeded by `seed_for`."""
    return torch.Generator(device).manual_seed(seed_for(*words))


def seed_globals(*words: object) -> None:
    """Seed the generators that belong to nobody: torch's (dropout), numpy's and Python's."""
    seed = seed_for(*words)
    torch.manual_seed(seed)
    np.random.seed(seed & 0xFFFFFFFF)  # noqa: NPY002
    random.seed(seed)


@dataclass(frozen=True)
class Order:
    """The stream of items of a run.

    Attributes:
        n_items: in the set.
        batch_size: per process.
        accumulate: batches of a step.
        processes: in all.
        seed: of the order.
    """

    n_items: int
    batch_size: int
    accumulate: int = 1
    processes: int = 1
    seed: int = 0

    @property
    def items_per_step(self) -> int:
        """Items that all processes together take in one step."""
        return self.batch_size * self.accumulate * self.processes

    def indices(self, step: int, part: int = 0, rank: int = 0) -> Int[Tensor, " batch"]:
        """The items of a step's part (of `accumulate`) on one process.

        >>> Order(n_items=3, batch_size=6).indices(0).sort().values
        tensor([0, 0, 1, 1, 2, 2])
        """
        slot = part * self.processes + rank
        start = step * self.items_per_step + slot * self.batch_size
        chunks, wanted = [], self.batch_size
        while wanted:
            epoch, place = divmod(start, self.n_items)
            chunk = self._epoch(epoch)[place : place + wanted]
            chunks.append(chunk)
            start, wanted = start + len(chunk), wanted - len(chunk)
        return torch.cat(chunks)

    def _epoch(self, epoch: int) -> Int[Tensor, " items"]:
        return _epoch_order(self.n_items, self.seed, epoch)


@lru_cache(maxsize=4)
def _epoch_order(n_items: int, seed: int, epoch: int) -> Int[Tensor, " items"]:
    return torch.randperm(n_items, generator=generator_for(seed, "epoch", epoch))


class Feed:
    """The batches of a process, made ahead by threads while the current one trains."""

    def __init__(self, train_set: TrainingSet, order: Order, rank: int, workers: int) -> None:
        self._set = train_set
        self._order = order
        self._rank = rank
        self._pool = ThreadPoolExecutor(workers, "batches") if workers else None
        self._ahead = 2 * workers

    def make(self, step: int, part: int) -> Batch:
        """The batch of a step's part: the same, whoever asks for it and when."""
        order = self._order
        generator = generator_for(order.seed, "augment", step, part, self._rank)
        return self._set.batch(order.indices(step, part, self._rank), generator)

    def batches(self, first_step: int, steps: int) -> Iterator[Batch]:
        """The batches from `first_step` to `steps`, `accumulate` of them a step."""
        parts = ((s, a) for s in range(first_step, steps) for a in range(self._order.accumulate))
        if self._pool is None:
            yield from (self.make(*part) for part in parts)
            return
        coming: deque[Future[Batch]] = deque()
        for part in parts:
            coming.append(self._pool.submit(self.make, *part))
            if len(coming) > self._ahead:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()

    def close(self) -> None:
        """End the threads; batches not yet begun are dropped."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
