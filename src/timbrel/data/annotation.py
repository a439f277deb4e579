"""Qualities of the notes of a set, measured from their files by several processes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any

import torch

from timbrel.data.note_audio import read_batch
from timbrel.data.note_set import NoteSet
from timbrel.data.nsynth_layout import HOLD_S, QUALITIES, write_examples
from timbrel.data.qualities import measure_qualities
from timbrel.data.workers import Progress, each, worker_pool

Entry = dict[str, Any]

_NOTES_A_TASK = 48


def add_qualities(
    folder: str | Path,
    split: str | None = None,
    *,
    processes: int | None = None,
    progress: Progress | None = None,
) -> int:
    """Measure the qualities of those notes of a set that have none said, and say them there.

    Args:
        folder: of the set, as `NoteSet.open` takes it.
        split: which of several.
        processes: how many measure at once; None for one a core, 0 for none but this.
        progress: told how many notes are done.

    Returns:
        How many notes it measured.

    Raises:
        BadInput: the set cannot be used.
    """
    home = NoteSet.open(folder, split).folder
    table = json.loads((home / "examples.json").read_bytes())
    unsaid = [{"note_str": name, **entry} for name, entry in table.items()
              if "qualities" not in entry]  # fmt: skip
    if unsaid:
        with worker_pool(processes) as pool:
            measured = with_qualities(pool, home, unsaid, progress)
        table.update({entry["note_str"]: entry for entry in measured})
        write_examples(home, ({"note_str": name, **entry} for name, entry in table.items()))
    return len(unsaid)


def with_qualities(
    pool: Executor,
    home: Path,
    entries: Sequence[Entry],
    progress: Progress | None = None,
) -> list[Entry]:
    """Entries of `examples.json` with the qualities of their wavs in `home`."""
    tasks = [entries[i : i + _NOTES_A_TASK] for i in range(0, len(entries), _NOTES_A_TASK)]
    result: list[Entry] = []
    for measured in each(pool, partial(_measured, home), tasks):
        result += measured
        if progress:
            progress("measuring qualities", len(result), len(entries))
    return result


def _measured(home: Path, entries: Sequence[Entry]) -> list[Entry]:
    torch.set_num_threads(1)  # the processes are the threads
    audio = read_batch(
        [home / "audio" / f"{entry['note_str']}.wav" for entry in entries],
        entries[0]["sample_rate"],
    )
    has = measure_qualities(
        audio,
        torch.tensor([entry["pitch"] for entry in entries]),
        torch.tensor([float(entry.get("hold_s", HOLD_S)) for entry in entries]),
        entries[0]["sample_rate"],
    )
    return [entry | said(row) for entry, row in zip(entries, has.int().tolist(), strict=True)]


def said(has: Sequence[int]) -> Entry:
    """NSynth's two keys for ten qualities."""
    names = [name for name, there in zip(QUALITIES, has, strict=True) if there]
    return {"qualities": list(has), "qualities_str": names}
