"""Composes `song.mid`, four minutes for ten players, and `melody.mid`, half a minute for six.

    python examples/compose_song.py [FOLDER]

Everything follows from the chords below and a seed: a melody that keeps to chord tones on strong
beats and walks between them, a voice that answers it, arpeggios under the pedal, pads that swell,
bass, guitar, horns and drums. Programs change in mid-track, wheels bend, the tempo breathes: it is
also what `bench/song.py` plays.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from timbrel.midi import Event, write_events

TICKS = 480
BAR = 4.0
META, SET_TEMPO, TRACK_NAME = 0xFF, 0x51, 0x03
VOLUME, PAN, EXPRESSION, PEDAL = 7, 10, 11, 64
DRUMS = 9
VIOLIN, CELLO, FRENCH_HORN, CLARINET, FLUTE = 40, 42, 60, 71, 73
MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)

# A chord is its root in semitones above the key and its third; a line is four bars.
CHORDS = {
    "I": (0, 4), "ii": (2, 3), "iii": (4, 3), "IV": (5, 4), "V": (7, 4), "vi": (9, 3),
    "bVII": (10, 4), "iv": (5, 3),
}  # fmt: skip
VERSE = "I vi IV V I iii IV V"
CHORUS = "IV V iii vi ii V I I"
BRIDGE = "vi iii IV I bVII IV iv V"


Note = tuple[float, float, int]
"""Beat, length in beats, pitch."""


class Section(NamedTuple):
    """A part of the song's form: `full` counts up from 0, where few play, to 3, where all do."""

    name: str
    chords: str
    n_bars: int
    key: int
    quarters_per_minute: float
    full: int


SONG = (
    Section("intro", VERSE, 8, 62, 88, 0),
    Section("verse", VERSE, 16, 62, 96, 1),
    Section("chorus", CHORUS, 16, 62, 104, 2),
    Section("verse", VERSE, 16, 62, 98, 1),
    Section("bridge", BRIDGE, 8, 62, 84, 0),
    Section("chorus", CHORUS, 16, 64, 106, 2),
    Section("chorus", CHORUS, 16, 64, 108, 3),
    Section("outro", VERSE, 4, 64, 92, 0),
)
MELODY = (Section("bridge", VERSE, 8, 60, 92, 0),)


class Line:
    """One player's events, placed in quarter notes."""

    def __init__(
        self, name: str, channel: int, program: int, pan: float, volume: int = 100
    ) -> None:
        self.channel = channel
        self.has_notes = False
        self.events = [Event(0, META, bytes([TRACK_NAME]) + name.encode())]
        self.program(0.0, program)
        self.control(0.0, VOLUME, volume)
        self.control(0.0, PAN, round(64 + 63 * pan))

    def note(self, beat: float, beats: float, pitch: int, velocity: float) -> None:
        """A key from one beat to another."""
        self.has_notes = True
        key = min(max(round(velocity), 1), 127)
        self._add(beat, 0x90, pitch, key)
        self._add(beat + beats - 0.02, 0x80, pitch, 64)

    def program(self, beat: float, number: int) -> None:
        """Another instrument from here on."""
        self.events.append(Event(round(beat * TICKS), 0xC0 | self.channel, bytes([number])))

    def control(self, beat: float, number: int, value: float) -> None:
        """A controller's new value."""
        self._add(beat, 0xB0, number, min(max(round(value), 0), 127))

    def bend(self, beat: float, semitones: float) -> None:
        """The wheel, two semitones either way."""
        wheel = min(max(round(8192 * (1 + semitones / 2)), 0), 16383)
        self._add(beat, 0xE0, wheel & 127, wheel >> 7)

    def _add(self, beat: float, status: int, *data: int) -> None:
        self.events.append(Event(round(beat * TICKS), status | self.channel, bytes(data)))


def bars_of(chords: str, n_bars: int, key: int) -> list[tuple[int, ...]]:
    """The notes of each bar's chord, root first, in the octave of the key."""
    names = (chords.split() * n_bars)[:n_bars]
    return [(key + root, key + root + third, key + root + 7)
            for root, third in (CHORDS[name] for name in names)]  # fmt: skip


def nearest(pitch: float, classes: Sequence[int]) -> int:
    """The pitch of one of these classes that is nearest to a pitch."""
    wanted = {c % 12 for c in classes}
    around = range(math.floor(pitch) - 7, math.ceil(pitch) + 8)
    return min((p for p in around if p % 12 in wanted), key=lambda p: abs(p - pitch))


