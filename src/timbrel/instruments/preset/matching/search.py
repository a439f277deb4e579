"""The search that refines a guess: an evolution of patches, rendered and judged.

CatCMA with margin (Hamano et al. 2025, arXiv 2504.07884) varies knobs by a Gaussian whose shape it
learns and switches by odds that it learns. Here it begins with what the network said: knobs that it
was sure of vary little, switches that it doubted vary much.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from cmaes import CatCMAwM
from jaxtyping import Float
from torch import Tensor

from timbrel.instruments.preset.answers import (
    Answer,
    n_choices,
    probabilities,
    switches,
    vectors_of,
)
from timbrel.sound import TimbreSpace

Distances = Callable[[Float[Tensor, "batch params"]], Float[Tensor, " batch"]]

_WIDEST, _NARROWEST = 0.2, 0.01
_STUCK = 25
"""Generations without anything nearer, after which it begins anew, wider."""


@dataclass(frozen=True)
class Found:
    """The nearest patch of a search.

    Attributes:
        vector: the patch.
        distance: its distance.
        tried: patches that were judged.
    """

    vector: Float[Tensor, " params"]
    distance: float
    tried: int


def search(
    space: TimbreSpace,
    begin: Answer,
    distances: Distances,
    seconds: float,
    generator: torch.Generator | None = None,
) -> Found | None:
    """The nearest patch that is found in so many seconds; None where they are over at once.

    Args:
        space: of patches.
        begin: one answer, around which it looks.
        distances: of patches from what is looked for.
        seconds: of this machine's time.
        generator: of the patches that are tried.
    """
    end, best, tried, stuck, widening = time.monotonic() + seconds, None, 0, 0, 1.0
    evolution = _evolution(space, begin, widening, generator)
    while time.monotonic() < end:
        asked = [evolution.ask() for _ in range(evolution.population_size)]
        vectors = torch.stack([_vector(space, each) for each in asked])
        judged = distances(vectors).double().numpy()
        evolution.tell([*zip(asked, np.where(np.isfinite(judged), judged, 1e3), strict=True)])
        tried, nearest = tried + len(vectors), int(judged.argmin())
        stuck += 1
        if best is None or judged[nearest] < best.distance:
            best, stuck = Found(vectors[nearest], float(judged[nearest]), tried), 0
        if stuck == _STUCK:
            stuck, widening = 0, 2 * widening
            evolution = _evolution(space, begin, widening, generator)
    return None if best is None else Found(best.vector, best.distance, tried)


def _evolution(
    space: TimbreSpace, begin: Answer, widening: float, generator: torch.Generator | None
) -> CatCMAwM:
    seed = int(torch.randint(1 << 31, (), generator=generator))
    spread = (begin.doubt[0].double() * widening).clamp(_NARROWEST, _WIDEST).numpy()
    odds = probabilities(space, begin)
    n_knobs = len(spread)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that it normalises odds
        return CatCMAwM(
            x_space=[[0.0, 1.0]] * n_knobs if n_knobs else None,
            c_space=[n_choices(switch) for switch in switches(space)] or None,
            mean=begin.knobs[0].double().numpy().copy(),
            sigma=1.0,
            cov=np.diag(spread**2),
            cat_param=odds,
            seed=seed,
        )


def _vector(space: TimbreSpace, asked: CatCMAwM.Solution) -> Float[Tensor, " params"]:
    place = torch.from_numpy(np.zeros(0) if asked.x is None else asked.x).float()
    choice = torch.zeros(0) if asked.c is None else torch.from_numpy(asked.c.argmax(1)).float()
    return vectors_of(space, place, choice)
