"""Where the patches of a bank lie for the tone matcher: a search over thousands is one product."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from timbrel.errors import BadModel
from timbrel.files import replacing
from timbrel.instruments.preset.hearing.heard import HOLD_S, hear
from timbrel.instruments.preset.hearing.target import TYPICAL_VELOCITY
from timbrel.instruments.preset.network import PresetNetwork
from timbrel.instruments.preset.rendering import attempted
from timbrel.sound import Notes
from timbrel.synths import Parameters, Synth

INDEX = "index.safetensors"

_PITCHES = (48.0, 60.0, 72.0)
_AT_ONCE = 16


@dataclass(frozen=True)
class PatchIndex:
    """Patches, and the mean point of three notes of each.

    Attributes:
        names: of the patches.
        vectors: the patches.
        points: where they lie, of length 1.
    """

    names: tuple[str, ...]
    vectors: Float[Tensor, "patches params"]
    points: Float[Tensor, "patches size"]

    @classmethod
    def of(
        cls,
        synth: Synth,
        network: PresetNetwork,
        names: Sequence[str],
        vectors: Float[Tensor, "patches params"],
    ) -> PatchIndex:
        """Render patches and hear them: some 30 ms each where the synthesizer is quick."""
        points = [_points(synth, network, some) for some in vectors.split(_AT_ONCE)]
        return cls(tuple(names), vectors, torch.cat(points))

    @classmethod
    def joined(cls, parts: Sequence[PatchIndex]) -> PatchIndex:
        """Several as one, in order."""
        names = tuple(name for part in parts for name in part.names)
        vectors, points = (
            torch.cat([getattr(p, of) for p in parts]) for of in ("vectors", "points")
        )
        return cls(names, vectors, points)

    def playable(self) -> PatchIndex:
        """Without the patches that the synthesizer failed to play."""
        rows = self.points.isfinite().all(1).nonzero()[:, 0]
        names = tuple(self.names[int(row)] for row in rows)
        return PatchIndex(names, self.vectors[rows], self.points[rows])

    def nearest(self, point: Float[Tensor, " size"], count: int) -> list[int]:
        """Numbers of the patches that sound most like what lies at a point, nearest first."""
        return (self.points @ point).topk(min(count, len(self.names))).indices.tolist()

    def save(self, path: Path) -> None:
        """Write it."""
        columns = {"vectors": self.vectors.contiguous(), "points": self.points.half()}
        with replacing(path) as temporary:
            save_file(columns, temporary, {"names": json.dumps(self.names)})

    @classmethod
    def load(cls, path: Path, parameters: Parameters, size: int) -> PatchIndex:
        """Read it.

        Args:
            path: of the file.
            parameters: of the synthesizer.
            size: numbers of a point.

        Raises:
            BadModel: it is damaged, its knobs or numbers are not as many, or they are not finite.
        """
        try:
            with safe_open(path, framework="pt") as opened:
                names = list(map(str, json.loads(opened.metadata()["names"])))
                vectors = opened.get_tensor("vectors").float()
                points = opened.get_tensor("points").float()
        except (OSError, SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise BadModel(f"{path} cannot be read ({error}): train the model again") from None
        is_table = vectors.ndim == points.ndim == 2
        fits = is_table and (vectors.shape[1], points.shape[1]) == (len(parameters), size)
        if not fits or not len(names) == len(vectors) == len(points):
            raise BadModel(f"{path} does not fit its model: train the model again")
        if not bool(vectors.isfinite().all() and points.isfinite().all()):
            raise BadModel(f"{path} holds NaN or infinity: train the model again")
        return cls(tuple(names), parameters.space.project(vectors), points)


@torch.no_grad()
def _points(synth: Synth, network: PresetNetwork, vectors: Tensor) -> Tensor:
    """Where a few patches lie: the middle of where their notes do; NaN if one cannot be played."""
    total = torch.zeros(())
    for pitch in _PITCHES:
        notes = Notes.of([pitch] * len(vectors), TYPICAL_VELOCITY, HOLD_S)
        total = total + network.point(hear(attempted(synth, vectors, notes)))
    return torch.nn.functional.normalize(total, dim=-1)
