"""General MIDI's 128 programs: their names, and the NSynth family that comes nearest to each."""

from __future__ import annotations

_NAMES = """
piano bright_piano electric_grand honky_tonk rhodes electric_piano harpsichord clavinet
celesta glockenspiel music_box vibraphone marimba xylophone tubular_bells dulcimer
organ percussive_organ rock_organ church_organ reed_organ accordion harmonica bandoneon
guitar steel_guitar jazz_guitar clean_guitar muted_guitar overdrive_guitar distortion_guitar
guitar_harmonics
acoustic_bass bass picked_bass fretless_bass slap_bass pop_bass synth_bass deep_synth_bass
violin viola cello contrabass tremolo_strings pizzicato harp timpani
string_ensemble slow_strings synth_strings soft_synth_strings choir oohs synth_voice
orchestra_hit
trumpet trombone tuba muted_trumpet french_horn brass_section synth_brass soft_synth_brass
soprano_sax alto_sax tenor_sax baritone_sax oboe english_horn bassoon clarinet
piccolo flute recorder pan_flute bottle shakuhachi whistle ocarina
square_lead saw_lead calliope chiff_lead charang solo_vox fifths_lead bass_lead
fantasia warm_pad polysynth space_voice bowed_glass metal_pad halo_pad sweep_pad
ice_rain soundtrack crystal atmosphere brightness goblin echo_drops star_theme
sitar banjo shamisen koto kalimba bagpipe fiddle shenai
tinker_bell agogo steel_drums woodblock taiko melodic_tom synth_drum reverse_cymbal
fret_noise breath_noise sea_shore bird telephone helicopter applause gunshot
"""
PROGRAM_NAMES: tuple[str, ...] = tuple(_NAMES.split())
"""As banks of timbres name them, which is shorter than the standard does."""

_FAMILIES = (
    (8, "keyboard"), (16, "mallet"), (24, "organ"), (32, "guitar"), (40, "bass"), (47, "string"),
    (48, "mallet"), (52, "string"), (55, "vocal"), (64, "brass"), (72, "reed"), (80, "flute"),
    (85, "synth_lead"), (86, "vocal"), (88, "synth_lead"), (91, "string"), (92, "vocal"),
    (96, "string"), (104, "synth_lead"), (108, "guitar"), (109, "mallet"), (110, "reed"),
    (111, "string"), (112, "reed"), (120, "mallet"), (128, "synth_lead"),
)  # fmt: skip
"""Families by the first program above each; pads and effects go to what can stand in for them."""


def program_name(program: int) -> str:
    """A program's name for people.

    >>> program_name(40), program_name(49)
    ('Violin', 'Slow Strings')
    """
    return PROGRAM_NAMES[program].replace("_", " ").title()


def program_family(program: int) -> str:
    """The NSynth family that can play a program.

    >>> program_family(40), program_family(88)
    ('string', 'string')
    """
    return next(family for above, family in _FAMILIES if program < above)


def timbre_names(program: int) -> list[str]:
    """Names under which a bank may hold a timbre for a program, the best first.

    Its own name, then its neighbours of the same family, then the family's.

    >>> timbre_names(43)[:3], timbre_names(43)[-1]
    (['contrabass', 'cello', 'tremolo_strings'], 'string')
    """
    family = program_family(program)
    kin = [other for other in range(128) if program_family(other) == family]
    kin.sort(key=lambda other: abs(other - program))
    return [*(PROGRAM_NAMES[other] for other in kin), family]
