"""Whether the directions of a model's bank do what they say, on held-out notes.

Keys: `NAME_share` (of the notes, those that moved the right way), `NAME_change` (by how much),
`NAME_pitch_accuracy_change`; see timbrel/evaluate/directions.py.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from _bench import Bench, run


def measure(bench: Bench) -> dict[str, float]:
    from timbrel.evaluate import direction_figures
    from timbrel.instruments import load

    instrument = load(bench.model or "mel_vae")
    return direction_figures(
        instrument, data=bench.arguments.data, notes=24 if bench.quick else 120
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, help="note set to judge by; default: FluidR3Mono's")


if __name__ == "__main__":
    run("directions", measure, model="mel_vae", add_arguments=add_arguments)
