"""A preset set on disk: what is heard of patches, and the patches.

    set/presets.toml              what it is made of: settings and the banks' hash
    set/patches.json              name, origin, bank, category, cluster, split of each patch, and
                                  who says its category
    set/parts/part-00012.safetensors   notes of some patches: mels in bytes, curves, knobs
    set/report.json               counts, balance of categories, how much each knob is heard,
                                  checksums of the parts

Mels are stored in steps of a third of a dB: bytes, which a computer maps into memory.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from safetensors import SafetensorError, safe_open
from torch import Tensor

from timbrel.config import read_settings
from timbrel.data.presets.names import By
from timbrel.data.presets.plan import Origin, PresetSetSettings, Split
from timbrel.errors import BadInput
from timbrel.files import is_stream, read_json
from timbrel.instruments.preset.hearing.heard import N_CURVES, N_FRAMES, SCALE, Heard
from timbrel.instruments.preset.hearing.heard_bytes import kept_heard
from timbrel.synths import Parameters, load_synth
from timbrel.synths.parameters import UNTOUCHED

CLAIM, PATCHES, PARTS, REPORT = "presets.toml", "patches.json", "parts", "report.json"
ENDING = ".safetensors"
LARGE, SMALL = ("mel", "curves"), ("vector", "patch", "pitch", "velocity", "held_s", "level_db")
"""Fields of a part: those that are read when they are asked for, and those that are kept."""


@dataclass(frozen=True)
class PatchEntry:
    """What is known of a patch of a set; see `PlannedPatch`.

    Attributes:
        category: what its maker says, or its name, or its sound.
        by: which of those; None for made patches, and in sets that were built without.
    """

    name: str
    origin: Origin
    bank: str
    category: str
    cluster: int
    split: Split
    by: By | None = None


class PatchNotes(NamedTuple):
    """Some notes of a set.

    Attributes:
        vector: the patch of each.
        patch: its number.
        pitch, velocity, held_s: as in `Notes`.
        level_db: RMS of each note.
    """

    vector: Float[Tensor, "notes params"]
    patch: Int[Tensor, " notes"]
    pitch: Float[Tensor, " notes"]
    velocity: Float[Tensor, " notes"]
    held_s: Float[Tensor, " notes"]
    level_db: Float[Tensor, " notes"]


class PresetSet:
    """The notes of a split; mels are read as they are asked for.

    Args:
        folder: the set.
        split: of it.

    Attributes:
        settings: what it was made by.
        parameters: of the synthesizer.
        entries: the patches of the whole set.
        notes: all of the split, but for what is heard of them.
        report: what `report.json` holds.

    Raises:
        BadInput: it is no preset set, it is unfinished or of another synthesizer than it says, or
            there is nothing for this split.
    """

    def __init__(self, folder: str | Path, split: Split) -> None:
        self.folder = Path(folder)
        self.entries = read_patch_entries(self.folder)
        self.report = read_report(self.folder / REPORT)
        self.settings = read_settings(PresetSetSettings, self.folder / CLAIM)
        told_by = self.folder / CLAIM
        self.parameters: Parameters = load_synth(self.settings.synth, told_by).parameters
        _require_same(self.folder, self.settings.synth, self.parameters, self.report["heard_db"])
        wanted = torch.tensor([entry.split == split for entry in self.entries])
        self._parts = sorted((self.folder / PARTS).glob(f"part-*{ENDING}"))
        if not self._parts:
            raise BadInput(f"{self.folder / PARTS} holds no part-*{ENDING}: build the set again")
        columns: dict[str, list[Tensor]] = {name: [] for name in ("place", *SMALL)}
        for number, part in enumerate(self._parts):
            held = _small(part, self.parameters, len(self.entries))
            rows = wanted[held["patch"]].nonzero()[:, 0]
            columns["place"].append(torch.stack([torch.full_like(rows, number), rows], dim=1))
            for name in SMALL:
                columns[name].append(held[name][rows])
        joined = {name: torch.cat(parts) for name, parts in columns.items()}
        self._places = joined.pop("place")
        if not len(self._places):
            raise BadInput(f"{self.folder} holds no notes for {split!r}: widen its settings")
        self.notes = PatchNotes(**joined)

    def __len__(self) -> int:
        return len(self._places)

    def heard(self, indices: Int[Tensor, " some"]) -> Heard:
        """What is heard of some notes."""
        mels, curves = [], []
        for part, row in self._places[indices].tolist():
            path = self._parts[part]
            opened = _opened(path, path.stat().st_mtime_ns)
            mel, curve = (opened.get_slice(name)[row : row + 1] for name in LARGE)
            mels.append(mel)
            curves.append(curve)
        return kept_heard(torch.cat(mels), torch.cat(curves))


def read_patch_entries(folder: Path) -> list[PatchEntry]:
    """What is known of the patches of a set.

    Raises:
        BadInput: it is no preset set, or the file is damaged.
    """
    try:
        return [PatchEntry(**entry) for entry in _read_json(folder / PATCHES)]
    except TypeError as error:
        raise BadInput(f"{folder / PATCHES} is damaged ({error}): build the set again") from None


def read_report(path: Path) -> dict[str, Any]:
    """What `report.json` holds; its counts and decibels are numbers by name.

    Raises:
        BadInput: it is not there, or damaged.
    """
    report = _read_json(path)
    for name in ("patches", "origins", "heard_db"):
        told = report.get(name) if isinstance(report, dict) else None
        if not isinstance(told, dict) or not all(isinstance(x, int | float) for x in told.values()):
            raise BadInput(f"{path} is damaged (no {name}): build the set again")
    return report


def _require_same(folder: Path, synth: str, knobs: Parameters, heard: Collection[str]) -> None:
    """That the synthesizer which a set names has all knobs that it tells of."""
    if others := sorted(set(heard).difference(knobs.names)):
        raise BadInput(
            f"{folder / CLAIM} names {synth:.60}, which has no knob {others[0]!r:.60} ({REPORT} "
            "has): name the synthesizer that the set was built of, or build it again"
        )


def patch_entries_json(entries: Sequence[PatchEntry]) -> str:
    """The text of `patches.json`: a patch a line."""
    lines = ",\n".join(json.dumps(asdict(entry)) for entry in entries)
    return f"[\n{lines}\n]\n"


def _read_json(path: Path) -> Any:
    if not path.exists():
        raise BadInput(f"no preset set at {path.parent}: build one, or check the path")
    return read_json(path, "build the set again")


def _small(part: Path, knobs: Parameters, n_patches: int) -> dict[str, Tensor]:
    """The fields of a part that are kept, where all of them fit the set.

    Raises:
        BadInput: they do not, or it cannot be read.
    """
    opened = _opened(part, part.stat().st_mtime_ns)
    rest = {"mel": [SCALE.n_mels, N_FRAMES], "curves": [N_CURVES, N_FRAMES], "vector": [len(knobs)]}
    try:
        shapes = {name: opened.get_slice(name).get_shape() for name in (*LARGE, *SMALL)}
        held = {name: opened.get_tensor(name) for name in SMALL}
    except SafetensorError as error:
        raise BadInput(f"{part} is damaged ({error}): delete it and build again") from None
    count, patch = len(held["patch"]), held["patch"]
    fits = all(shape == [count, *rest.get(name, [])] for name, shape in shapes.items())
    known = not patch.is_floating_point() and bool(((patch >= 0) & (patch < n_patches)).all())
    if not (fits and known and all(bool(held[name].isfinite().all()) for name in SMALL)):
        raise BadInput(f"{part} does not fit its set: delete it and build again")
    away = (held["vector"] - knobs.space.project(held["vector"])).abs() > UNTOUCHED
    if bool(away.any()):
        name = knobs.names[int(away.any(0).int().argmax())]
        raise BadInput(f"{part}: knob {name} is out of range: delete it and build again")
    return held


@lru_cache(maxsize=4096)
def _opened(part: Path, modified_ns: int) -> Any:  # noqa: ARG001 - another file is opened anew
    try:
        if is_stream(part):
            raise BadInput(f"{part} is a pipe or a device: delete it and build again")
        return safe_open(part, framework="pt")
    except (OSError, SafetensorError) as error:
        raise BadInput(f"{part} cannot be read ({error}): delete it and build again") from None
