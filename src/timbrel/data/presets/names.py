"""What a patch's name says of its category, in the words and abbreviations of those who make them.

    BA Deepness, [LD] Saw 3     a code in capitals at the beginning, before anything else
    Bass Drum, Steel Guitar     two words that mean something else together
    String Pad, Kick Bass       else the last word of those that say something, as in English,
    Bells with Choir            in what stands before a "with"
    Koto Rain, Rain on a Roof   pictures of noises only where nothing else is said

Words are whole ones: a Bassline Mill is no mill, a Padlock no pad, and Strange are no strings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

By = Literal["maker", "name", "sound"]

_INSTRUMENTS = {
    "bass": "bass basses bas bs subbass synthbass synbass oberbass kickbass bassline fretless "
    "reese slap sub",
    "lead": "lead leed ld synthlead synlead sawlead solo soloist theremin flute piccolo recorder "
    "ocarina whistle whistler panpipe panflute shakuhachi oboe clarinet clari bassoon duduk sax "
    "saxophone reed woodwind harmonica kazoo melodica",
    "pad": "pad pd synthpad softpad warmpad polypad atmosphere atmo atmos ambient ambience "
    "soundscape texture choir superchoir aah ahh ah ooh ohh vox voice vocal soprano chant",
    "fx": "fx sfx effect noise noize riser uplifter downlifter",
    "keys": "keys keyb keyboard kbd piano pianoo pianoforte pianola pno epno epiano ep rhodes rhod "
    "wurli wurly wurlizer wurlitzer pianet clav clavi clavinet clavinett clavichord harpsichord "
    "harpsi harpsy hapsi cembalo celesta celeste vibraphone vibes marimba xylophone xylo "
    "glockenspiel glock mallet bell chime tine",
    "pluck": "pluck pluckd plucked plucky plk pluk guitar guit gtr harp koto sitar banjo mandolin "
    "lute oud shamisen kalimba dulcimer pizzicato pizz nylon strum ukulele uke",
    "brass": "brass brs trumpet trombone tuba horn frenchhorn bugle flugel flugelhorn cornet "
    "euphonium fanfare",
    "strings": "strings string str strs violin viola cello celli contrabass doublebass fiddle "
    "quartet ensemble orchestra orchestral orch solina",
    "organ": "organ org hammond farfisa drawbar leslie accordion accordian harmonium bandoneon "
    "church pipes",
    "drum": "drum drm kick kik bd snare hihat clap tom cymbal cym perc percussion percusion conga "
    "bongo timpani timp tabla taiko gong woodblock cowbell shaker tambourine rimshot",
    "sequence": "seq sq sequence sequencer sequenced arp arpeggio arpeggiator arped",
}

_PICTURES = {
    "fx": "siren alarm ambulance telephone helicopter explosion laser lazer zap ufo spaceship "
    "saucer drill rain wind storm thunder thunderstorm tornado hurricane earthquake splash bubbles "
    "birds birdz crickets",
}

_PAIRS = {
    "drum": "bass drum, hi hat, open hat, closed hat, wood block, cow bell, rim shot, rim click, "
    "hand clap, log drum",
    "fx": "orchestra hit, orch hit",
    "keys": "steel drum, steel pan, music box, electric grand, upright electric",
    "lead": "mouth harp, lead guitar",
    "pluck": "nylon string, steel string, bass guitar, plucked string, thumb piano",
    "organ": "reed organ, pipe organ",
    "other": "jaw harp",
}

_CODES = {
    "BA": "bass", "BS": "bass", "LD": "lead", "LE": "lead", "PA": "pad", "PD": "pad", "KY": "keys",
    "KB": "keys", "PN": "keys", "PL": "pluck", "BR": "brass", "ST": "strings", "SR": "strings",
    "OR": "organ", "DR": "drum", "SQ": "sequence", "AR": "sequence",
}  # fmt: skip

_BREAKS = (
    "with", "w", "and", "n", "or", "in", "on", "at", "by", "for", "from", "to", "a", "like",
)  # fmt: skip

_TOKENS = (
    re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+"),  # FMBells, BriansBass
    re.compile(r"[A-Z]{2,}|[A-Z]?[a-z]+"),  # FMbells
)


class Found(NamedTuple):
    """A category, and who says so."""

    category: str
    by: By


def known_category(name: str, category: str) -> Found | None:
    """What the maker of a patch says, or else its name.

    >>> known_category("Slow Bass", "pad"), known_category("Slow Bass", "")
    (Found(category='pad', by='maker'), Found(category='bass', by='name'))
    """
    if category:
        return Found(category, "maker")
    said = category_of_name(name)
    return Found(said, "name") if said else None


def category_of_name(name: str) -> str | None:
    """One of `CATEGORIES`; None where the name says nothing.

    >>> category_of_name("BriansBass07"), category_of_name("Padlock")
    ('bass', None)
    """
    first, *others = _TOKENS[0].findall(name) or [""]
    # OR ELSE is no organ, and LE GRAND no lead
    if first in _CODES and not "".join(others).isupper():
        return _CODES[first]
    readings = [_phrases(pattern.findall(name)) for pattern in _TOKENS]
    said = (
        _said(words, meanings)
        for meanings in (_KINDS, _IMAGES)
        for phrases in readings
        for words in phrases
    )
    return next(filter(None, said), None)


def _phrases(tokens: Sequence[str]) -> list[list[str]]:
    """Words in small letters, parted where a with or an in stands."""
    phrases: list[list[str]] = [[]]
    for word in map(str.lower, tokens):
        if word in _BREAKS:
            phrases.append([])
        else:
            phrases[-1].append(word)
    return phrases


def _said(words: Sequence[str], meanings: Mapping[str, str]) -> str | None:
    """What the last word says, or the last two together, else those before."""
    for end in range(len(words), 0, -1):
        for said in (" ".join(words[max(end - 2, 0) : end]), words[end - 1]):
            if found := meanings.get(said) or meanings.get(said.removesuffix("s")):
                return found
    return None


def _by_word(table: Mapping[str, str], between: str | None = None) -> dict[str, str]:
    return {word: category for category, words in table.items() for word in words.split(between)}


_KINDS = _by_word(_INSTRUMENTS) | _by_word(_PAIRS, ", ")
_IMAGES = _by_word(_PICTURES)
