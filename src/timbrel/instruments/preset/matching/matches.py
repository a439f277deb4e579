"""The patch behind a sound: guessed, rendered, compared, and refined for as long as there is time.

    target --network--> an answer: the likeliest patch, and some that are nearly as likely
           --bank-----> the patches that sound nearest by the tone matcher
           --feedback-> patches that users said are right for such sounds
      all rendered, and judged by how near they come; then `search` goes on from the nearest

Without time for that, the nearest of the answers is what is found.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.errors import SynthFailed
from timbrel.instruments.preset.answers import (
    Answer,
    around,
    drawn,
    likeliest,
    nothing_known,
)
from timbrel.instruments.preset.hearing.heard import HOLD_S
from timbrel.instruments.preset.hearing.target import TYPICAL_VELOCITY, Target
from timbrel.instruments.preset.matching.candidates import Guess, Match, distinct
from timbrel.instruments.preset.matching.finishing import measured
from timbrel.instruments.preset.matching.judging import Judge
from timbrel.instruments.preset.matching.search import search
from timbrel.instruments.preset.network import PresetNetwork
from timbrel.instruments.preset.rendering import attempted
from timbrel.sound import Notes
from timbrel.synths import Synth

Liking = Callable[[Float[Tensor, "batch params"]], Float[Tensor, " batch"]]
"""By how many dB patches are liked more than they sound near."""

N_DRAWN = 15
"""Patches that are tried beside the likeliest."""

_HOLDS = (0.5, 0.75, 1.0)
"""When the key may have come up, as shares of the sound's length, beside what the network says."""


def match(
    synth: Synth,
    network: PresetNetwork | None,
    target: Target,
    seconds: float,
    *,
    also: Sequence[Guess] = (),
    liked_db: Liking | None = None,
    count: int = 1,
    generator: torch.Generator | None = None,
) -> list[Match]:
    """The nearest patches, best first.

    Args:
        synth: that is to make the sound.
        network: what was learned of it; None searches from nothing.
        target: the sound.
        seconds: for all of it, once the synthesizer plays; 0 ends when the guesses were heard.
        also: other patches to try.
        liked_db: what is taken off the distances of patches before they are compared.
        count: how many are wanted.
        generator: of what is tried; the same at every call by default.

    Raises:
        SynthFailed: a plug-in plays none of the patches that are guessed.
    """
    generator = generator or torch.Generator().manual_seed(0)
    _wake(synth)
    end = time.monotonic() + seconds
    space = synth.parameters.space
    answer = _answer(synth, network, target)
    distances, liked_db = _Distances(synth, Judge(target.audio)), liked_db or _indifferent
    guesses = [*_guesses(synth, network, answer, generator), *also]
    vectors = torch.stack([guess.vector for guess in guesses])
    note = _likeliest_note(distances, guesses[0], target, float(answer.held_s[0]))
    judged = distances.of(vectors, note)
    plays = judged.isfinite()
    if not bool(plays.any()):
        raise SynthFailed(f"{synth.name} plays none of {len(vectors)} patches")
    order = (judged - liked_db(vectors)).argsort(stable=True)
    order, liked = order[plays[order]].tolist(), liked_db(vectors).tolist()
    found = [
        Match(guesses[i].vector, note, float(judged[i]), guesses[i].by, liked[i]) for i in order
    ]

    def wanted(some: Tensor) -> Tensor:
        return distances.of(some, note) - liked_db(some)

    begin = around(space, found[0].vector, answer)
    refined = search(space, begin, wanted, end - time.monotonic(), generator)
    if refined is not None:
        bonus = float(liked_db(refined.vector[None]))
        found.append(Match(refined.vector, note, refined.distance + bonus, "search", bonus))
    return distinct(sorted(found, key=lambda one: one.counted_db), synth)[:count]


def first_word(synth: Synth, network: PresetNetwork, target: Target) -> Match:
    """The likeliest patch by the network, of which nothing was rendered."""
    answer = _answer(synth, network, target)
    note = Notes.of(target.pitch, TYPICAL_VELOCITY, max(float(answer.held_s[0]), 0.01))
    vector = likeliest(synth.parameters.space, answer)[0]
    return Match(vector, note, float("nan"), "network")


def _wake(synth: Synth) -> None:
    """Have its code compiled, or its plug-in loaded, which can take longer than a search."""
    note = Notes.of(60.0, TYPICAL_VELOCITY, 0.1)
    list(synth.render_each(synth.parameters.defaults[None], note, longest_s=0.1))


def _indifferent(vectors: Tensor) -> Tensor:
    return torch.zeros(len(vectors))


def as_match(synth: Synth, guess: Guess, target: Target) -> Match:
    """A patch that somebody has for a sound: the note that explains it, and how far it is."""
    distances = _Distances(synth, Judge(target.audio))
    note = _likeliest_note(distances, guess, target, target.length_s)
    return measured(synth, [Match(guess.vector, note, float("nan"), guess.by)], target.audio)[0]


class _Distances:
    """How far patches are from what a judge wants to hear."""

    def __init__(self, synth: Synth, judge: Judge) -> None:
        self._synth, self._judge = synth, judge

    def of(self, vectors: Float[Tensor, "batch params"], notes: Notes) -> Float[Tensor, " batch"]:
        """Of patches that play one note, or one each; infinite where the synthesizer failed."""
        many = notes if len(notes) == len(vectors) else notes[torch.zeros(len(vectors)).long()]
        return self._judge(attempted(self._synth, vectors, many))


def _answer(synth: Synth, network: PresetNetwork | None, target: Target) -> Answer:
    if network is None:
        return nothing_known(synth.parameters.space, min(target.length_s, HOLD_S))
    with torch.no_grad():
        return network.answer(target.heard, torch.tensor([target.pitch]))


def _guesses(
    synth: Synth, network: PresetNetwork | None, answer: Answer, generator: torch.Generator | None
) -> list[Guess]:
    """What the network says, or, of nothing, the patch of untouched knobs."""
    if network is None:
        return [Guess(synth.parameters.defaults, "default")]
    space = synth.parameters.space
    others = drawn(space, answer, N_DRAWN, generator)
    return [
        Guess(likeliest(space, answer)[0], "network"),
        *(Guess(vector, "network, drawn") for vector in others),
    ]


def _likeliest_note(distances: _Distances, guess: Guess, target: Target, held_s: float) -> Notes:
    """The note whose hold explains the target best."""
    holds = [held_s, *(share * target.length_s for share in _HOLDS)]
    notes = Notes.of(
        [target.pitch] * len(holds), TYPICAL_VELOCITY, [max(hold, 0.01) for hold in holds]
    )
    judged = distances.of(guess.vector.expand(len(holds), -1), notes)
    best = int(judged.argmin())
    return notes[best : best + 1]
