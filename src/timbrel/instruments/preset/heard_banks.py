"""Banks of patches that a user has, heard once by a model and kept for its tone matcher.

    bank -> render, hear, point -> a file in the user's cache, by what was heard and by whom

Each bank has a file of its own, so that hearing thousands of patches may be interrupted.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

import platformdirs
import torch

from timbrel.errors import BadInput, BadModel
from timbrel.instruments.model_folder import weights_hash
from timbrel.instruments.preset.index import PatchIndex
from timbrel.instruments.preset.network import PresetNetwork
from timbrel.instruments.preset.rendering import RENDERING
from timbrel.progress import Progress, told
from timbrel.synths import Patch, Synth

_LOG = logging.getLogger(__name__)


def heard_banks(
    synth: Synth,
    network: PresetNetwork,
    banks: Sequence[tuple[str, Sequence[Patch]]],
    folder: Path | None = None,
    progress: Progress | None = None,
) -> PatchIndex:
    """Where the patches of banks lie: read where they were heard before, and heard otherwise.

    That nothing can be kept is logged once: the next call takes as long then.

    Args:
        synth: whose patches they are.
        network: that hears them.
        banks: their names, and the patches in each.
        folder: where what was heard is kept; the user's cache by default.
        progress: told how many banks are done.
    """
    folder = folder or Path(platformdirs.user_cache_dir("timbrel")) / "banks"
    listener, parts, is_kept = weights_hash(network), [], True
    for _, patches in told(banks, "hearing banks", progress):
        names = [patch.name for patch in patches]
        vectors = torch.stack([synth.parameters.vector(patch.values) for patch in patches])
        digest = hashlib.sha256(f"{listener} {RENDERING} {synth.name} {names}".encode())
        digest.update(vectors.numpy().tobytes())
        path = folder / f"{digest.hexdigest()[:32]}.safetensors"
        index = _kept(path, synth, network)
        if index is None:
            index = PatchIndex.of(synth, network, names, vectors).playable()
            is_kept = _keep(index, path) and is_kept
        parts.append(index)
    if not is_kept:
        _LOG.warning("what was heard of the banks cannot be kept: let %s be written", folder)
    return PatchIndex.joined(parts)


def _kept(path: Path, synth: Synth, network: PresetNetwork) -> PatchIndex | None:
    """What was heard before; None where nothing was, or where the file is damaged."""
    try:
        if not path.is_file():
            return None
        return PatchIndex.load(path, synth.parameters, network.matcher.size)
    except (OSError, BadModel):
        return None


def _keep(index: PatchIndex, path: Path) -> bool:
    """Whether it could be kept; what was heard is of use even if not."""
    try:
        index.save(path)
    except (OSError, BadInput):
        return False
    return True
