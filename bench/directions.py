"""Whether the directions of a model's bank do what they say, on held-out notes.

Keys: `NAME_share` (of the notes, those that moved the right way), `NAME_change` (by how much),
`NAME_pitch_accuracy_change`; see timbrel/evaluate/directions.py.
"""

from __future__ import annotations

from _bench import Bench, run


def measure(bench: Bench) -> dict[str, float]:
    from timbrel.evaluate import direction_figures

    notes = 24 if bench.quick else 120
    return direction_figures(bench.instrument(), data=bench.data, notes=notes)


if __name__ == "__main__":
    run("directions", measure, model="mel_vae", takes_data=True)
