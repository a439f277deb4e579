"""What a sound shall become, in words: "brighter", "more percussive", "like this but a bit softer".

A wish is a step for each descriptor, in standard deviations over patches.
"""

from __future__ import annotations

import difflib
import re
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.errors import BadInput
from timbrel.instruments.preset.hearing.descriptors import DESCRIPTORS


class Word(NamedTuple):
    """What a word asks for.

    Attributes:
        positive, comparative: the word, as in "more bright" and "brighter".
        steps: of descriptors, by their names.
    """

    positive: str
    comparative: str
    steps: dict[str, float]


WORDS = (
    Word("bright", "brighter", {"brightness": 1.0}),
    Word("dark", "darker", {"brightness": -1.0}),
    Word("full", "fuller", {"bass": 1.0}),
    Word("thin", "thinner", {"bass": -1.0}),
    Word("rich", "richer", {"richness": 1.0}),
    Word("plain", "plainer", {"richness": -1.0}),
    Word("noisy", "noisier", {"noisiness": 1.0}),
    Word("pure", "purer", {"noisiness": -1.0}),
    Word("slow", "slower", {"attack": 1.0}),
    Word("quick", "quicker", {"attack": -1.0}),
    Word("plucked", "pluckier", {"decay": 1.0}),
    Word("sustained", "steadier", {"decay": -1.0}),
    Word("lively", "livelier", {"movement": 1.0}),
    Word("calm", "calmer", {"movement": -1.0}),
    Word("long", "longer", {"tail": 1.0}),
    Word("short", "shorter", {"tail": -1.0}),
    Word("percussive", "punchier", {"decay": 0.9, "attack": -0.5}),
    Word("soft", "softer", {"brightness": -0.8, "attack": 0.6}),
    Word("hard", "harder", {"brightness": 0.8, "attack": -0.6}),
    Word("mellow", "mellower", {"brightness": -0.7, "richness": -0.7}),
    Word("aggressive", "rougher", {"brightness": 0.6, "richness": 0.6, "noisiness": 0.5}),
    Word("airy", "airier", {"noisiness": 0.7, "tail": 0.7}),
    Word("dry", "drier", {"tail": -1.0}),
    Word("bass", "bassier", {"bass": 1.0}),
    Word("noise", "hissier", {"noisiness": 1.0}),
    Word("movement", "wobblier", {"movement": 1.0}),
    Word("fast", "faster", {"attack": -1.0}),
    Word("warm", "warmer", {"brightness": -0.7, "bass": 0.5}),
)

_LENGTHS = {
    "attack": {"longer": "slower", "shorter": "quicker", "faster": "quicker"},
    "decay": {"longer": "steadier", "slower": "steadier", "shorter": "pluckier",
              "faster": "pluckier", "quicker": "pluckier"},
    "release": {"slower": "longer", "faster": "shorter", "quicker": "shorter"},
    "tail": {},
}  # fmt: skip
"""What is said of a part of a note, in words for the whole of it."""

_LOUDNESS = {"loud", "louder", "quiet", "quieter"}

_AMOUNTS = {
    "slightly": 0.5, "a bit": 0.5, "a little": 0.5, "somewhat": 0.5,
    "much": 2.0, "far": 2.0, "a lot": 2.0, "very": 2.0,
}  # fmt: skip
_SIGNS = {"more": 1.0, "less": -1.0}
_NEGATIONS = ("not", "no", "without", "never")
_BETWEEN = re.compile(r"[,;.!]|\band\b|\bbut\b")
_IDLE = re.compile(r"\b(like this|make it|the same|it|sound|sounding|please)\b")


def wish_of(text: str) -> Float[Tensor, " descriptors"]:
    """The steps that words ask for.

    Raises:
        BadInput: a word is not known, or nothing is asked for.

    >>> steps = wish_of("much brighter, but less noisy")
    >>> [(d.name, float(s)) for d, s in zip(DESCRIPTORS, steps) if s]
    [('brightness', 2.0), ('noisiness', -1.0)]
    """
    wish = torch.zeros(len(DESCRIPTORS))
    phrases = [_IDLE.sub(" ", phrase).strip() for phrase in _BETWEEN.split(text.lower())]
    for phrase in filter(None, phrases):
        amount, word = _amount_and_word(phrase)
        for number, descriptor in enumerate(DESCRIPTORS):
            wish[number] += amount * _known(word).steps.get(descriptor.name, 0.0)
    if not bool(wish.any()):
        raise BadInput(f"{text!r} asks for no change: say what, such as {_EXAMPLE}")
    return wish


def _amount_and_word(phrase: str) -> tuple[float, str]:
    amount = 1.0
    for word, times in _AMOUNTS.items():
        shorter = re.sub(rf"\b{word}\b", " ", phrase)
        amount, phrase = (amount * times, shorter) if shorter != phrase else (amount, phrase)
    first, _, rest = phrase.strip().partition(" ")
    if first in _NEGATIONS:
        raise BadInput(f"{phrase.strip()!r} may mean two things: say 'less bright', or 'darker'")
    if first in _SIGNS:
        return amount * _SIGNS[first], rest.strip()
    return amount, phrase.strip()


_BY_NAME = {name: word for word in WORDS for name in (word.positive, word.comparative)}
_EXAMPLE = '"brighter, but a bit softer"'


def _known(word: str) -> Word:
    adjective, _, part = word.partition(" ")
    if not word:
        raise BadInput(f"how much is said, but not of what: say it like {_EXAMPLE}")
    word = _LENGTHS[part].get(adjective, adjective) if part in _LENGTHS else word
    if word in _BY_NAME:
        return _BY_NAME[word]
    if word in _LOUDNESS:
        raise BadInput(f"{word!r} is no change of timbre: what is suggested is as loud as before")
    near = difflib.get_close_matches(word, _BY_NAME, n=3, cutoff=0.6)
    meant = f"do you mean {' or '.join(near)}?" if near else f"say it like {_EXAMPLE}"
    raise BadInput(f"{word!r} is no word for a sound that is known here: {meant}")
