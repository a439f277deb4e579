"""From a score to a MIDI file, so that programs can compose."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from timbrel.errors import BadScore
from timbrel.midi.channels import DATA, DEFAULT_VOLUME, PAN, RPN, RPN_FINE, VOLUME
from timbrel.midi.events import META, NAME, PORT, Event, write_events
from timbrel.midi.reading import BEND_RATE, DRUM_CHANNEL
from timbrel.midi.score import Score, ScoreNote, Track

TICKS_PER_QUARTER = 960
TICKS_PER_S = TICKS_PER_QUARTER * 2
_MELODIC = [channel for channel in range(16) if channel != DRUM_CHANNEL]


def write_score(path: str | Path, score: Score) -> Path:
    """Writes a score as a MIDI file at 120 quarters a minute, to the nearest half millisecond.

    Each track gets a channel (and past 15 of them another port). What MIDI cannot say is lost:
    fractions of a pitch, velocities between 127 steps, and different bends of notes that sound at
    once in one track.

    Raises:
        BadScore: a pitch or a velocity is out of range.
        BadInput: the folder cannot be written.
    """
    melodic = -1
    tracks = []
    for track in score.tracks:
        if track.is_drum:
            port, channel = 0, DRUM_CHANNEL
        else:
            melodic += 1
            port, place = divmod(melodic, len(_MELODIC))
            channel = _MELODIC[place]
        tracks.append([Event(0, META, bytes([PORT, port])), *_events(track, channel)])
    return write_events(path, tracks, TICKS_PER_QUARTER)


def _events(track: Track, channel: int) -> Iterator[Event]:
    yield Event(0, META, bytes([NAME]) + track.name.encode("utf-8"))
    yield Event(0, 0xC0 | channel, bytes([track.program]))
    yield _control(0, channel, PAN, round(64 + 63 * track.pan))
    widest = max((abs(b) for note in track.notes for b in note.bend_semitones or ()), default=0.0)
    bend_range = max(2, math.ceil(widest))
    if widest:
        for number, value in ((RPN, 0), (RPN_FINE, 0), (DATA, bend_range)):
            yield _control(0, channel, number, value)
    volume, wheel = DEFAULT_VOLUME, 8192
    for note in sorted(track.notes, key=lambda note: note.onset_s):
        _check(note, track)
        start, end = _tick(note.onset_s), max(_tick(note.end_s), _tick(note.onset_s) + 1)
        if volume != (volume := min(round(DEFAULT_VOLUME * 10 ** (note.gain_db / 40)), 127)):
            yield _control(start, channel, VOLUME, volume)
        for k, semitones in enumerate(note.bend_semitones or (0.0,)):
            position = min(max(round(8192 * (1 + semitones / bend_range)), 0), 16383)
            if wheel != (wheel := position):
                tick = min(_tick(note.onset_s + k / BEND_RATE), end - 1)
                yield Event(tick, 0xE0 | channel, bytes([wheel & 127, wheel >> 7]))
        key = bytes([round(note.pitch), max(round(note.velocity * 127), 1)])
        yield Event(start, 0x90 | channel, key)
        yield Event(end, 0x80 | channel, bytes([key[0], 64]))


def _check(note: ScoreNote, track: Track) -> None:
    if not (0 <= note.pitch <= 127 and 0 <= note.velocity <= 1 and note.onset_s >= 0):
        got = f"pitch {note.pitch:g}, velocity {note.velocity:g}, onset {note.onset_s:g} s"
        raise BadScore(f"track {track.label!r}: a note of {got} does not fit into MIDI")


def _tick(seconds: float) -> int:
    return round(seconds * TICKS_PER_S)


def _control(tick: int, channel: int, number: int, value: int) -> Event:
    return Event(tick, 0xB0 | channel, bytes([number, value]))
