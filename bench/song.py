"""How fast a song is played into a file, and in how much memory.

Plays `examples/song.mid` (four minutes, ten players and their drums; no part plays the drums) with
the model, tracks cast by their programs, as `timbrel render` does. `realtime_factor` is the song's
length over the time from reading the file to the finished mix, the model being loaded and warm;
`peak_rss_mb` is the most memory that the process ever held, Python and torch included. `--quick`
plays the first half minute.
"""

from __future__ import annotations

import dataclasses
import resource
import sys
import tempfile
import time
from pathlib import Path

from _bench import Bench, run

SONG = Path(__file__).parents[1] / "examples" / "song.mid"
QUICK_S = 30.0


def measure(bench: Bench) -> dict[str, float]:
    from timbrel.midi import Score, read_score
    from timbrel.perform import cast_by_program, perform, spread

    instrument = bench.instrument()
    bank = instrument.bank
    known = {} if bank is None else {name: bank[name] for name in bank.names("sound")}
    default = None if known else instrument.timbre_space.sample(1)[0]

    def play(path: Path, until_s: float) -> dict[str, float]:
        score = read_score(SONG)
        tracks = tuple(
            dataclasses.replace(t, notes=tuple(n for n in t.notes if n.onset_s < until_s))
            for t in score.tracks
        )
        score = Score(tracks)
        parts = spread(score, cast_by_program(score, instrument, known.get, default))
        started = time.perf_counter()
        done = perform(score, parts, path)
        seconds = time.perf_counter() - started
        return {
            "realtime_factor": done.duration_s / seconds,
            "notes": done.n_notes,
            "notes_rendered": done.n_rendered,
            "duration_s": done.duration_s,
            "seconds": seconds,
        }

    with tempfile.TemporaryDirectory() as folder:
        bench.note("warming up")
        play(Path(folder) / "warm.wav", 2.0)
        bench.note(f"playing {SONG.name} with {bench.model}")
        figures = play(Path(folder) / "song.wav", QUICK_S if bench.quick else float("inf"))
    return figures | {"peak_rss_mb": _peak_rss_mb()}


def _peak_rss_mb() -> float:
    """Linux counts it in kilobytes, macOS in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


if __name__ == "__main__":
    run("song", measure, model="mel_vae", threads=2)
