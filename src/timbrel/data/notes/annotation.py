"""Qualities of the notes of a set, measured from their files by several processes."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any

import torch

from timbrel.data.notes.note_audio import read_batch
from timbrel.data.notes.nsynth_layout import HOLD_S, QUALITIES
from timbrel.data.notes.qualities import measure_qualities
from timbrel.data.workers import each
from timbrel.progress import Progress

Entry = dict[str, Any]

_NOTES_A_TASK = 48


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
