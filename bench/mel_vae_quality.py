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

    instrument, notes = bench.instrument(), 15 if bench.quick else 100
    figures = evaluate_instrument(instrument, bench.data, notes=notes)
    if bench.arguments.picture is not None:
        bench.note(f"drew {draw_comparison(bench.arguments.picture, instrument, bench.data)}")
    return figures


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--picture", type=Path, help="where to draw some of the notes")


if __name__ == "__main__":
    run("mel_vae_quality", measure, model="mel_vae", takes_data=True, add_arguments=add_arguments)
