"""Melodies of notes while they are played, as compiled code: what `melodies_of` writes.

ask_next    what each voice that lacks a frame is to be asked
(a step of the decoder)
push_next   what was said, to the voices
"""

from __future__ import annotations

import numpy as np

from timbrel.dsp.compiling import kernel, part
from timbrel.dsp.listening import FRAME_RATE
from timbrel.dsp.loudness import SILENCE_DB
from timbrel.dsp.tracks.state import NEVER
from timbrel.instruments.ddsp.compiled_network import F0_HZ, LOUDNESS_DB, VOICING
from timbrel.instruments.ddsp.curves import BEGINS_S, COMES_S, FROM_DB
from timbrel.instruments.ddsp.frames import next_at, push_said
from timbrel.instruments.ddsp.turning import BEND, NUMBER, knob_at
from timbrel.units import A4_HZ, A4_MIDI

SLUR_S = 0.04
"""In which a slurred note comes to its pitch: fingers, breath and bow take as long."""

_DEPTH, _RATE = NUMBER["vibrato_depth"], NUMBER["vibrato_rate"]

NOTE = np.dtype([
    ("is_over", "?"), ("is_own", "?"),
    ("pitch", "f8"), ("velocity", "f8"), ("begin_at", "i8"), ("held_s", "f8"),
    ("struck_db", "f8"), ("attack_s", "f8"), ("release_s", "f8"),
    ("fall_db_s", "f8"), ("fall_from_s", "f8"), ("fallen_db", "f8"), ("turn", "f8"),
    ("slid", "f8"), ("slid_db", "f8"), ("slid_at_s", "f8"),
], align=True)  # fmt: skip
"""What is known of a note.

| field                    | what                                                               |
|--------------------------|--------------------------------------------------------------------|
| `is_over`                | whether the frame that was asked last is its last                  |
| `is_own`                 | whether its timbre is its own                                      |
| `begin_at`               | sample of the player's clock at which its voice began              |
| `held_s`                 | its time when its key came up; infinite while it is down           |
| `struck_db`              | as loud as it becomes                                              |
| `attack_s`, `release_s`  | as the knobs stood when it began and when its key came up          |
| `fall_db_s`, `fallen_db` | how fast a held note falls, and how far this one has               |
| `fall_from_s`            | when it begins to                                                  |
| `turn`                   | where vibrato is, in cycles                                        |
| `slid`, `slid_db`        | off its pitch and its loudness when a slur begins                  |
| `slid_at_s`              | when that is                                                       |
"""


@kernel
def ask_next(tracks_of, notes, knobs, missing, rows, asked):
    """Write down what voices that lack a frame are to be asked; how many these are.

    Args:
        tracks_of: what is known of the voices.
        notes: what is known of their notes.
        knobs: of the controls.
        missing: frames that each voice lacks; counts down.
        rows: where the voices' numbers are written.
        asked: where each one's question is, in its own row.
    """
    count = 0
    for row in range(len(missing)):
        if missing[row] > 0 and tracks_of[row].fade_at == NEVER:
            _write_asked(notes[row], knobs, tracks_of[row], asked[row])
            missing[row] -= 1
            rows[count] = row
            count += 1
    return count


@kernel
def push_next(tracks, frames, notes, knobs, rows, count, asked, said):
    """Give some voices what was said to them."""
    for i in range(count):
        row, voice = rows[i], tracks.of[rows[i]]
        if notes[row].is_over:
            voice.fade_at = np.int64(np.ceil(next_at(voice)))
        push_said(tracks, frames, knobs, row, said[row], asked[row, F0_HZ], notes[row].begin_at)


@part
def _write_asked(note, knobs, voice, asked):
    time_s, at = voice.pushed / FRAME_RATE, note.begin_at + next_at(voice)
    frames_left = np.ceil((note.held_s + note.release_s) * FRAME_RATE) - voice.pushed
    _fall(note, time_s)
    loudness_db = level_db(note, time_s)
    note.is_over = frames_left <= 0 or (loudness_db < SILENCE_DB and time_s > note.attack_s)
    asked[F0_HZ] = _f0_hz(note, knobs, time_s, at)
    asked[LOUDNESS_DB] = SILENCE_DB if frames_left <= 0 else loudness_db
    asked[VOICING] = 1.0


@part
def _fall(note, time_s):
    """A little at a time: how fast it falls may change with the timbre."""
    until_s, before_s = min(time_s, note.held_s), min(time_s - 1 / FRAME_RATE, note.held_s)
    passed_s = max(until_s - note.fall_from_s, 0.0) - max(before_s - note.fall_from_s, 0.0)
    note.fallen_db += note.fall_db_s * passed_s


@kernel
def level_db(note, time_s):
    """How loud a note is asked to be."""
    coming = 1 - time_s / note.attack_s if time_s < note.attack_s else 0.0
    gone = max(time_s - note.held_s, 0.0) / note.release_s
    slid_db = note.slid_db * still_to_slide(note, time_s)
    return note.struck_db + slid_db + FROM_DB * (coming**3 + gone) - note.fallen_db


@kernel
def still_to_slide(note, time_s):
    """Share of the way from the pitch before: half a period of a cosine."""
    way = min(max((time_s - note.slid_at_s) / SLUR_S, 0.0), 1.0)
    return 0.5 + 0.5 * np.cos(np.pi * way)


@part
def _f0_hz(note, knobs, time_s, at):
    since_s = max(time_s - BEGINS_S, 0.0)
    depth = knob_at(knobs, _DEPTH, at) * min(since_s / COMES_S, 1.0)
    cents = depth * np.sin(2 * np.pi * note.turn)
    if time_s > BEGINS_S - 0.5 / FRAME_RATE:
        note.turn += knob_at(knobs, _RATE, at) / FRAME_RATE
    pitch = note.pitch + note.slid * still_to_slide(note, time_s)
    pitch += knob_at(knobs, BEND, at) + cents / 100
    return A4_HZ * 2 ** ((pitch - A4_MIDI) / 12)
