"""Notes from 50 ms to 30 s of instruments that were never trained on, each heard as one of 3 s.

Up to 3 s, against the true note of that hold: `log_mel_l1_HOLD` (dB) and `release_ms_HOLD`, the
median error of the time in which a note falls by 20 dB once its key is up. Beyond, between 3 s and
key up: `drift_db_per_s_HOLD`, the mean slope of the level of sustained notes (those whose true
level falls by less than 1.5 dB a second); `drift_error_db_per_s_HOLD`, the mean absolute error of
the slope over all notes; and of sustained notes `movement_db_HOLD`, how much their log-mel moves,
and `periodicity_HOLD`, how much that repeats itself: 1 for an audible loop or a frozen frame
(timbrel/evaluate/holding.py). Endings: `_loop`, the recording looped and let go as a sampler does;
`_real`, the true note, which in a SoundFont is a loop too.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from _bench import Bench, run
from _notes import (
    HEARD_VELOCITY,
    HOLD_S,
    JUDGED_AT,
    RELEASE_S,
    FontNote,
    hear,
    held_out_font,
    held_out_programs,
    play,
)

from timbrel.cli.arguments import DEFAULT_MODEL

if TYPE_CHECKING:
    from torch import Tensor

SHORT = {
    "50ms": 0.05, "100ms": 0.1, "250ms": 0.25, "500ms": 0.5, "1s": 1.0, "2s": 2.0, "3s": 3.0,
}  # fmt: skip
LONG = {"5s": 5.0, "10s": 10.0, "30s": 30.0}
SUSTAINED_DB_PER_S = 1.5

Row = dict[str, float]


def measure(bench: Bench) -> dict[str, float]:
    from timbrel.dsp.looping import make_looped

    instrument, font = bench.instrument(), held_out_font()
    rows: dict[str, dict[str, list[Row]]] = {"": {}, "_loop": {}, "_real": {}}
    notes = heard_notes(bench.quick)
    for number, note in enumerate(notes):
        bench.note(f"{number + 1} of {len(notes)}: {note.name} {note.pitch}")
        timbre, recording = hear(instrument, font, note), font.audio(note)
        looped = make_looped(recording.numpy(), round(HOLD_S * JUDGED_AT), JUDGED_AT)
        for hold, hold_s in (SHORT | LONG).items():
            target = font.audio(FontNote(note.program, note.pitch, note.velocity, hold_s))
            if target is None:
                continue
            ours = play(instrument, timbre, float(note.pitch), HEARD_VELOCITY, hold_s)[0]
            sounds = {"": ours, "_loop": sampler_note(looped, hold_s), "_real": target}
            judged = short_rows(sounds, hold_s) if hold in SHORT else long_rows(sounds, hold_s)
            for end, row in judged.items():
                rows[end].setdefault(hold, []).append(row)
    return {"notes": len(notes)} | figures_of(rows)


def heard_notes(quick: bool) -> list[FontNote]:
    programs = held_out_programs()[1::3] if quick else held_out_programs()
    pitches = (60,) if quick else (55, 67)
    return [FontNote(program, pitch) for program in programs for pitch in pitches]


def sampler_note(looped, hold_s: float) -> Tensor:
    """What a sampler plays: the recording, looped where it ends, and let go."""
    import numpy as np
    import torch

    from timbrel.dsp.sampler import RELEASE_RATE, add_note

    held, rest = (np.zeros(round(s * JUDGED_AT), np.float32) for s in (hold_s, RELEASE_S))
    position = add_note(held, looped, 0.0, 1.0)
    add_note(rest, looped, position, 1.0, released=(0.0, RELEASE_RATE / JUDGED_AT))
    return torch.from_numpy(np.concatenate([held, rest]))


def short_rows(sounds: dict[str, Tensor], hold_s: float) -> dict[str, Row]:
    from timbrel.dsp.distances import log_mel_l1_db
    from timbrel.evaluate.holding import release_s

    target = sounds["_real"]
    true_s = release_s(target, JUDGED_AT, hold_s)
    return {
        end: {
            "log_mel_l1": float(log_mel_l1_db(sound, target)),
            "release_ms": 1000 * abs(release_s(sound, JUDGED_AT, hold_s) - true_s),
        }
        for end, sound in sounds.items()
        if end != "_real"
    }


def long_rows(sounds: dict[str, Tensor], hold_s: float) -> dict[str, Row]:
    from timbrel.evaluate.holding import level_drift_db_per_s, movement, movement_db, periodicity

    drifts = {
        end: level_drift_db_per_s(sound, JUDGED_AT, HOLD_S, hold_s) for end, sound in sounds.items()
    }
    is_sustained = abs(drifts["_real"]) < SUSTAINED_DB_PER_S
    rows: dict[str, Row] = {}
    for end, sound in sounds.items():
        rows[end] = {"drift_error_db_per_s": abs(drifts[end] - drifts["_real"])}
        if is_sustained:
            moved = movement(sound, JUDGED_AT, HOLD_S, hold_s)
            rows[end] |= {
                "drift_db_per_s": drifts[end],
                "movement_db": movement_db(moved),
                "periodicity": periodicity(moved),
            }
    return rows


def figures_of(rows: dict[str, dict[str, list[Row]]]) -> dict[str, float]:
    figures: dict[str, float] = {}
    for end in rows:
        for hold in SHORT if end != "_real" else ():
            for key in ("log_mel_l1", "release_ms"):
                figures[f"{key}_{hold}{end}"] = average(rows[end].get(hold, []), key)
        for hold in LONG:
            for key in ("drift_db_per_s", "drift_error_db_per_s", "movement_db", "periodicity"):
                if (end, key) != ("_real", "drift_error_db_per_s"):
                    figures[f"{key}_{hold}{end}"] = average(rows[end].get(hold, []), key)
    sustained = {h: [r for r in rows["_real"].get(h, []) if "periodicity" in r] for h in LONG}
    return figures | {f"sustained_notes_{hold}": len(found) for hold, found in sustained.items()}


def average(rows: list[Row], key: str) -> float:
    """The mean of a column over the rows that have it; the median of releases."""
    import statistics

    values = [row[key] for row in rows if key in row]
    middle = statistics.median if key == "release_ms" else statistics.fmean
    return middle(values) if values else math.nan


if __name__ == "__main__":
    run("durations", measure, model=DEFAULT_MODEL)