def melody(
    dice: random.Random, bars: Sequence[tuple[int, ...]], key: int, centre: int
) -> Iterator[Note]:
    """Beat, length and pitch of each note: four bars that come back with a new end."""
    scale = [key + step for step in MAJOR_SCALE]
    rhythms = ((1.5, 0.5, 1, 1), (1, 1, 2), (0.5, 0.5, 1, 0.5, 0.5, 1), (3, 1), (1, 0.5, 0.5, 2))
    motif = [(dice.choice(rhythms), [dice.choice((-2, -1, -1, 1, 1, 2)) for _ in range(6)])
             for _ in range(4)]  # fmt: skip
    pitch = centre
    for number, chord in enumerate(bars):
        rhythm, steps = motif[number % 4]
        if number % 8 == 7:
            rhythm = (4,)
        beat = number * BAR
        for place, length in enumerate(rhythm):
            strong = (beat - number * BAR) % 2 == 0
            aim = pitch + 2 * steps[place] + (centre - pitch) * 0.3
            pitch = nearest(aim, chord if strong else scale)
            yield beat, length, pitch
            beat += length


def sing(line: Line, start: float, tune: Iterable[Note], velocity: float, beat_s: float) -> None:
    """A tune with a scoop into each phrase and vibrato on long notes."""
    for beat, length, pitch in tune:
        swell = 8 * math.sin(math.pi * (beat % 16) / 16)
        line.note(start + beat, length * 0.96, pitch, velocity + swell)
        if beat % 16 == 0:
            for step in range(5):
                line.bend(start + beat + step * 0.05, -0.8 * (1 - step / 4))
        if length >= 2:
            for step in range(round((length - 1) * 16)):
                turn = math.sin(2 * math.pi * 5.2 * step / 16 * beat_s)
                line.bend(start + beat + 0.75 + step / 16, 0.2 * min(step / 8, 1) * turn)
            line.bend(start + beat + length - 0.03, 0.0)


def arpeggiate(
    line: Line, start: float, chord: Sequence[int], octave: int, velocity: float
) -> None:
    """Eight quavers up and down, the pedal changed with the chord."""
    ladder = [p + octave for p in (*chord, chord[0] + 12)]
    line.control(start, PEDAL, 0)
    line.control(start + 0.05, PEDAL, 127)
    for step, rung in enumerate((0, 1, 2, 3, 2, 3, 2, 1)):
        line.note(start + step / 2, 0.5, ladder[rung], velocity + (10 if step % 4 == 0 else 0))


def hold(line: Line, start: float, chord: Sequence[int], octave: int, velocity: float) -> None:
    """A pad: the chord around one height, swelling to the middle of the bar."""
    for pitch in chord:
        line.note(start, BAR, nearest(66 + octave, [pitch]), velocity)
    for step in range(8):
        line.control(start + step / 2, EXPRESSION, 96 + 28 * math.sin(math.pi * (step + 1) / 8))


def strum(line: Line, start: float, chord: Sequence[int], velocity: float) -> None:
    """Down and up strokes, string after string."""
    strings = [chord[0] - 12, chord[2] - 12, *chord]
    for beat, up in ((0, False), (1, False), (1.5, True), (2.5, True), (3, False), (3.5, True)):
        order = reversed(strings[2:]) if up else strings
        for place, pitch in enumerate(order):
            line.note(start + beat + 0.02 * place, 0.45, pitch, velocity - (14 if up else 0))


def walk(line: Line, start: float, chord: Sequence[int], coming: int, full: int) -> None:
    """A bass line: root and fifth, busier in full sections, sliding into the next root."""
    root = nearest(39, [chord[0]])
    steps = ((0, 0), (1.5, 0), (2, 7), (3, 12), (3.5, 7)) if full > 1 else ((0, 0), (2, 7))
    for place, (beat, interval) in enumerate(steps):
        until = steps[place + 1][0] if place + 1 < len(steps) else BAR
        line.note(start + beat, until - beat, root + interval, 92 if beat == 0 else 80)
    if full:
        direction = 1 if coming > chord[0] else -1
        for step in range(4):
            line.bend(start + 3.75 + step / 16, direction * 0.25 * step)
        line.bend(start + BAR, 0.0)


def drum(line: Line, start: float, full: int, is_last: bool) -> None:
    """Kick, snare and hats; a roll over the toms ends each eighth bar."""
    for beat in (0.0, 2.0, 2.5) if full > 1 else (0.0, 2.0):
        line.note(start + beat, 0.25, 36, 105)
    for beat in (1.0, 3.0):
        line.note(start + beat, 0.25, 38 if full > 1 else 37, 96)
    for step in range(8):
        line.note(start + step / 2, 0.2, 42, 84 if step % 2 == 0 else 62)
    if is_last:
        for step in range(6):
            line.note(start + 2.5 + step / 4, 0.2, 50 - step, 80 + 5 * step)


