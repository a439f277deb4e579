"""How much each knob of a patch is heard: its sound with the knob, and with the knob untouched."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from timbrel.data.presets.preset_set import CLAIM
from timbrel.dsp.distances import mss_between, mss_mels
from timbrel.files import replacing
from timbrel.instruments.preset.hearing.heard import HOLD_S, SAMPLE_RATE, is_audible
from timbrel.instruments.preset.hearing.target import TYPICAL_VELOCITY
from timbrel.instruments.preset.rendering import attempted
from timbrel.progress import Progress
from timbrel.sound import Notes
from timbrel.synths import Synth

ACTIVE_DB = 0.5
"""A knob whose reset changes a patch's sound by more (MSS) is active in it."""

ACTIVITY = "activity.safetensors"

_PITCH = 60.0


def heard_db(
    synth: Synth, vectors: Sequence[Float[Tensor, " params"]], progress: Progress | None = None
) -> dict[str, float]:
    """By how many dB (MSS) the reset of each knob changes a patch, where it is touched at all."""
    total, touched = torch.zeros(2, len(synth.parameters))
    for count, vector in enumerate(vectors):
        total += activity_db(synth, vector)
        touched += synth.parameters.touched(vector)
        if progress:
            progress("measuring", count + 1, len(vectors))
    mean = total / touched.clamp_min(1.0)
    return {
        name: round(x, 4) for name, x in zip(synth.parameters.names, mean.tolist(), strict=True)
    }


def activity_db(synth: Synth, vector: Float[Tensor, " params"]) -> Float[Tensor, " params"]:
    """By how many dB (MSS) the reset of each of a patch's knobs to its default changes its sound.

    0 where the knob is untouched already, where the patch is silent, and where a plug-in failed.
    """
    defaults = synth.parameters.defaults
    changed = torch.zeros(len(vector))
    rows = synth.parameters.touched(vector).nonzero()[:, 0]
    reset = vector.repeat(len(rows) + 1, 1)
    reset[torch.arange(len(rows)), rows] = defaults[rows]
    notes = Notes.of([_PITCH] * len(reset), TYPICAL_VELOCITY, HOLD_S)
    audio = attempted(synth, reset, notes)
    if bool(is_audible(audio[-1:]).all()):
        unchanged = mss_mels(audio[-1], SAMPLE_RATE)
        for sound, row in zip(audio[:-1], rows.tolist(), strict=True):
            if bool(sound.isfinite().all()):
                changed[row] = mss_between(mss_mels(sound, SAMPLE_RATE), unchanged)
    return changed


def kept_activity_db(
    folder: Path,
    synth: Synth,
    vectors: Sequence[Float[Tensor, " params"]],
    progress: Progress | None = None,
) -> Float[Tensor, "patches params"]:
    """`activity_db` of patches of a set, measured once: a file beside the set keeps it.

    Args:
        folder: the set.
        synth: its synthesizer.
        vectors: the patches; each takes a second or two.
        progress: told how many are done.
    """
    claim = hashlib.sha256((folder / CLAIM).read_bytes()).hexdigest()
    known = _read(folder / ACTIVITY, claim)
    n_kept = len(known)
    try:
        for count, vector in enumerate(vectors):
            if _key(vector) not in known:
                known[_key(vector)] = vector, activity_db(synth, vector)
            if progress:
                progress("measuring", count + 1, len(vectors))
    finally:
        if len(known) > n_kept:
            _write(folder / ACTIVITY, claim, known)
    return torch.stack([known[_key(vector)][1] for vector in vectors])


_Known = dict[bytes, tuple[Tensor, Tensor]]


def _key(vector: Tensor) -> bytes:
    return vector.float().contiguous().numpy().tobytes()


def _read(path: Path, claim: str) -> _Known:
    """What was measured of the very set; nothing where the file is damaged or another's."""
    try:
        with safe_open(path, framework="pt") as opened:
            if (opened.metadata() or {}).get("claim") != claim:
                return {}
            pairs = zip(opened.get_tensor("vectors"), opened.get_tensor("activity"), strict=True)
            return {_key(vector): (vector, changed) for vector, changed in pairs}
    except (OSError, SafetensorError, ValueError):
        return {}


def _write(path: Path, claim: str, known: _Known) -> None:
    vectors, changed = (torch.stack(column) for column in zip(*known.values(), strict=True))
    with replacing(path) as temporary:
        save_file({"vectors": vectors, "activity": changed}, temporary, {"claim": claim})
