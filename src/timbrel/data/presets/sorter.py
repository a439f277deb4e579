"""Sounds sorted into categories: multinomial logistic regression, tried on whole clusters.

Nearest neighbours were tried on the same numbers and are worse: 0.31 of amsynth's named patches
(mean over categories) where this has 0.36, as its weights can leave aside what tells nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from timbrel.synths.patch import CATEGORIES

SOUNDING = tuple(category for category in CATEGORIES if category != "other")
"""What a sound can be sorted into: "other" is what no category is sure of."""

_RIDGES = (1e-3, 3e-3, 1e-2)
_FOLDS = 5
_RIGHT = 0.5
"""Sounds are sure from where no fewer of them are sorted right than wrong."""


@dataclass(frozen=True)
class Examples:
    """Notes of patches whose category is known.

    Attributes:
        features: of each note.
        patch: its number.
        category: place in `SOUNDING`.
        cluster: of patches that are nearly the same, of which all are learnt from, or none.
        judged: whether how it is sorted counts.
    """

    features: Float[Tensor, "notes features"]
    patch: Int[Tensor, " notes"]
    category: Int[Tensor, " notes"]
    cluster: Int[Tensor, " notes"]
    judged: Tensor


@dataclass(frozen=True)
class Trial:
    """How well patches are sorted by others that are not nearly the same.

    What the sorter chooses for itself, its ridge and from when on it is sure, it chooses by these
    very figures, which that flatters a little.

    Attributes:
        judged: how many patches that is said of.
        accuracy: share that is sorted right.
        macro_accuracy: mean over categories of that share.
        majority_accuracy: share of the commonest category.
        majority_macro_accuracy: mean over categories, where all are sorted into that.
        sure_from: probability from which a sound is sorted, rather than "other".
        sure_share: patches that are.
        sure_accuracy: share of those that is sorted right.
    """

    judged: int
    accuracy: float
    macro_accuracy: float
    majority_accuracy: float
    majority_macro_accuracy: float
    sure_from: float
    sure_share: float
    sure_accuracy: float

    @property
    def figures(self) -> dict[str, float]:
        """All of it, rounded."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Sorter:
    """Categories by a sum of weighted features.

    Attributes:
        middle, spread: of features.
        weight, bias: of each category.
    """

    middle: Float[Tensor, " features"]
    spread: Float[Tensor, " features"]
    weight: Float[Tensor, "features categories"]
    bias: Float[Tensor, " categories"]

    def log_probabilities(
        self, features: Float[Tensor, "notes features"]
    ) -> Float[Tensor, "notes categories"]:
        """Of each category."""
        return (self._scaled(features) @ self.weight + self.bias).log_softmax(-1)

    def _scaled(self, features: Tensor) -> Tensor:
        return ((features.double() - self.middle) / self.spread).clamp(-4.0, 4.0)


def fit_sorter(
    features: Float[Tensor, "notes features"], category: Int[Tensor, " notes"], ridge: float
) -> Sorter:
    """The sorter that such notes are best sorted by.

    Args:
        features: of notes.
        category: place of each in `SOUNDING`; a rare one's notes count for more, by the root.
        ridge: cost of weights.
    """
    exact = features.double()
    spread = exact.std(0, correction=0).clamp_min(1e-3)
    weight = torch.zeros(exact.shape[1], len(SOUNDING), dtype=torch.double, requires_grad=True)
    bias = torch.zeros(len(SOUNDING), dtype=torch.double, requires_grad=True)
    sorter = Sorter(exact.mean(0), spread, weight, bias)
    counts = torch.bincount(category, minlength=len(SOUNDING)).double()
    share = counts[category].rsqrt()
    share = share / share.sum()
    scaled = sorter._scaled(exact)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=60, line_search_fn="strong_wolfe")

    def cost() -> Tensor:
        optimizer.zero_grad()
        answers = scaled @ weight + bias
        wrong = torch.nn.functional.cross_entropy(answers, category, reduction="none")
        total = (wrong * share).sum() + ridge * weight.square().sum()
        total.backward()
        return total

    optimizer.step(cost)  # pyright: ignore[reportArgumentType]
    return Sorter(sorter.middle, spread, weight.detach(), bias.detach())


def tried_sorter(examples: Examples) -> tuple[Sorter, Trial]:
    """The sorter of the ridge that does best where nothing nearly the same was learnt, and how."""
    tried = [(_trial(examples, ridge), ridge) for ridge in _RIDGES]
    trial, ridge = max(tried, key=lambda one: one[0].macro_accuracy)
    return fit_sorter(examples.features, examples.category, ridge), trial


def by_patch(
    log_probabilities: Float[Tensor, "notes categories"], patch: Int[Tensor, " notes"]
) -> tuple[Int[Tensor, " patches"], Float[Tensor, "patches categories"]]:
    """Patches' numbers, and their probabilities: the geometric mean over their notes.

    >>> number, found = by_patch(torch.tensor([[0.5, 0.5], [0.1, 0.9]]).log(), torch.tensor([7, 7]))
    >>> number, found
    (tensor([7]), tensor([[0.2500, 0.7500]]))
    """
    number, place = patch.unique(return_inverse=True)
    total = torch.zeros(len(number), log_probabilities.shape[1], dtype=log_probabilities.dtype)
    total.index_add_(0, place, log_probabilities)
    return number, (total / torch.bincount(place)[:, None]).softmax(-1)


def _trial(examples: Examples, ridge: float) -> Trial:
    fold = examples.cluster.unique(return_inverse=True)[1] % _FOLDS
    found = torch.zeros(len(fold), len(SOUNDING), dtype=torch.double)
    for number in range(_FOLDS):
        learnt = fold != number
        if bool(learnt.any()) and not bool(learnt.all()):
            sorter = fit_sorter(examples.features[learnt], examples.category[learnt], ridge)
            found[~learnt] = sorter.log_probabilities(examples.features[~learnt])
    judged = examples.judged
    _, probabilities = by_patch(found[judged], examples.patch[judged])
    _, truth = by_patch(_one_hot(examples.category[judged]), examples.patch[judged])
    return _judgement(probabilities, truth.argmax(-1))


def _one_hot(category: Tensor) -> Tensor:
    return torch.nn.functional.one_hot(category, len(SOUNDING)).double()


def _judgement(probabilities: Tensor, truth: Tensor) -> Trial:
    sureness, answer = probabilities.max(-1)
    right = (answer == truth).double()
    counts = torch.bincount(truth, minlength=len(SOUNDING)).double()
    present = counts > 0
    by_category = torch.zeros_like(counts).index_add_(0, truth, right)
    sure_from = _sure_from(sureness, right)
    sure = sureness >= sure_from
    return Trial(
        judged=len(truth),
        accuracy=float(right.mean()),
        macro_accuracy=float((by_category[present] / counts[present]).mean()),
        majority_accuracy=float(counts.max() / counts.sum()),
        majority_macro_accuracy=1.0 / int(present.sum()),
        sure_from=sure_from,
        sure_share=float(sure.double().mean()),
        sure_accuracy=float(right[sure].mean()) if bool(sure.any()) else 0.0,
    )


def _sure_from(sureness: Tensor, right: Tensor) -> float:
    """The lowest probability, in tenths, from which on half of each tenth's answers are right."""
    tenth = (10 * sureness).long().clamp(max=9)
    for number in reversed(range(10)):
        some = right[tenth == number]
        if len(some) and float(some.mean()) < _RIGHT:
            return (number + 1) / 10
    return 0.0
