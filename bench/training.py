"""Notes a second through the training loop, and how long the shipped weights took.

The family's own configuration is trained for a few steps on a small set that is rendered from
FluidR3Mono on the spot (TIMBREL_SOUNDFONT names another font). What is timed is the loop's own
count: batches with their augmentation, forward, backward, optimiser and average; not reading the
set, and not validating. The shipped weights' figures are their training's own record.
"""

from __future__ import annotations

import csv
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from _bench import Bench, render_font, run

ROOT = Path(__file__).parents[1]
STEPS_PER_ROW = 5


def measure(bench: Bench) -> dict[str, Any]:
    rows = 4 if bench.quick else 16
    with tempfile.TemporaryDirectory() as folder:
        notes = render_notes(bench, Path(folder) / "notes")
        speeds = {precision: notes_per_s(bench, notes, Path(folder) / precision, precision, rows)
                  for precision in ("fp32", "bf16")}  # fmt: skip
    configured = tables(bench)["loop"].get("precision", "fp32")
    return {
        "notes_per_s": speeds[configured],
        **{f"notes_per_s_{precision}": speed for precision, speed in speeds.items()},
        "precision": configured,
        "batch_size": tables(bench)["loop"]["batch_size"],
        "threads": bench.threads,
        **shipped(bench),
    }


def tables(bench: Bench) -> dict[str, Any]:
    """The configuration that the shipped weights were trained by."""
    from timbrel.config import read_toml

    return read_toml(ROOT / "configs" / f"{bench.model}.toml")


def render_notes(bench: Bench, folder: Path) -> Path:
    pitches = {"lowest": 36, "highest": 84, "step": 24 if bench.quick else 6}
    splits = {"train": {"pitches": pitches, "velocities": [85]}}
    report = render_font(folder, {"splits": splits}, bench)
    bench.note(f"{sum(report.notes.values())} notes")
    return folder / "nsynth-train"


def notes_per_s(bench: Bench, notes: Path, run_dir: Path, precision: str, rows: int) -> float:
    """The median over windows of the log, the first of which warms up."""
    from timbrel.training import train
    from timbrel.training.registry import settings_from

    made = tables(bench)
    made["data"] = {**made["data"], "train": str(notes), "validation": None}
    made["bank"] = {**made.get("bank", {}), "also": []}
    made["loop"] |= {
        "steps": (1 + rows) * STEPS_PER_ROW, "log_every": STEPS_PER_ROW, "precision": precision,
        "warmup_steps": 0, "validate_every": 0, "save_every": 0, "preview_every": 0,
        "threads": bench.threads,
    }  # fmt: skip
    train(settings_from(made, where=f"configs/{bench.model}.toml"), run_dir)
    with (run_dir / "log.csv").open(encoding="utf-8", newline="") as file:
        speeds = [float(row["items_per_s"]) for row in csv.DictReader(file)]
    return statistics.median(speeds[1:])


def shipped(bench: Bench) -> dict[str, Any]:
    """From the record beside the shipped weights."""
    path = ROOT / "src" / "timbrel" / "shipped" / str(bench.model) / "training.json"
    record = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    minutes, items = record.get("minutes"), record.get("items")
    return {
        "shipped_minutes": minutes,
        "shipped_steps": record.get("steps"),
        "shipped_notes_per_s": items / (60 * minutes) if items and minutes else None,
        "shipped_device": record.get("device"),
        "shipped_threads": record.get("threads"),
        "shipped_precision": record.get("precision"),
    }


if __name__ == "__main__":
    run("training", measure, model="mel_vae")
