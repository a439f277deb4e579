"""Which match a user should be asked about: the one whose rating would teach most.

A search believes its judge (mels under two windows), and the tone matcher hears otherwise: it was
taught what sounds of one patch have in common. Where the two rank a match most differently, one of
them is wrong, and only a listener can say which (query by committee: Seung et al. 1992).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.instruments.preset.feedback.taste import Taste
from timbrel.instruments.preset.hearing.heard import Heard, hear
from timbrel.instruments.preset.matching.candidates import Match
from timbrel.instruments.preset.network import PresetNetwork


@torch.no_grad()
def informative(
    matches: Sequence[Match],
    sounds: Float[Tensor, "matches time"],
    target: Heard,
    network: PresetNetwork | None = None,
    taste: Taste | None = None,
) -> int:
    """The number of the match that is most worth a rating.

    Without a network there is one judge and no quarrel: the nearest that is least known.

    Args:
        matches: of one target.
        sounds: what they sound like, at 44.1 kHz.
        target: what is heard of it.
        network: whose tone matcher is the other judge.
        taste: what was said before; what is known need not be asked.
    """
    distance = torch.tensor([one.distance_db for one in matches])
    quarrel = torch.zeros(len(matches))
    if network is not None:
        likeness = network.point(hear(sounds)) @ network.point(target)[0]
        quarrel = (_ranks(distance) - _ranks(-likeness)).abs()
    known = torch.zeros(len(matches))
    if taste is not None:
        known = taste.known(torch.stack([one.vector for one in matches])).round()
    worth = (1.0 + quarrel) / (1.0 + known)
    return min(range(len(matches)), key=lambda i: (-float(worth[i]), float(distance[i])))


def _ranks(numbers: Tensor) -> Tensor:
    return numbers.argsort(stable=True).argsort().float()
