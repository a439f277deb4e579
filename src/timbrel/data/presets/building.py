"""Preset sets: patches of a synthesizer, and what is heard of them.

    banks -> plan (real, around, between, random; splits by cluster)
          -> parts, on several processes: notes rendered, 4 s at 44.1 kHz, and heard
          -> categories of those whose makers and names are silent
          -> how much each knob is heard, balance, checksums: report.json

A run that was stopped is finished by the same call: parts that are there stay, but for those that
are cut, or no longer what the report's checksums say. Other settings want another folder.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.config import to_toml
from timbrel.data.claim import alone_in
from timbrel.data.presets.activity import heard_db
from timbrel.data.presets.categories import Categories, find_categories
from timbrel.data.presets.names import Found
from timbrel.data.presets.plan import (
    Banks,
    PlannedPatch,
    PresetSetSettings,
    plan_notes,
    plan_patches,
    wholly_named,
)
from timbrel.data.presets.preset_set import (
    CLAIM,
    ENDING,
    PARTS,
    PATCHES,
    REPORT,
    PatchEntry,
    patch_entries_json,
    read_report,
)
from timbrel.data.presets.rendering import (
    PartTask,
    borrowed,
    part_path,
    render_part,
    start_worker,
    the_synth,
    write_part,
)
from timbrel.data.workers import each, worker_pool
from timbrel.errors import BadConfig, BadInput
from timbrel.files import replacing
from timbrel.instruments.preset.rendering import RENDERING
from timbrel.progress import Progress
from timbrel.synths import Synth

HEARD = f"part-heard{ENDING}"
"""Notes that nobody rendered."""

_NOTES_A_PART = 128
"""As many patches, or one, as have so many."""


@dataclass(frozen=True)
class PresetReport:
    """What a set holds.

    Attributes:
        folder: the set.
        patches: of each split.
        origins: patches of each origin.
        categories: of real patches.
        notes: that are heard.
        silent: notes left out because nothing usable was heard.
    """

    folder: Path
    patches: dict[str, int]
    origins: dict[str, int]
    categories: Categories
    notes: int
    silent: int


def build_presets(
    out: str | Path,
    settings: PresetSetSettings | None = None,
    *,
    processes: int | None = None,
    progress: Progress | None = None,
) -> PresetReport:
    """Render patches to a preset set.

    What it holds depends on the settings and the banks alone.

    Args:
        out: folder of the set.
        settings: which patches, and which notes of them.
        processes: how many render at once; None for one a core, 0 for none but this. Plug-ins
            have children beside those.
        progress: told how many parts are done.

    Raises:
        BadConfig: there is no such bank, or nothing to render.
        BadInput: the folder holds another set, or another process is at work there.
        MissingExtra: what hosts the synthesizer is not installed.
    """
    settings, out = wholly_named(settings or PresetSetSettings()), Path(out)
    synth = the_synth(settings.synth)
    banks = banks_of(synth, settings)
    planned = plan_patches(settings, synth.parameters, banks)
    if not planned:
        raise BadConfig("these settings plan no patch: set banks, or random")
    return render_set(
        out, settings, planned, _typical(planned, settings.activity),
        processes=processes, progress=progress,
    )  # fmt: skip


def render_set(
    out: Path,
    settings: PresetSetSettings,
    planned: list[PlannedPatch],
    measured: Sequence[Float[Tensor, " params"]],
    *,
    heard: Mapping[str, Tensor] | None = None,
    processes: int | None = None,
    progress: Progress | None = None,
) -> PresetReport:
    """Render planned patches to a set.

    Args:
        out: folder of the set.
        settings: what the plan was made by.
        planned: the patches.
        measured: those by which it is measured how much each knob is heard.
        heard: the columns of notes that were heard elsewhere, of patches of the plan.
        processes: as in `build_presets`.
        progress: told how many parts are done.

    Raises:
        BadInput: the folder holds another set, or another process is at work there.
    """
    claim = _claim(settings, planned)
    with alone_in(out), borrowed(settings.synth) as synth:
        _check_claim(out, claim)
        _begin(out, claim, planned)
        _drop_changed(out)
        tasks = list(_tasks(settings, planned))
        with worker_pool(processes, start_worker, (settings.synth,)) as workers:
            for count, _ in enumerate(each(workers, partial(render_part, out, settings), tasks)):
                if progress:
                    progress("rendering", count + 1, len(tasks))
        paths = [part_path(out, task.number) for task in tasks]
        if heard is not None:
            paths.append(write_part(out / PARTS / HEARD, heard))
        asked = sum(len(task.vectors) for task in tasks)
        asked += 0 if heard is None else len(heard["patch"])
        real = [patch for patch in planned if patch.origin == "real"]
        categories = find_categories(settings, real, paths if heard is None else [])
        _write_entries(out, planned, categories.found)
        knobs_db = heard_db(synth, measured, progress)
        return _finish(out, planned, paths, asked, categories, knobs_db)


def banks_of(synth: Synth, settings: PresetSetSettings) -> Banks:
    """The banks that the settings name: what comes with the synthesizer, and files.

    Raises:
        BadConfig: a bank that is to be held out is not there.
        BadInput, BadPatch: as `read_banks`.
    """
    from timbrel.synths.files import read_banks

    banks = read_banks(settings.banks, synth)
    names = [name for name, _ in banks]
    for name in settings.held_out:
        if name not in names:
            raise BadConfig(f"held_out names {name!r}: the banks are {', '.join(names) or 'none'}")
    return banks


def _claim(settings: PresetSetSettings, planned: list[PlannedPatch]) -> str:
    digest = hashlib.sha256()
    for patch in planned:
        digest.update(f"{patch.name} {patch.split}".encode() + patch.vector.numpy().tobytes())
    made = f"rendering {RENDERING}, {_NOTES_A_PART} notes a part"
    return f"# patches' sha256 {digest.hexdigest()}, {made}\n{to_toml(settings)}"


def _check_claim(out: Path, claim: str) -> None:
    path = out / CLAIM
    if not path.exists():
        return
    told = claim.encode()
    if path.stat().st_size != len(told) or path.read_bytes() != told:  # a device's size is 0
        raise BadInput(
            f"{out} holds a set of other presets or settings ({CLAIM} tells): choose another "
            "folder, or delete that one"
        )


def _begin(out: Path, claim: str, planned: list[PlannedPatch]) -> None:
    with replacing(out / CLAIM) as temporary:
        temporary.write_bytes(claim.encode())
    # a finished set keeps its categories while they are found again
    if not (out / PATCHES).exists():
        _write_entries(out, planned, [])


def _drop_changed(out: Path) -> None:
    """Delete the parts of a finished set that are not what was written; they are made again."""
    try:
        sums = read_report(out / REPORT).get("sha256")
    except BadInput:  # nothing is finished yet
        return
    if not isinstance(sums, dict):
        return
    for path in (out / PARTS).glob(f"part-*{ENDING}"):
        if path.is_file() and sums.get(path.name) != _sha256(path):
            path.unlink()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_entries(out: Path, planned: list[PlannedPatch], found: Sequence[Found | None]) -> None:
    """The patches, the first ones with the categories that were found."""
    padded = [*found, *[None] * (len(planned) - len(found))]
    entries = [
        PatchEntry(p.name, p.origin, p.bank, one.category if one else p.category, p.cluster,
                   p.split, one.by if one else None)
        for p, one in zip(planned, padded, strict=True)
    ]  # fmt: skip
    with replacing(out / PATCHES) as temporary:
        temporary.write_bytes(patch_entries_json(entries).encode())


def _tasks(settings: PresetSetSettings, planned: list[PlannedPatch]) -> Iterator[PartTask]:
    count = max(1, _NOTES_A_PART // settings.notes.each)
    for number, first in enumerate(range(0, len(planned), count)):
        some = planned[first : first + count]
        notes = plan_notes(settings, first, len(some))
        vectors = torch.stack([patch.vector for patch in some])
        yield PartTask(number, vectors[notes.patch - first], notes)


def _finish(
    out: Path,
    planned: list[PlannedPatch],
    paths: Sequence[Path],
    asked: int,
    categories: Categories,
    knobs_db: Mapping[str, float],
) -> PresetReport:
    """Count, and write the report."""
    from safetensors import safe_open

    checksums, notes = {}, 0
    for path in paths:
        checksums[path.name] = _sha256(path)
        with safe_open(path, framework="pt") as opened:
            notes += opened.get_slice("patch").get_shape()[0]
    report = PresetReport(
        folder=out,
        patches=dict(Counter(patch.split for patch in planned)),
        origins=dict(Counter(patch.origin for patch in planned)),
        categories=categories,
        notes=notes,
        silent=asked - notes,
    )
    table = {
        "patches": report.patches, "origins": report.origins, "categories": categories.balance,
        "categories_by": categories.ways,
        "sorting": categories.trial and categories.trial.figures,
        "notes": report.notes, "silent": report.silent, "heard_db": knobs_db, "sha256": checksums,
    }  # fmt: skip
    with replacing(out / REPORT) as temporary:
        temporary.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    return report


def _typical(planned: list[PlannedPatch], count: int) -> list[Tensor]:
    """Patches from all over the real ones that are trained on; of any, where none is real."""
    trained = [patch for patch in planned if patch.split == "train"]
    some = [patch for patch in trained if patch.origin == "real"] or trained
    count = min(count, len(some))
    return [some[i * len(some) // count].vector for i in range(count)]
