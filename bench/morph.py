"""How an instrument morphs: 20 pairs of held-out sounds at middle C, 9 places on each way.

Keys: see timbrel/evaluate/morphs.py; each also as `crossfade_*`, the two ends simply mixed.
`one_sound` tells one moving sound (1) from two audible ones (0).
"""

from __future__ import annotations

import argparse

from _bench import Bench, run


def measure(bench: Bench) -> dict[str, float]:
    from timbrel.evaluate import morph_figures

    pairs = 5 if bench.quick else 20
    return morph_figures(bench.instrument(), bench.data, pairs=pairs, path=bench.arguments.path)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--path", choices=("linear", "spherical"), default="linear")


if __name__ == "__main__":
    run("morph", measure, model="mel_vae", takes_data=True, add_arguments=add_arguments)
