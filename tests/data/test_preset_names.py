"""What names of patches say, as those write them who make patches."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from timbrel.data.presets.names import category_of_name
from timbrel.synths.amsynth import Amsynth
from timbrel.synths.patch import CATEGORIES
from timbrel.synths.subtractive.factory import factory_banks

SAYS = {
    "bass": "BriansBass07, Kick Bass, BA Deepness, [BA] Deep, BA01, bs 2, SlapBasss4, Basses",
    "lead": "Ld Saw, LD Rain, saw_lead_3, Formant Synth Lead, TrumpetSolo, Bassoon, StrangeWhistle",
    "pad": "PD_Warm, String Pad, Pad 7, SoftPad, PadWithBells, Winter Choir, pd Brass pad",
    "fx": "FX 3, Rain on the Roof, SickAmbulance, JustAddNoise, sfx bass drop fx",
    "keys": "epno2, E.Piano 1, EPclean, FMbells, FMClearBells, C-C-Clavi, Steel Drums, Music Box",
    "pluck": "Koto Rain, Electric Harp, Nylon Strings, PLUCK! 12, Rythm E-Guitar, Banjo in Wind",
    "brass": "PIANO-BRASS, Horn Sweep, OldenHorns5, Brs Stab, Fanfare001",
    "strings": "Warm Str, Synth Strings 1, String in the Wind, ST Slow, 1st Violin",
    "organ": "Clari Organ, V+B Organ, StellarDrawbars, Perc Organ, Pipe Organ",
    "drum": "Bass Drum, BD 808, Light Kick, Perc 2, Open Hat",
    "sequence": "Pluck Sequence 1, Rave Seq, arpX, For Arps, SQ Bass",
    "other": "Jaw Harp",
}
SAYS_NOTHING = (
    "Bassist", "Strange", "Padlock", "padlock", "Pleading", "Organic", "Sharp", "Harpoon", "Leader",
    "Keystone", "Kickstart", "Seat", "Stringent", "Tombola", "Hatred", "OR ELSE", "LE GRAND",
    "Dr Who", "Star Bright", "Baby", "303", "", "é", "___",
)  # fmt: skip


@pytest.mark.parametrize("category", CATEGORIES)
def test_names_say_a_category(category: str) -> None:
    found = {name: category_of_name(name) for name in SAYS[category].split(", ")}
    wrong = {name: said for name, said in found.items() if said != category}
    assert not wrong


def test_a_part_of_a_word_says_nothing() -> None:
    found = {name: category_of_name(name) for name in SAYS_NOTHING}
    assert found == dict.fromkeys(SAYS_NOTHING)


def test_names_that_speak_agree_with_who_made_the_patches() -> None:
    said = [
        (category_of_name(patch.name), patch.category)
        for _, patches in factory_banks()
        for patch in patches
    ]
    speaking = [found == category for found, category in said if found]
    assert 70 <= len(speaking) <= 130
    assert sum(speaking) / len(speaking) > 0.75


@pytest.mark.needs("amsynth")
def test_a_quarter_of_amsynths_names_speak() -> None:
    names = [patch.name for _, patches in Amsynth().factory_banks() for patch in patches]
    count = Counter(map(category_of_name, names))
    assert 0.2 < 1 - count[None] / len(names) < 0.35
    assert set(count) >= set(CATEGORIES) - {"other"}


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_a_name(name: str) -> None:
    assert category_of_name(name) in (None, *CATEGORIES)
