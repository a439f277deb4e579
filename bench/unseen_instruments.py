"""Hear one note of an instrument that was never trained on, and play it anywhere.

One note (velocity 85, held for 3 s, pitch 48 to 72) is encoded and played 0, 7, 12, 19, 24, -12 and
-24 semitones higher; the true notes are the same instrument's there. Keys, N being the interval:
`mss_N`, `log_mel_l1_N` (dB), `pitch_accuracy_N`, `attack_ms_N` (median of absolute errors),
`pitch_accuracy` over all intervals, `log_mel_l1_within` over 7, 12 and -12. Pitch is judged where
pYIN hears the true note at its label (`pitch_notes_N` of `notes_N`). Endings: `_shift`, librosa's
pitch_shift of the recording; `_mel_vae`, the model of that name.

The instruments are those that FluidR3Mono's training split leaves out. `foreign_*` is the same of
another origin, the programs of even number of TimGM6mb (null where Debian's timgm6mb-soundfont is
not installed; those of odd number are for tuning). `recordings_*` is of the recordings in
`--recordings DIR`, heard as a user's, with no pitch given: played back as they were (0), judged for
as long as they are, since many are cut off in mid-sound, and pitch alone at the other intervals.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from _bench import Bench, fluid_r3, run
from _notes import (
    FOREIGN_FONT,
    HEARD_VELOCITY,
    JUDGED_AT,
    FontNote,
    FontNotes,
    hear,
    held_out_programs,
    play,
    rivals,
)

from timbrel.cli.arguments import DEFAULT_MODEL

if TYPE_CHECKING:
    from torch import Tensor

    from timbrel import Instrument

INTERVALS = {
    "0": 0, "7": 7, "12": 12, "19": 19, "24": 24, "minus_12": -12, "minus_24": -24,
}  # fmt: skip
WITHIN = ("7", "12", "minus_12")
HEARD = (48, 51, 55, 58, 60, 64, 67, 72)
"""Pitches that are heard; each instrument takes them in turn."""

METRICS = {
    "mss": "mss", "log_mel_l1": "log_mel_l1", "pitch_accuracy": "pitch_accuracy",
    "attack_ms": "attack_error_ms",
}  # fmt: skip
"""Keys and the columns that they are means of."""

LONGEST_RECORDING_S = 10.0
SOUNDING_DB = 30.0
"""A recording is played for as long as it is within so much of its loudest."""


@dataclass(frozen=True)
class Judged:
    """One played note: which interval, and a row of distances by ending."""

    interval: str
    rows: dict[str, dict[str, float]]


def measure(bench: Bench) -> dict[str, float]:
    from timbrel.data.soundfonts.gm_programs import gm_programs

    players = rivals(bench.instrument())
    fluid = heard_notes(held_out_programs(), 2 if bench.quick else 64)
    figures = figures_of("", judge_font(bench, fluid_r3(), fluid), players)
    foreign: list[Judged] = []
    if FOREIGN_FONT.is_file():
        even = [p.number for p in gm_programs() if p.family is not None and p.number % 2 == 0]
        notes = heard_notes(even, 2 if bench.quick else 60)
        foreign = list(judge_font(bench, FOREIGN_FONT, notes))
    figures |= figures_of("foreign_", foreign, players)
    recordings = judge_recordings(bench, players, bench.arguments.recordings)
    told = figures_of("", recordings, players)
    return figures | {f"recordings_{key}": value for key, value in told.items() if is_known(key)}


def heard_notes(programs: Sequence[int], count: int) -> list[FontNote]:
    """`count` notes: programs in turn, spread over all there are, each at pitches in turn."""
    n_programs = min(count, len(programs))
    notes = []
    for number in range(count):
        turn, place = divmod(number, n_programs)
        program = programs[place * len(programs) // n_programs]
        notes.append(FontNote(program, HEARD[(3 * place + turn) % len(HEARD)]))
    return notes


def judge_font(bench: Bench, font: Path, notes: list[FontNote]) -> Iterator[Judged]:
    """Notes of a font, judged on as many processes as were asked for."""
    from timbrel.data.workers import each, worker_pool

    processes = bench.arguments.processes
    with worker_pool(processes, begin_judging, (bench.model, font)) as pool:
        for number, judged in enumerate(each(pool, judge_note, notes), 1):
            bench.note(f"{number} of {len(notes)}")
            yield from judged


_players: dict[str, Instrument]
_font: FontNotes


def begin_judging(model: str, font: Path) -> None:
    """What a process needs to judge notes of a font."""
    from timbrel.instruments import load

    global _players, _font
    _players, _font = rivals(load(model)), FontNotes(font)


def judge_note(note: FontNote) -> list[Judged]:
    """One note heard, and played at all intervals at which the font has it."""
    recording = _font.audio(note)
    if recording is None:
        return []
    timbres = {end: hear(player, _font, note) for end, player in _players.items()}
    judged = []
    for interval, step in INTERVALS.items():
        pitch = note.pitch + step
        target = _font.audio(FontNote(note.program, pitch))
        if target is not None:
            sounds = played(_players, timbres, recording, pitch, step)
            judged.append(Judged(interval, judge(sounds, target, pitch)))
    return judged


def played(
    players: dict[str, Instrument],
    timbres: dict[str, Tensor],
    recording: Tensor,
    pitch: float,
    step: int,
    hold_s: float = 3.0,
) -> dict[str, Tensor]:
    """What each plays at a pitch, and the recording shifted there."""
    from timbrel.dsp.shifting import shift_pitch

    sounds = {
        end: play(player, timbres[end], pitch, HEARD_VELOCITY, hold_s)[0]
        for end, player in players.items()
    }
    return sounds | {"_shift": shift_pitch(recording, JUDGED_AT, step)}


def judge(sounds: dict[str, Tensor], target: Tensor, pitch: float) -> dict[str, dict[str, float]]:
    from timbrel.evaluate.comparison import TRACKS, headlines, heard_pitch

    tracks = heard_pitch(target, pitch) >= TRACKS
    return {
        end: headlines(sound, target)
        | {"pitch_accuracy": heard_pitch(sound, pitch) if tracks else math.nan}
        for end, sound in sounds.items()
    }


def judge_recordings(
    bench: Bench, players: dict[str, Instrument], folder: Path | None
) -> Iterator[Judged]:
    from timbrel.audio import read_audio
    from timbrel.errors import TimbrelError

    files = sorted(folder.iterdir()) if folder is not None else []
    for path in [f for f in files if f.suffix.lower() in (".wav", ".flac", ".ogg")]:
        try:
            recording = one_note(read_audio(path, JUDGED_AT), JUDGED_AT)
            timbres = {end: hear_recording(player, path) for end, player in players.items()}
            yield from judge_recording(players, timbres, recording)
            bench.note(f"heard {path.name}")
        except TimbrelError as error:
            bench.note(f"left out {path.name}: {error}")


def hear_recording(player: Instrument, path: Path) -> Tensor:
    import torch

    from timbrel.audio import read_audio

    audio = one_note(read_audio(path, player.sample_rate), player.sample_rate)
    return player.encode(audio, generator=torch.Generator().manual_seed(0)).detach()


def one_note(audio: Tensor, sample_rate: int) -> Tensor:
    """A recording's first note from its onset, as users' are heard."""
    from timbrel.dsp.first_note import first_note
    from timbrel.dsp.onset import from_onset

    note = from_onset(first_note(audio, sample_rate), sample_rate)
    return note[: round(LONGEST_RECORDING_S * sample_rate)]


def judge_recording(
    players: dict[str, Instrument], timbres: dict[str, Tensor], recording: Tensor
) -> Iterator[Judged]:
    from timbrel.dsp.descriptors import rms_envelope
    from timbrel.dsp.pitch import note_pitch
    from timbrel.evaluate.comparison import TRACKS, heard_pitch

    pitch = note_pitch(recording, JUDGED_AT)
    level = rms_envelope(recording, JUDGED_AT, window_s=0.05, step_s=0.01)
    sounding = (level > level.max() * 10 ** (-SOUNDING_DB / 20)).nonzero()
    hold_s = max(0.01 * float(sounding[-1]), 0.02)
    tracks = heard_pitch(recording, pitch) >= TRACKS
    for interval, step in INTERVALS.items():
        sounds = played(players, timbres, recording, pitch + step, step, hold_s)
        if step == 0:
            heard = {end: sound[: len(recording)] for end, sound in sounds.items()}
            yield Judged(interval, judge(heard, recording, pitch))
        elif tracks:
            accuracy = {
                end: {"pitch_accuracy": heard_pitch(sound, pitch + step)}
                for end, sound in sounds.items()
            }
            yield Judged(interval, accuracy)


def figures_of(
    prefix: str, judged: Iterable[Judged], players: dict[str, Instrument]
) -> dict[str, float]:
    """Means by key; NaN where there was nothing to judge, so that the keys stay the same."""
    from timbrel.evaluate.comparison import means

    judged = list(judged)
    groups = {interval: [j for j in judged if j.interval == interval] for interval in INTERVALS}
    figures: dict[str, float] = {}
    for end in (*players, "_shift"):
        for interval, group in groups.items():
            found = means([j.rows[end] for j in group])
            for key, column in METRICS.items():
                figures[f"{prefix}{key}_{interval}{end}"] = found.get(column, math.nan)
        within = means([j.rows[end] for name in WITHIN for j in groups[name]])
        overall = means([j.rows[end] for j in judged])
        figures[f"{prefix}log_mel_l1_within{end}"] = within.get("log_mel_l1", math.nan)
        figures[f"{prefix}pitch_accuracy{end}"] = overall.get("pitch_accuracy", math.nan)
    for interval, group in groups.items():
        accuracies = [j.rows[""]["pitch_accuracy"] for j in group]
        figures[f"{prefix}notes_{interval}"] = len(group)
        figures[f"{prefix}pitch_notes_{interval}"] = sum(not math.isnan(a) for a in accuracies)
    return figures


def is_known(key: str) -> bool:
    """Of recordings only the pitch is known away from where they were played."""
    return key.startswith("pitch_accuracy") or "_0" in key


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--processes", type=int, help="that judge; default: one a core")
    parser.add_argument("--recordings", type=Path, help="folder of recordings to hear as well")


if __name__ == "__main__":
    run("unseen_instruments", measure, model=DEFAULT_MODEL, add_arguments=add_arguments)
