"""Ways in which any sound of the family can be moved, in the decibels of its residual.

A residual says what is left over of one recording, and says it in units that mean the same for all:
to tilt it is to tilt any sound. Directions are made of such gestures (`training/gesturing.py`).
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.tracks.bands import Bands
from timbrel.dsp.tracks.slots import Slots
from timbrel.instruments.harmonic.timbre_layout import Layout

_TILT_DB, _TILT_FROM, _TILT_FROM_HZ = 2.0, 3.0, 1000.0
"""Per octave above a harmonic's number, and above a frequency."""

_ONSET_DB, _ONSETS_S = -16.0, (0.06, 0.3)
_FALL_DB_S = -8.0
_NOISE_DB = 6.0
_RING_DB, _RING_S = 18.0, 0.3
"""By so much louder in the end is a release that rings, all but there after so long."""


def gestures_of(layout: Layout, slots: Slots, bands: Bands) -> Float[Tensor, "gestures params"]:
    """Brighter; coming up slowly, and more slowly; falling; noisier; ringing on.

    A louder burst alone is none: most sounds have so little of it that nothing is heard.

    >>> slots, bands = Slots(266), Bands(16000)
    >>> gestures_of(Layout(64, slots.n_slots, bands.n_bands), slots, bands).shape
    torch.Size([6, 3546])
    """
    number = (_middles(layout.of_slots, slots.centres) / _TILT_FROM).log2()
    frequency = (_middles(layout.of_bands, bands.centres_hz()) / _TILT_FROM_HZ).log2()
    held_s, noise_s = layout.held_s[:, None], layout.noise_held_s[:, None]
    rings = _RING_DB * (1 - (-layout.released_s / _RING_S).exp())[:, None]
    moves = (
        {"partial": _TILT_DB * number, "noise": _TILT_DB * frequency},
        *(_onset(layout, over_s) for over_s in _ONSETS_S),
        {"partial": _FALL_DB_S * held_s, "noise": _FALL_DB_S * noise_s},
        {"noise": torch.tensor(_NOISE_DB), "burst": torch.tensor(_NOISE_DB)},
        {"partial_released": rings, "noise_released": rings},
    )
    return torch.stack([_moved(layout, move) for move in moves])


def _onset(layout: Layout, over_s: float) -> dict[str, Tensor]:
    """What comes up within so long."""
    held_s, noise_s = layout.held_s[:, None], layout.noise_held_s[:, None]
    return {
        "partial": _ONSET_DB * (-held_s / over_s).exp(),
        "noise": _ONSET_DB * (-noise_s / over_s).exp(),
        "burst": torch.tensor(_ONSET_DB),
    }


def _moved(layout: Layout, move: dict[str, Tensor]) -> Float[Tensor, " params"]:
    """The difference that a move makes to a timbre."""
    zero = layout.zero()
    parts = zero._replace(**{
        name: by.expand_as(getattr(zero, name)) for name, by in move.items()
    })  # fmt: skip
    return torch.cat([part.reshape(-1) for part in parts])


def _middles(
    weights: Float[Tensor, "points groups"], places: Float[Tensor, " points"]
) -> Float[Tensor, " groups"]:
    """Where the middle of each group lies."""
    return weights.T @ places / weights.sum(0)
