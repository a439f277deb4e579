"""Which of NSynth's families and sources a folder or file name speaks of."""

from __future__ import annotations

import re
from pathlib import PurePath

from timbrel.data.notes.nsynth_layout import UNKNOWN
from timbrel.units import parse_pitch

_FAMILIES = {
    "bass": "bass basses bassguitar slapbass fretless subbass",
    "brass": "brass trumpet trombone tuba horn horns frenchhorn cornet flugelhorn euphonium",
    "flute": "flute flutes piccolo recorder ocarina whistle shakuhachi panpipe panflute dizi ney",
    "guitar": "guitar guitars guit gtr banjo ukulele mandolin sitar koto shamisen lute oud pipa",
    "keyboard": "keyboard keys piano pianos epiano rhodes wurli wurlitzer clavinet clavichord "
    "harpsichord grand",
    "mallet": "mallet mallets marimba vibraphone vibes xylophone glockenspiel celesta kalimba bell "
    "bells musicbox dulcimer steeldrum steelpan tubularbells crotales gamelan",
    "organ": "organ organs hammond accordion harmonica bandoneon harmonium melodica",
    "reed": "reed reeds sax saxophone clarinet bassclarinet oboe bassoon englishhorn coranglais "
    "duduk bagpipe shenai",
    "string": "string strings violin violins viola violas cello cellos contrabass doublebass "
    "fiddle harp pizzicato erhu arco",
    "synth_lead": "synth lead leads synthlead sawlead squarelead",
    "vocal": "vocal vocals voice voices choir singing singer sing soprano tenor vox",
}
_SOURCES = {
    "synthetic": "synth synths synthetic synthesizer analog analogue wavetable fm saw supersaw "
    "sawlead square squarelead triangle sine oscillator digital chiptune pad pads subbass "
    "moog juno jupiter prophet serum vst",
    "electronic": "electric electronic rhodes wurli wurlitzer epiano hammond clavinet overdrive "
    "distortion distorted amp eguitar ebass stratocaster telecaster",
}

NOTE_IN_NAME = re.compile(r"(?<![A-Za-z])([A-Ga-g])([#sb]?)(-?\d)(?!\d)")
"""A note as file names have it, where a sharp may be an s."""

# A word this short must stand alone ("sax", not "saxon"); longer ones may be part of a name.
_LONGEST_ALONE = 4


def family_in(path: PurePath) -> str:
    """The family that a path speaks of, its file name first, then its folders from the inmost.

    The longest word wins, so that a bass clarinet is a reed.

    >>> family_in(PurePath("samples/bass clarinet/C3.wav"))
    'reed'
    """
    for part in (path.stem, *(folder.name for folder in path.parents)):
        if found := _longest(part, _FAMILIES):
            return found
    return UNKNOWN


def source_in(path: PurePath) -> str:
    """The source that a path speaks of; acoustic where it speaks of none.

    >>> source_in(PurePath("Electric Piano/C3.wav"))
    'electronic'
    """
    for part in (path.stem, *(folder.name for folder in path.parents)):
        if found := _longest(part, _SOURCES):
            return found
    return "acoustic"


def pitch_in(path: PurePath) -> int | None:
    """The MIDI number of the one note name in a file's name (C4 is 60), if there is just one.

    >>> pitch_in(PurePath("piano_F#3_soft.wav"))
    54
    """
    notes = NOTE_IN_NAME.findall(path.stem)
    if len(set(notes)) != 1:
        return None
    letter, accidental, octave = notes[0]
    try:
        return parse_pitch(letter + accidental.replace("s", "#") + octave)
    except ValueError:
        return None


def _longest(text: str, meanings: dict[str, str]) -> str | None:
    split_case = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    tokens = re.findall(r"[a-z]+", split_case.lower())
    joined = "".join(tokens)
    found = [
        (len(word), meaning)
        for meaning, words in meanings.items()
        for word in words.split()
        if word in tokens or (len(word) > _LONGEST_ALONE and word in joined)
    ]
    return max(found)[1] if found else None
