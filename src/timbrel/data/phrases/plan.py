"""Melodies for a SoundFont to play, drawn by chance and numbered: nothing sounds here.

A phrase is what a player does in one breath or a few bows: notes that walk up and down a scale,
slurred, detached or short, with rests; vibrato that comes in on long notes; swells and accents.
Plucked strings get slides, hammer-ons and what their hands do to dynamics instead.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field

from timbrel.config import Settings
from timbrel.data.soundfonts.gm_programs import Program
from timbrel.data.soundfonts.plan import Split

RANGES = {
    "guitar": (40, 83), "steel_guitar": (40, 83), "jazz_guitar": (40, 83),
    "clean_guitar": (40, 86), "overdrive_guitar": (40, 86), "bass": (36, 60),
    "violin": (55, 91), "viola": (48, 81), "cello": (36, 74), "contrabass": (36, 60),
    "trumpet": (54, 82), "trombone": (40, 72), "french_horn": (41, 77), "tuba": (36, 60),
    "soprano_sax": (56, 87), "alto_sax": (49, 80), "tenor_sax": (44, 76),
    "baritone_sax": (36, 69), "oboe": (58, 88), "english_horn": (52, 81),
    "bassoon": (36, 74), "clarinet": (50, 88), "piccolo": (74, 95), "flute": (60, 93),
    "recorder": (60, 91), "pan_flute": (60, 91), "choir": (43, 77), "oohs": (45, 79),
    "solo_vox": (43, 79), "fiddle": (55, 91), "harmonica": (55, 88),
}  # fmt: skip
"""What players of these instruments play, in MIDI numbers, and trackers hear."""

_USUAL_RANGE = (45, 84)
_PLUCKED = {"guitar", "bass", "keyboard", "mallet"}
_PLUCKED_STRINGS = {"pizzicato", "harp"}

_SCALES = (
    (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 3, 5, 7, 9, 10),
    (0, 3, 5, 7, 10), (0, 2, 4, 7, 9),
)  # fmt: skip
_STEPS, _STEP_WEIGHTS = (0, 1, 2, 3, 4, 5, 7), (3, 30, 18, 8, 6, 3, 2)
_BEATS, _BEAT_WEIGHTS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0), (14, 26, 8, 24, 8, 14, 6)
_FARTHEST_SLUR = 5
"""Semitones from the key that was struck: farther, a recording no longer sounds like itself."""

SHORTEST_S = 0.07
"""From a note's beginning to the next one's."""

_STRUCK_RINGS_S, _HELD_RINGS_S = 1.5, 0.6
"""How long a phrase rings out after its last key came up."""


class PhraseSettings(Settings):
    """What a phrase set holds.

    Attributes:
        programs: General MIDI instruments by short name, such as violin: one folder each.
        minutes: of each, in all splits together: at most ten hours, some 3 GB at 48 kHz.
        phrase_s: from how long to how long a phrase is.
        sample_rate: in Hz.
        bank: the font's bank.
        peak_db: where the loudest note of each instrument peaks, re full scale.
        held_out: share of phrases in the valid split, and in the test split.
        seed: of what is played.
    """

    programs: tuple[str, ...] = ("violin",)
    minutes: float = Field(default=15.0, gt=0, le=600)
    phrase_s: tuple[
        Annotated[float, Field(ge=1, le=120)], Annotated[float, Field(ge=1, le=120)]
    ] = (5.0, 12.0)
    sample_rate: int = Field(default=48000, ge=8000, le=192000)
    bank: int = Field(default=0, ge=0, le=127)
    peak_db: float = Field(default=-3.0, ge=-60, le=0)
    held_out: float = Field(default=0.08, ge=0, le=0.4)
    seed: int = 0


@dataclass(frozen=True)
class Turn:
    """A note's pitch goes elsewhere: from `at_s` after its onset on, within `over_s`.

    Attributes:
        semitones: from the key that was struck to where it goes.
    """

    at_s: float
    over_s: float
    semitones: float


@dataclass(frozen=True)
class PhraseNote:
    """One key struck, and what happens to its pitch before it comes up.

    Attributes:
        turns: where the pitch goes.
        vibrato: cents, Hz, and the seconds after which it begins to come in.
    """

    onset_s: float
    duration_s: float
    pitch: int
    velocity: int
    turns: tuple[Turn, ...] = ()
    vibrato: tuple[float, float, float] = (0.0, 5.5, 0.0)


@dataclass(frozen=True)
class Phrase:
    """What one file of a set holds.

    Attributes:
        name: of the file, without its ending.
        expression: dB of gain, as (second, dB) with straight lines between.
        duration_s: from the first key to when the last one has come up and rung out.
    """

    split: Split
    program: Program
    name: str
    notes: tuple[PhraseNote, ...]
    expression: tuple[tuple[float, float], ...]
    duration_s: float


def plan_phrases(settings: PhraseSettings, program: Program) -> tuple[Phrase, ...]:
    """All phrases of one instrument; each is drawn by itself, from the seed and its number."""
    return tuple(_numbered(settings, program))


def _numbered(settings: PhraseSettings, program: Program) -> Iterator[Phrase]:
    total_s, number = 0.0, 0
    while total_s < 60 * settings.minutes:
        chance = random.Random(f"{settings.seed} {program.number} phrase {number}")
        phrase = _draw(chance, settings, program)
        yield replace(phrase, name=f"{program.short_name}_{number:04d}")
        total_s += phrase.duration_s
        number += 1


def range_of(program: Program) -> tuple[int, int]:
    """The lowest and the highest key that it plays."""
    return RANGES.get(program.short_name, _USUAL_RANGE)


def is_plucked(program: Program) -> bool:
    """Whether notes die away by themselves, whatever the player does."""
    return program.family in _PLUCKED or program.short_name in _PLUCKED_STRINGS


def _draw(chance: random.Random, settings: PhraseSettings, program: Program) -> Phrase:
    share = chance.random()
    held = settings.held_out
    split = "test" if share < held else "valid" if share < 2 * held else "train"
    length_s = chance.uniform(*settings.phrase_s)
    is_struck = is_plucked(program)
    notes = _articulated(chance, _melody(chance, program, length_s), is_struck)
    last_s = notes[-1].onset_s + notes[-1].duration_s
    rings_s = _STRUCK_RINGS_S if is_struck else _HELD_RINGS_S
    expression = () if is_struck else _expression(chance, last_s)
    return Phrase(split, program, "", tuple(notes), expression, last_s + rings_s)


def _melody(chance: random.Random, program: Program, length_s: float) -> list[PhraseNote]:
    """Pitches and rhythm: each note reaches to the next, or there is a rest."""
    lowest, highest = range_of(program)
    scale, key = chance.choice(_SCALES), chance.randrange(12)
    pitches = [p for p in range(lowest, highest + 1) if (p - key) % 12 in scale]
    beat_s = 60 / math.exp(chance.uniform(math.log(55), math.log(170)))
    place, force = chance.randrange(len(pitches)), chance.uniform(0.3, 0.95)
    heading, onset_s, notes = chance.choice((-1, 1)), chance.uniform(0.1, 0.4), []
    while onset_s < length_s:
        duration_s = max(beat_s * chance.choices(_BEATS, _BEAT_WEIGHTS)[0], SHORTEST_S)
        struck = min(max(force + chance.gauss(0, 0.09), 0.12), 1.0)
        notes.append(PhraseNote(onset_s, duration_s, pitches[place], round(127 * struck)))
        rest_s = beat_s * chance.choice((0.5, 1.0, 2.0)) if chance.random() < 0.1 else 0.0
        onset_s += duration_s + rest_s
        if chance.random() < 0.25:
            heading, force = -heading, min(max(force + chance.gauss(0, 0.15), 0.25), 1.0)
        step = heading * chance.choices(_STEPS, _STEP_WEIGHTS)[0]
        if not 0 <= place + step < len(pitches):
            heading, step = -heading, -step
        place = min(max(place + step, 0), len(pitches) - 1)
    return notes


def _articulated(
    chance: random.Random, melody: list[PhraseNote], is_struck: bool
) -> list[PhraseNote]:
    """Slurs and hammer-ons join notes into one; others are detached, short, or just touch."""
    slurs, short = chance.choice(((0.55, 0.1), (0.25, 0.3), (0.1, 0.6)))
    slurs *= 0.4 if is_struck else 1.0
    played: list[PhraseNote] = []
    for note in melody:
        last = played[-1] if played else None
        if last is not None and _can_slur(last, note) and chance.random() < slurs:
            played[-1] = _slurred(chance, last, note)
        else:
            played.append(note)
    return [_shaped(chance, note, short, is_struck) for note in played]


def _can_slur(last: PhraseNote, note: PhraseNote) -> bool:
    touches = note.onset_s - (last.onset_s + last.duration_s) < 1e-6
    now = last.turns[-1].semitones if last.turns else 0
    away = note.pitch - last.pitch
    return touches and away != now and abs(away) <= _FARTHEST_SLUR


def _slurred(chance: random.Random, last: PhraseNote, note: PhraseNote) -> PhraseNote:
    over_s = min(math.exp(chance.uniform(math.log(0.02), math.log(0.12))), note.duration_s / 2)
    turn = Turn(note.onset_s - last.onset_s, over_s, float(note.pitch - last.pitch))
    return replace(last, duration_s=last.duration_s + note.duration_s, turns=(*last.turns, turn))


def _shaped(chance: random.Random, note: PhraseNote, short: float, is_struck: bool) -> PhraseNote:
    """How long the key is really down, and what its pitch does meanwhile."""
    if chance.random() < short and not note.turns:
        note = replace(note, duration_s=note.duration_s * chance.uniform(0.3, 0.7))
    else:
        note = replace(note, duration_s=max(note.duration_s - chance.uniform(0.0, 0.03), 0.05))
    turns = note.turns
    if chance.random() < 0.08:  # reached from below, as singers and guitarists do
        from_below = -chance.uniform(0.5, 2.0)
        turns = (Turn(-1.0, 0.0, from_below), Turn(0.01, chance.uniform(0.05, 0.15), 0.0), *turns)
    depth = chance.uniform(6, 25) if is_struck else chance.uniform(8, 60)
    has_vibrato = note.duration_s > 0.45 and chance.random() < (0.25 if is_struck else 0.65)
    begins_s = chance.uniform(0.1, 0.4)
    vibrato = (depth if has_vibrato else 0.0, chance.uniform(4.3, 6.8), begins_s)
    return replace(note, turns=turns, vibrato=vibrato)


def _expression(chance: random.Random, length_s: float) -> tuple[tuple[float, float], ...]:
    """Swells and fades over the phrase."""
    at_s, points = 0.0, [(0.0, chance.uniform(-9, 0))]
    while at_s < length_s:
        at_s += chance.uniform(0.5, 2.5)
        points.append((at_s, max(-24.0, -abs(chance.gauss(0, 8)))))
    return tuple(points)
