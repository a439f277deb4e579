"""The demo's song, composed by program: eight bars and a last chord for lead, harp and bass."""

from __future__ import annotations

import math

from timbrel.midi import Score, ScoreNote, Track

_BEAT_S = 0.5

# Bass note, then the chord above it, one a bar: I V6 vi iii6 IV I6 ii V, and home.
_CHORDS = (
    (48, (60, 64, 67, 72)), (47, (59, 62, 67, 71)), (45, (57, 60, 64, 69)), (43, (59, 64, 67, 71)),
    (41, (57, 60, 65, 69)), (40, (60, 64, 67, 72)), (38, (57, 62, 65, 69)), (43, (55, 59, 65, 71)),
)  # fmt: skip
_HOME = (36, 48, 60, 64, 67, 72)
_ARPEGGIO = (0, 1, 2, 3, 2, 1, 2, 1)

# Beats and pitch of the lead; None is a rest.
_LEAD = (
    (1.5, 76), (0.5, 79), (1.0, 84), (1.0, 79), (1.5, 74), (0.5, 79), (2.0, 71),
    (1.5, 72), (0.5, 76), (1.0, 81), (1.0, 76), (3.0, 71), (1.0, None),
    (1.5, 69), (0.5, 72), (1.0, 77), (1.0, 76), (1.5, 67), (0.5, 72), (2.0, 76),
    (1.0, 74), (0.5, 77), (0.5, 81), (2.0, 77), (1.0, 74), (1.0, 71), (2.0, 67),
)  # fmt: skip


def compose() -> Score:
    """The song; its tracks are called lead, harp and bass."""
    return Score(
        (
            Track("lead", 73, False, tuple(_lead()), pan=0.1),
            Track("harp", 46, False, tuple(_harp()), pan=-0.4),
            Track("bass", 32, False, tuple(_bass()), pan=0.0),
        )
    )


def _lead() -> list[ScoreNote]:
    notes, beat = [], 0.0
    for beats, pitch in _LEAD:
        if pitch is not None:
            swell = 0.62 + 0.2 * math.sin(math.pi * (beat % 16) / 16)
            notes.append(_note(pitch, swell, beat, beats * 0.95, _vibrato(beats * _BEAT_S)))
        beat += beats
    return [*notes, _note(72, 0.7, beat, 3.5, _vibrato(3.5 * _BEAT_S))]


def _vibrato(duration_s: float) -> tuple[float, ...] | None:
    """A slow swing of a sixth of a semitone on notes long enough to hear it."""
    if duration_s < 0.7:
        return None
    times_s = [point / 100 for point in range(round(duration_s * 100))]
    return tuple(0.17 * min(t / 0.5, 1.0) * math.sin(2 * math.pi * 5.2 * t) for t in times_s)


def _harp() -> list[ScoreNote]:
    notes = []
    for bar, (_, chord) in enumerate(_CHORDS):
        for step, place in enumerate(_ARPEGGIO):
            velocity = 0.5 if step % 4 == 0 else 0.38
            notes.append(_note(chord[place], velocity, 4 * bar + step / 2, 1.2))
    last = 4 * len(_CHORDS)
    return notes + [_note(p, 0.5, last + 0.08 * i, 3.4) for i, p in enumerate(_HOME[2:])]


def _bass() -> list[ScoreNote]:
    notes = []
    for bar, (bass, chord) in enumerate(_CHORDS):
        fifth = bass + 7 if (bass + 7) % 12 in {pitch % 12 for pitch in chord} else bass + 12
        notes += [_note(bass, 0.75, 4 * bar, 2.4), _note(fifth, 0.6, 4 * bar + 2.5, 1.3)]
    return [*notes, _note(_HOME[0], 0.8, 4 * len(_CHORDS), 3.6)]


def _note(
    pitch: float, velocity: float, beat: float, beats: float, bend: tuple[float, ...] | None = None
) -> ScoreNote:
    return ScoreNote(float(pitch), velocity, beat * _BEAT_S, beats * _BEAT_S, bend)
