"""Soft and hard notes of instruments that were never trained on, each heard at velocity 85.

Played at velocities V of 25, 50, 110 and 120, against the true notes: `log_mel_l1_V` (dB), and
what the change of velocity did beside what it truly does: `level_change_error_db_V`;
`colour_error_V`, the mean |dB| between the changes of the notes' mel spectra; and
`centroid_share_V`, the share of notes whose spectral centroid moved the right way (of those whose
true one moves by 0.02 octaves or more). Over all: `centroid_share`, `centroid_correlation` of the
changes in octaves, and `centroid_gain`, their size over the true one's (1 is right). Endings:
`_unchanged`, the instrument's own note at velocity 85 merely louder or softer; `_recording`, the
recording that was heard merely louder or softer: what a sampler with one layer plays. Neither
log-mels nor centroids see the level, so any gain stands for all; `_real`, the true note.

All is judged as it is played by default. `learned_*` is the same with the control off that colours
all instruments by velocity (`velocity_colour`): samplers, from which the true notes come, know of
no such thing, and it is there for ears.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from _bench import Bench, run
from _notes import (
    HEARD_VELOCITY,
    JUDGED_AT,
    FontNote,
    hear,
    held_out_font,
    held_out_programs,
    play,
)

from timbrel.cli.arguments import DEFAULT_MODEL

if TYPE_CHECKING:
    from torch import Tensor

VELOCITIES = (25, 50, 110, 120)
AUDIBLE_OCTAVES = 0.02

BY_RULE = "velocity_colour"

MEANS = (
    "log_mel_l1", "log_mel_l1_unchanged", "log_mel_l1_recording", "colour_error",
    "colour_error_unchanged", "level_change_error_db",
)  # fmt: skip
"""What is also told as the mean over all velocities."""

Row = dict[str, float]


def measure(bench: Bench) -> dict[str, float]:
    instrument, font = bench.instrument(), held_out_font()
    ways = {"": {}, "learned_": {BY_RULE: 0.0}}
    if all(control.name != BY_RULE for control in instrument.controls):
        del ways["learned_"]
    pitches = (60,) if bench.quick else (50, 60, 70)
    notes = [FontNote(program, pitch) for program in held_out_programs() for pitch in pitches]
    rows: dict[str, dict[int, list[Row]]] = {way: {v: [] for v in VELOCITIES} for way in ways}
    for number, note in enumerate(notes):
        bench.note(f"{number + 1} of {len(notes)}: {note.name} {note.pitch}")
        recording = font.audio(note)
        if recording is None:
            continue
        timbre = hear(instrument, font, note)
        wanted = [float(HEARD_VELOCITY), *map(float, VELOCITIES)]
        keys = [float(note.pitch)] * len(wanted)
        targets = [font.audio(FontNote(note.program, note.pitch, v)) for v in VELOCITIES]
        for way, controls in ways.items():
            plain, *sounds = play(instrument, timbre, keys, wanted, controls=controls)
            for velocity, sound, target in zip(VELOCITIES, sounds, targets, strict=True):
                if target is not None:
                    rows[way][velocity].append(judge((plain, sound), (recording, target)))
    figures: dict[str, float] = {"notes": len(notes)}
    for way, of_way in rows.items():
        figures |= {f"{way}{key}": value for key, value in figures_of(of_way).items()}
    return figures


def judge(ours: tuple[Tensor, Tensor], real: tuple[Tensor, Tensor]) -> Row:
    """Each pair: at the velocity that was heard, and at the one that is asked for."""
    from timbrel.dsp.distances import log_mel_l1_db

    target = real[1]
    colours_db = [colour_change_db(*pair) for pair in (ours, real)]
    levels_db, octaves = (
        [change(*pair) for pair in (ours, real)] for change in (level_change_db, centroid_octaves)
    )
    return {
        "log_mel_l1": float(log_mel_l1_db(ours[1], target)),
        "log_mel_l1_unchanged": float(log_mel_l1_db(ours[0], target)),
        "log_mel_l1_recording": float(log_mel_l1_db(real[0], target)),
        "colour_error": float((colours_db[0] - colours_db[1]).abs().mean()),
        "colour_error_unchanged": float(colours_db[1].abs().mean()),
        "level_change_error_db": abs(levels_db[0] - levels_db[1]),
        "octaves": octaves[0],
        "octaves_real": octaves[1],
    }


def colour_change_db(before: Tensor, after: Tensor) -> Tensor:
    """How the mel spectrum of the whole note changed, each in dB under its loudest band."""
    from timbrel.dsp.mel import mel_db, mel_power

    before_db, after_db = (
        mel_db(mel_power(sound).mean(-1, keepdim=True)) for sound in (before, after)
    )
    return after_db - before_db


def level_change_db(before: Tensor, after: Tensor) -> float:
    from timbrel.dsp.distances import level_error_db

    return float(level_error_db(after, before))


def centroid_octaves(before: Tensor, after: Tensor) -> float:
    """How much brighter it became."""
    from timbrel.dsp.descriptors import spectral_centroid_hz

    low, high = (float(spectral_centroid_hz(sound, JUDGED_AT)) for sound in (before, after))
    return math.log2(max(high, 1.0) / max(low, 1.0))


def figures_of(rows: dict[int, list[Row]]) -> dict[str, float]:
    figures: dict[str, float] = {}
    for velocity, group in rows.items():
        for key in ("log_mel_l1", "level_change_error_db"):
            figures[f"{key}_{velocity}"] = mean(group, key)
        for end in ("", "_unchanged"):
            figures[f"colour_error_{velocity}{end}"] = mean(group, f"colour_error{end}")
        for end in ("_unchanged", "_recording"):
            figures[f"log_mel_l1_{velocity}{end}"] = mean(group, f"log_mel_l1{end}")
        figures[f"centroid_octaves_{velocity}"] = mean(group, "octaves")
        figures[f"centroid_octaves_{velocity}_real"] = mean(group, "octaves_real")
        figures[f"centroid_share_{velocity}"] = right_way(group)
    everything = [row for group in rows.values() for row in group]
    for key in MEANS:
        figures[key] = mean(everything, key)
    figures["centroid_share"] = right_way(everything)
    figures["centroid_correlation"] = correlation(everything)
    figures["centroid_gain"] = gain(everything)
    return figures


def mean(rows: list[Row], key: str) -> float:
    return sum(row[key] for row in rows) / len(rows) if rows else math.nan


def right_way(rows: list[Row]) -> float:
    """Share of the rows whose centroid moves as the true one does."""
    moved = [row for row in rows if abs(row["octaves_real"]) >= AUDIBLE_OCTAVES]
    right = sum(row["octaves"] * row["octaves_real"] > 0 for row in moved)
    return right / len(moved) if moved else math.nan


def correlation(rows: list[Row]) -> float:
    import torch

    changes = torch.tensor(
        [[row["octaves"] for row in rows], [row["octaves_real"] for row in rows]]
    )
    return float(torch.corrcoef(changes.double())[0, 1]) if len(rows) > 1 else math.nan


def gain(rows: list[Row]) -> float:
    """By what the true changes must be multiplied to come nearest to ours."""
    true = sum(row["octaves_real"] ** 2 for row in rows)
    return sum(row["octaves"] * row["octaves_real"] for row in rows) / true if true else math.nan


if __name__ == "__main__":
    run("velocity", measure, model=DEFAULT_MODEL)
