"""Notes a second out of a SoundFont: rendered, written and measured, on all the threads given.

The whole of `timbrel data soundfont` is timed, from opening the font to `examples.json`: 4-second
notes at 16 kHz of 84 instruments. FluidR3Mono comes from Debian's fluidr3mono-gm-soundfont, or from
where TIMBREL_SOUNDFONT points. `cpu_ms_per_note` is what the processes used, whatever else the
machine was doing.
"""

from __future__ import annotations

import os
import tempfile
import time

from _bench import Bench, render_font, run

HELD_OUT = [4, 11, 22, 25, 42, 57, 71, 73]
"""As in configs/fluid.toml: the programs that are not rendered, so that 84 are."""


def measure(bench: Bench) -> dict[str, float]:
    pitches = {"lowest": 24, "highest": 96, "step": 12 if bench.quick else 2}
    splits = {"train": {"pitches": pitches, "velocities": [50, 85, 120]}}
    with tempfile.TemporaryDirectory() as folder:
        started, before = time.perf_counter(), os.times()
        report = render_font(folder, {"held_out": HELD_OUT, "splits": splits}, bench)
        seconds, after = time.perf_counter() - started, os.times()
    notes = sum(report.notes.values())
    cpu_s = sum(after[:4]) - sum(before[:4])
    return {
        "notes_per_s": notes / seconds,
        "notes": notes,
        "seconds": seconds,
        "cpu_ms_per_note": 1000.0 * cpu_s / notes,
        "silent": report.silent,
        "processes": bench.threads,
    }


if __name__ == "__main__":
    run("soundfont", measure, threads=2)
