"""NSynth's layout on disk: its tables, the names of notes, and how a set is written.

    nsynth-{split}/examples.json      one object, keyed by note_str
    nsynth-{split}/audio/{note_str}.wav

`examples.json` is written last: a folder that has one is complete. Two keys are ours and optional:
`hold_s`, the seconds a key was held where that is not NSynth's 3, and the family "unknown".
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from timbrel.files import replacing

FAMILIES = (
    "bass", "brass", "flute", "guitar", "keyboard", "mallet", "organ", "reed", "string",
    "synth_lead", "vocal",
)  # fmt: skip
UNKNOWN = "unknown"
SOURCES = ("acoustic", "electronic", "synthetic")
QUALITIES = (
    "bright", "dark", "distortion", "fast_decay", "long_release", "multiphonic",
    "nonlinear_env", "percussive", "reverb", "tempo-synced",
)  # fmt: skip
SPLITS = ("train", "valid", "test")

HOLD_S = 3.0
LENGTH_S = 4.0
SAMPLE_RATE = 16000


def family_index(family: str) -> int:
    """A family's number in NSynth's table; `unknown` comes after its eleven."""
    return FAMILIES.index(family) if family in FAMILIES else len(FAMILIES)


def instrument_name(family: str, source: str, number: int) -> str:
    """NSynth's name of an instrument.

    >>> instrument_name("keyboard", "acoustic", 0)
    'keyboard_acoustic_000'
    """
    return f"{family}_{source}_{number:03d}"


def note_name(instrument: str, pitch: int, velocity: int, hold_s: float | None = None) -> str:
    """NSynth's name of a note; a hold of its own is appended in milliseconds.

    >>> note_name("keyboard_acoustic_000", 60, 85, 0.25)
    'keyboard_acoustic_000-060-085-h0250'
    """
    name = f"{instrument}-{pitch:03d}-{velocity:03d}"
    return name if hold_s is None else f"{name}-h{round(hold_s * 1000):04d}"


def split_folder(out: Path, split: str) -> Path:
    """Where a split of a set lies."""
    return out / f"nsynth-{split}"


def example(
    note_str: str,
    instrument_str: str,
    instrument: int,
    *,
    family: str,
    source: str,
    pitch: int,
    velocity: int,
    sample_rate: int,
    hold_s: float,
) -> dict[str, Any]:
    """One note's entry of `examples.json`, before its number and qualities are known."""
    entry: dict[str, Any] = {
        "note_str": note_str,
        "instrument": instrument,
        "instrument_str": instrument_str,
        "pitch": pitch,
        "velocity": velocity,
        "sample_rate": sample_rate,
        "instrument_family": family_index(family),
        "instrument_family_str": family,
        "instrument_source": SOURCES.index(source),
        "instrument_source_str": source,
    }
    return entry if hold_s == HOLD_S else entry | {"hold_s": hold_s}


def write_examples(folder: Path, entries: Iterable[dict[str, Any]]) -> Path:
    """Write `examples.json`, numbering the notes in the order of their names."""
    ordered = sorted(entries, key=lambda entry: entry["note_str"])
    lines = (
        f"{json.dumps(entry['note_str'])}: {json.dumps({**entry, 'note': number})}"
        for number, entry in enumerate(ordered)
    )
    path = folder / "examples.json"
    with replacing(path) as temporary:
        temporary.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    return path
