"""General MIDI's 128 programs, and which of NSynth's families comes nearest to each."""

from __future__ import annotations

_NAMES = """
Acoustic Grand Piano|Bright Acoustic Piano|Electric Grand Piano|Honky-tonk Piano
Electric Piano 1|Electric Piano 2|Harpsichord|Clavinet
Celesta|Glockenspiel|Music Box|Vibraphone|Marimba|Xylophone|Tubular Bells|Dulcimer
Drawbar Organ|Percussive Organ|Rock Organ|Church Organ|Reed Organ|Accordion|Harmonica|Bandoneon
Nylon Guitar|Steel Guitar|Jazz Guitar|Clean Guitar|Muted Guitar|Overdriven Guitar
Distortion Guitar|Guitar Harmonics
Acoustic Bass|Fingered Bass|Picked Bass|Fretless Bass|Slap Bass 1|Slap Bass 2
Synth Bass 1|Synth Bass 2
Violin|Viola|Cello|Contrabass|Tremolo Strings|Pizzicato Strings|Harp|Timpani
String Ensemble 1|String Ensemble 2|Synth Strings 1|Synth Strings 2
Choir Aahs|Voice Oohs|Synth Voice|Orchestra Hit
Trumpet|Trombone|Tuba|Muted Trumpet|French Horn|Brass Section|Synth Brass 1|Synth Brass 2
Soprano Sax|Alto Sax|Tenor Sax|Baritone Sax|Oboe|English Horn|Bassoon|Clarinet
Piccolo|Flute|Recorder|Pan Flute|Blown Bottle|Shakuhachi|Whistle|Ocarina
Square Lead|Sawtooth Lead|Calliope Lead|Chiff Lead|Charang Lead|Voice Lead|Fifths Lead
Bass and Lead
New Age Pad|Warm Pad|Polysynth Pad|Choir Pad|Bowed Pad|Metallic Pad|Halo Pad|Sweep Pad
Rain|Soundtrack|Crystal|Atmosphere|Brightness|Goblins|Echoes|Sci-fi
Sitar|Banjo|Shamisen|Koto|Kalimba|Bagpipe|Fiddle|Shanai
Tinkle Bell|Agogo|Steel Drums|Woodblock|Taiko Drum|Melodic Tom|Synth Drum|Reverse Cymbal
Guitar Fret Noise|Breath Noise|Seashore|Bird Tweet|Telephone Ring|Helicopter|Applause|Gunshot
"""
PROGRAM_NAMES: tuple[str, ...] = tuple(_NAMES.strip().replace("\n", "|").split("|"))

_FAMILIES = (
    (8, "keyboard"), (16, "mallet"), (24, "organ"), (32, "guitar"), (40, "bass"), (47, "string"),
    (48, "mallet"), (52, "string"), (55, "vocal"), (64, "brass"), (72, "reed"), (80, "flute"),
    (85, "synth_lead"), (86, "vocal"), (88, "synth_lead"), (91, "string"), (92, "vocal"),
    (96, "string"), (104, "synth_lead"), (108, "guitar"), (109, "mallet"), (110, "reed"),
    (111, "string"), (112, "reed"), (120, "mallet"), (128, "synth_lead"),
)  # fmt: skip
"""Families by the first program above each; pads and effects go to what can stand in for them."""


def program_name(program: int) -> str:
    """What General MIDI calls a program.

    >>> program_name(40)
    'Violin'
    """
    return PROGRAM_NAMES[program]


def program_family(program: int) -> str:
    """The NSynth family that can play a program.

    >>> program_family(40), program_family(88)
    ('string', 'string')
    """
    return next(family for above, family in _FAMILIES if program < above)
