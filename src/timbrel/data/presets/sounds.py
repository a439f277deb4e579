"""What notes of patches sound like, as the few numbers by which they are sorted into categories.

Instruments' descriptors alone tell half of it: whether a note is at the height of its key tells a
bass from a lead, how its spectrum goes tells a pluck from an organ.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from safetensors import safe_open
from torch import Tensor

from timbrel.dsp.mel import denormalise_db
from timbrel.instruments.preset.hearing.descriptors import N_DESCRIPTORS, describe
from timbrel.instruments.preset.hearing.heard import SCALE, Heard
from timbrel.instruments.preset.hearing.heard_bytes import kept_heard

_FRAME_S = 1.0 / SCALE.frame_rate
_LOUD_DB, _FLOOR_DB = -30.0, -60.0
_CLEAR = 0.5
_BANDS, _BROAD_BANDS = 16, 8

_EDGES_S = (0.0, 0.035, 0.105, 0.3, 0.8, 2.0, 4.0)
"""Between which levels are asked for; spectra of the third to fifth, against those before them."""

_UNIT_DB = 10.0
_AT_ONCE = 32

N_FEATURES = N_DESCRIPTORS + _BANDS + 6 + 3 * _BROAD_BANDS + 7


class PatchSounds(NamedTuple):
    """Notes of patches.

    Attributes:
        features: of each note.
        patch: its number.
    """

    features: Float[Tensor, "notes features"]
    patch: Int[Tensor, " notes"]


def sound_features(
    heard: Heard, pitch: Float[Tensor, " notes"], held_s: Float[Tensor, " notes"]
) -> Float[Tensor, "notes features"]:
    """What notes sound like, each number of the order of one.

    Args:
        heard: the notes.
        pitch: of their keys.
        held_s: when those came up.

    >>> from timbrel.instruments.preset.hearing.heard import hear
    >>> tuple(sound_features(hear(torch.randn(2, 1000)), torch.ones(2), torch.ones(2)).shape)
    (2, 61)
    """
    mel_db, level_db = denormalise_db(heard.mel), denormalise_db(heard.curves[:, 2])
    loud = (level_db >= _LOUD_DB).to(mel_db)
    bands = mel_db.unflatten(1, (_BANDS, -1)).mean(2)
    spectrum = (bands * loud[:, None]).sum(-1) / loud.sum(-1, keepdim=True).clamp_min(1.0)
    return torch.cat(
        [
            describe(heard, held_s),
            spectrum / _UNIT_DB,
            _levels(level_db) / _UNIT_DB,
            _changes(mel_db) / _UNIT_DB,
            _heights(heard.curves, loud, pitch),
            torch.stack([(pitch - 60.0) / 12.0, held_s.log2()], dim=1),
        ],
        dim=1,
    )


def stored_sounds(parts: Iterable[Path], count: int) -> PatchSounds:
    """What the notes of a set's first so many patches sound like."""
    features, patch = [torch.zeros(0, N_FEATURES)], [torch.zeros(0, dtype=torch.long)]
    for part in parts:
        with safe_open(part, framework="pt") as opened:
            number = opened.get_tensor("patch")
            rows = (number < count).nonzero()[:, 0]
            if not len(rows):
                continue
            mel, curves, pitch, held_s = (
                opened.get_tensor(name)[rows] for name in ("mel", "curves", "pitch", "held_s")
            )
        patch.append(number[rows])
        features += [
            sound_features(kept_heard(mel[some], curves[some]), pitch[some], held_s[some])
            for some in torch.arange(len(rows)).split(_AT_ONCE)
        ]
    return PatchSounds(torch.cat(features), torch.cat(patch))


def _levels(level_db: Tensor) -> Tensor:
    return torch.stack([part.mean(-1) for part in _between(level_db.clamp_min(_FLOOR_DB))], dim=1)


def _changes(mel_db: Tensor) -> Tensor:
    """How much louder broad bands become than they are at first."""
    first, second, third, *later, _ = _between(mel_db.unflatten(1, (_BROAD_BANDS, -1)).mean(2))
    begun = torch.cat([first, second], dim=-1).mean(-1)
    return torch.cat([part.mean(-1) - begun for part in (third, *later)], dim=1)


def _between(curve: Tensor) -> list[Tensor]:
    frames = [round(edge / _FRAME_S) for edge in _EDGES_S]
    return [curve[..., a:b] for a, b in pairwise(frames)]


def _heights(curves: Tensor, loud: Tensor, pitch: Tensor) -> Tensor:
    """Octaves above the key, away from it, and wandering; shares of clear and of loud frames."""
    clear = ((curves[:, 1] >= _CLEAR) & (loud > 0)).to(curves)
    count = clear.sum(-1)
    # curves have 1 at two octaves above middle C
    octaves = 2.0 * curves[:, 0]
    mean = (octaves * clear).sum(-1) / count.clamp_min(1.0)
    wandering = ((octaves - mean[:, None]).square() * clear).sum(-1) / count.clamp_min(1.0)
    above = torch.where(count > 0, mean - (pitch - 60.0) / 12.0, 0.0)
    n_loud = loud.sum(-1).clamp_min(1.0)
    return torch.stack([above, above.abs(), wandering.sqrt(), count / n_loud, n_loud.log2()], 1)
