"""Banks of patches that a user has, heard once by a model and kept for its tone matcher.

    bank -> render, hear, point -> a file in the user's cache, by what was heard and by whom

Each bank has a file of its own, so that hearing thousands of patches may be interrupted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import platformdirs
import torch
from jaxtyping import Float

from timbrel.errors import BadModel
from timbrel.instruments.model_folder import weights_hash
from timbrel.instruments.preset.index import PatchIndex
from timbrel.instruments.preset.network import PresetNetwork
from timbrel.progress import Progress, silent
from timbrel.synths import Patch, Synth

_AT_ONCE = 16


def heard_banks(
    synth: Synth,
    network: PresetNetwork,
    banks: Sequence[tuple[str, Sequence[Patch]]],
    folder: Path | None = None,
    progress: Progress | None = None,
) -> PatchIndex:
    """Where the patches of banks lie: read where they were heard before, and heard otherwise.

    Args:
        synth: whose patches they are.
        network: that hears them.
        banks: their names, and the patches in each.
        folder: where what was heard is kept; the user's cache by default.
        progress: told how many patches are done.
    """
    folder = folder or Path(platformdirs.user_cache_dir("timbrel")) / "banks"
    listener, tell = weights_hash(network), progress or silent
    done, total, parts = 0, sum(len(patches) for _, patches in banks), []
    for _, patches in banks:
        vectors = torch.stack([synth.parameters.vector(patch.values) for patch in patches])
        heard = _Hearing(synth, network, [patch.name for patch in patches], vectors)
        path = folder / f"{_digest(listener, heard)}.safetensors"
        index = _kept(path, synth, network)
        if index is None:
            chunks = []
            for chunk in heard.chunks():
                chunks.append(chunk)
                tell("hearing", done + sum(len(one.names) for one in chunks), total)
            index = PatchIndex.joined(chunks)
            index.save(path)
        done += len(patches)
        tell("hearing", done, total)
        parts.append(index)
    return PatchIndex.joined(parts)


class _Hearing:
    """A bank that is to be heard."""

    def __init__(
        self,
        synth: Synth,
        network: PresetNetwork,
        names: list[str],
        vectors: Float[Tensor, "patches params"],
    ) -> None:
        self.synth, self.network, self.names, self.vectors = synth, network, names, vectors

    def chunks(self) -> Iterator[PatchIndex]:
        """Some patches at a time, without those that the synthesizer fails to play."""
        for rows in torch.arange(len(self.names)).split(_AT_ONCE):
            names = [self.names[int(row)] for row in rows]
            yield PatchIndex.of(self.synth, self.network, names, self.vectors[rows]).playable()


def _digest(listener: str, heard: _Hearing) -> str:
    digest = hashlib.sha256(f"{listener} {heard.synth.name} {heard.names}".encode())
    digest.update(heard.vectors.numpy().tobytes())
    return digest.hexdigest()[:32]


def _kept(path: Path, synth: Synth, network: PresetNetwork) -> PatchIndex | None:
    """What was heard before; None where nothing was, or where the file is damaged."""
    if not path.is_file():
        return None
    try:
        return PatchIndex.load(path, synth.parameters, network.matcher.size)
    except BadModel:
        return None
