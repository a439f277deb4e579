"""A round for three voices, each with a timbre of its own; the last sings half-way between two."""

import timbrel
from timbrel.midi import ScoreNote, Track
from timbrel.perform import Part, perform, spread

BEAT_S = 0.42
LINES = ([0, 2, 4, 0], [4, 5, 7], [7, 9, 7, 5, 4, 0], [0, -5, 0])  # Frère Jacques
BEATS = ([1, 1, 1, 1], [1, 1, 2], [0.5, 0.5, 0.5, 0.5, 1, 1], [1, 1, 2])


def voice(name: str, lowest: int, enters_s: float) -> Track:
    """The whole tune, each line sung twice."""
    notes, onset_s = [], enters_s
    for line, beats in zip(LINES, BEATS, strict=True):
        for step, length in zip(line * 2, beats * 2, strict=True):
            notes.append(ScoreNote(lowest + step, 0.7, onset_s, 0.9 * length * BEAT_S))
            onset_s += length * BEAT_S
    return Track(name, program=0, is_drum=False, notes=tuple(notes))


instrument = timbrel.load("harmonic")
bank = instrument.bank
timbres = [bank["piano"], bank["violin"], (bank["violin"] + bank["flute"]) / 2]
tracks = [voice(f"voice {i + 1}", 72 - 12 * i, 8 * BEAT_S * i) for i in range(3)]
score = timbrel.Score(tuple(tracks))
parts = spread(score, [Part(instrument, timbre) for timbre in timbres])
print(perform(score, parts, "round.wav").path)
