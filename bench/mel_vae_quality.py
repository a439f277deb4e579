"""How near an instrument comes to notes it never heard, beside a shifted recording and its mels.

Keys: METRIC_self and METRIC_other_pitch on held-out notes, `_unseen` on held-out instruments, and
for both `_shifted` (librosa's pitch_shift of the recording) and `_ceiling` (the true note's own
mels made audible); see timbrel/evaluate/quality.py. With `--picture PATH` it also draws some.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from _bench import Bench, run


def measure(bench: Bench) -> dict[str, float]:
    from timbrel.evaluate import draw_comparison, evaluate_instrument
    from timbrel.instruments import load

    instrument = load(bench.model or "mel_vae")
    data = bench.arguments.data
    figures = evaluate_instrument(instrument, data, notes=15 if bench.quick else 100)
    if bench.arguments.picture is not None:
        bench.note(f"drew {draw_comparison(bench.arguments.picture, instrument, data)}")
    return figures


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, help="note set to judge by; default: FluidR3Mono's")
    parser.add_argument("--picture", type=Path, help="where to draw some of the notes")


if __name__ == "__main__":
    run("mel_vae_quality", measure, model="mel_vae", add_arguments=add_arguments)