def compose(sections: Sequence[Section], seed: int) -> list[list[Event]]:
    """All tracks of the song, the tempo map first."""
    dice = random.Random(seed)
    band = {
        "Lead": Line("Lead", 0, 73, 0.1, 110), "Answer": Line("Answer", 1, 42, -0.3, 96),
        "Piano": Line("Piano", 2, 0, -0.15, 92), "Vibes": Line("Vibes", 3, 11, 0.45, 80),
        "Guitar": Line("Guitar", 4, 25, -0.5, 74), "Bass": Line("Bass", 5, 33, 0.0, 104),
        "Strings": Line("Strings", 6, 48, 0.3, 78), "Choir": Line("Choir", 7, 52, -0.4, 70),
        "Brass": Line("Brass", 8, 61, 0.55, 80), "Drums": Line("Drums", DRUMS, 0, 0.0, 92),
    }  # fmt: skip
    tempo: list[Event] = []
    start = 0.0
    for section in sections:
        bars = bars_of(section.chords, section.n_bars, section.key)
        play_tune(band["Lead"], band["Answer"], dice, start, section, bars)
        for number, chord in enumerate(bars):
            coming = bars[(number + 1) % len(bars)][0]
            accompany(band, start + number * BAR, section, number, chord, coming)
        is_last = section is sections[-1]
        tempo += tempo_map(start, section, is_last)
        start += section.n_bars * BAR
    end(band, start, sections[-1].key)
    return [tempo, *(line.events for line in band.values() if line.has_notes)]


def play_tune(
    lead: Line, answer: Line, dice: random.Random, start: float, section: Section,
    bars: Sequence[tuple[int, ...]],
) -> None:  # fmt: skip
    """The melody, and a second voice that answers it a beat later and an octave lower."""
    lead.program(start, {"bridge": CLARINET, "chorus": VIOLIN}.get(section.name, FLUTE))
    answer.program(start, CELLO if section.full < 3 else FRENCH_HORN)
    if section.name == "intro":
        return
    beat_s = 60 / section.quarters_per_minute
    tune = list(melody(dice, bars, section.key, section.key + 14))
    sing(lead, start, tune, 78 + 8 * section.full, beat_s)
    if section.full:
        downbeats = [(beat, pitch) for beat, _, pitch in tune if beat % BAR == 0]
        slow = [(b + 1, 2.0, nearest(p - 12, bars[int(b // BAR)])) for b, p in downbeats]
        sing(answer, start, slow, 70 + 5 * section.full, beat_s)


def accompany(
    band: dict[str, Line], bar: float, section: Section, number: int, chord: tuple[int, ...],
    coming: int,
) -> None:  # fmt: skip
    """One bar by everybody else who plays in a section this full."""
    full = section.full
    arpeggiate(band["Piano"], bar, chord, 0 if number % 2 else -12, 66 + 6 * full)
    walk(band["Bass"], bar, chord, coming, full)
    if full != 1 or number >= 8:
        hold(band["Strings"], bar, chord, 0, 64 + 6 * full)
    if full > 1 or section.name == "bridge":
        hold(band["Choir"], bar, chord, 6, 62)
    if full:
        strum(band["Guitar"], bar, chord, 74)
        drum(band["Drums"], bar, full, number % 8 == 7)
    if full > 1 and number % 2:
        for stab in range(6):
            band["Brass"].note(bar + 2.5 + stab // 3 / 2, 0.4, chord[stab % 3], 86)
    if full in (0, 3):
        for step in range(8):
            band["Vibes"].note(bar + step / 2, 0.5, chord[(2, 0, 1)[step % 3]] + 12, 60)


def end(band: dict[str, Line], start: float, key: int) -> None:
    """The last chord, held by those who can, under a pedal that is lifted at the end."""
    for name, octave in (("Strings", 0), ("Piano", 0), ("Vibes", 12)):
        for pitch in (key - 12, key, key + 4, key + 7):
            band[name].note(start, 6.0, pitch + octave, 70)
    band["Bass"].note(start, 6.0, key - 24, 80)
    band["Lead"].note(start, 5.5, key + 16, 84)
    band["Piano"].control(start + 8, PEDAL, 0)


def tempo_map(start: float, section: Section, is_last: bool) -> Iterator[Event]:
    """A tempo that breathes with the bars, and slows down for the end."""
    for bar in range(section.n_bars + 2 * is_last):
        breath = 1 + 0.012 * math.sin(math.pi * bar / 4)
        slowing = 0.08 * max(bar - section.n_bars + 3, 0) if is_last else 0.0
        quarter_us = round(60e6 / (section.quarters_per_minute * (breath - slowing)))
        tick = round((start + bar * BAR) * TICKS)
        yield Event(tick, META, bytes([SET_TEMPO]) + quarter_us.to_bytes(3, "big"))


def main() -> None:
    """Writes both files and prints their paths."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    print(write_events(folder / "song.mid", compose(SONG, seed=7), TICKS))
    print(write_events(folder / "melody.mid", compose(MELODY, seed=3), TICKS))


if __name__ == "__main__":
    main()
