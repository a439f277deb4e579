"""Parts that play legato: which of their notes are slurred, and how these sound.

    notes      |---a---|                |-e-|      touching or overlapping: slurred
                     |--b--|  |-c-|     |-f-|      beginning together: a chord, as usual
    phrases     a b            c         e, f

A phrase is played by the instrument's player, from one key to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from operator import itemgetter

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.midi import ScoreNote
from timbrel.perform.parts import Part
from timbrel.sound.line import Line
from timbrel.sound.notes import BEND_RATE
from timbrel.sound.playing import Player

_REACH_S = 0.02
"""A rest between slurred notes that is no rest: fingers and quantisers leave as much."""

_TOGETHER_S = 0.03
_GAIN_MOVES_S = 0.02
_BLOCK_S = 0.1
_LONGEST_TAIL_S = 30.0
_N_VOICES = 2


def phrases(notes: Sequence[ScoreNote]) -> Iterator[tuple[ScoreNote, ...]]:
    """Notes by onset, parted into runs that are slurred; most runs of chords are of one note.

    >>> a, b, c = (ScoreNote(60 + i, 0.8, 0.5 * i, d) for i, d in enumerate((0.6, 0.4, 0.5)))
    >>> [len(phrase) for phrase in phrases([a, b, c])]
    [2, 1]
    """
    phrase: list[ScoreNote] = []
    end_s = 0.0
    in_chord = _chords(notes)
    for i, note in enumerate(notes):
        touches = bool(phrase) and note.onset_s <= end_s + _REACH_S
        is_slurred = touches and not (in_chord[i] or in_chord[i - 1])
        # a key that is struck again is heard as struck
        if not is_slurred or note.pitch == phrase[-1].pitch:
            if phrase:
                yield tuple(phrase)
            phrase, end_s = [], 0.0
        phrase.append(note)
        end_s = max(end_s, note.end_s)
    if phrase:
        yield tuple(phrase)


def _chords(notes: Sequence[ScoreNote]) -> list[bool]:
    """Whether each note begins together with another."""
    found = [False] * len(notes)
    for i, (note, later) in enumerate(pairwise(notes)):
        if later.onset_s - note.onset_s < _TOGETHER_S:
            found[i] = found[i + 1] = True
    return found


class PhrasePlayer:
    """Plays the phrases of parts, each part by a player of its own, one phrase after the other."""

    def __init__(self) -> None:
        self._players: dict[int, Player] = {}

    def play(self, part: Part, notes: Sequence[ScoreNote]) -> Float[Tensor, " time"]:
        """A phrase from its first onset until it has died away; levels are as to its first note.

        The same phrases in the same order sound the same.
        """
        player = self._player_of(part)
        line, begin_s, done = Line(player), notes[0].onset_s, 0
        pieces = []
        for time_s, _, act in _script(notes, player, line):
            at = max(round((time_s - begin_s) * player.sample_rate), done)
            pieces += _heard(player, at - done)
            done = at
            act()
        audio = np.concatenate([*pieces, *_tail(player)])
        return torch.from_numpy(audio * _gains(notes, len(audio), player.sample_rate))

    def _player_of(self, part: Part) -> Player:
        if id(part) not in self._players:
            player = part.instrument.player(_N_VOICES, part.instrument.sample_rate)
            player.set_timbre(part.timbre)
            for control, value in (part.controls or {}).items():
                player.set(control, value)
            self._players[id(part)] = player
        return self._players[id(part)]


def _script(
    notes: Sequence[ScoreNote], player: Player, line: Line
) -> list[tuple[float, int, Callable[[], None]]]:
    """What is done when: bends, then keys that go down, then those that come up."""
    script: list[tuple[float, int, Callable[[], None]]] = []
    nexts_s = [*(note.onset_s for note in notes[1:]), notes[-1].end_s]
    for number, (note, next_s) in enumerate(zip(notes, nexts_s, strict=True)):
        key_down = partial(line.note_on, number, note.pitch, note.velocity)
        script.append((note.onset_s, 1, key_down))
        # a finger that leaves a little early stays: what is slurred does not end before
        script.append((max(note.end_s, next_s), 2, partial(line.release, [number])))
        for i, bend in enumerate(note.bend_semitones or (0.0,)):
            if (time_s := note.onset_s + i / BEND_RATE) < next_s:
                script.append((time_s, 0, partial(player.bend, bend)))
    return sorted(script, key=itemgetter(0, 1))


def _heard(player: Player, length: int) -> Iterator[Float[np.ndarray, " time"]]:
    """The next samples, in pieces."""
    piece = max(1, round(_BLOCK_S * player.sample_rate))
    for begin in range(0, length, piece):
        out = np.zeros(min(piece, length - begin), np.float32)
        player.process(out)
        yield out


def _tail(player: Player) -> Iterator[Float[np.ndarray, " time"]]:
    """What sounds on after the last key came up."""
    for _ in range(round(_LONGEST_TAIL_S / _BLOCK_S)):
        if not player.active_voices:
            return
        yield from _heard(player, round(_BLOCK_S * player.sample_rate))
    player.silence()
    yield from _heard(player, round(_BLOCK_S * player.sample_rate))


def _gains(notes: Sequence[ScoreNote], length: int, sample_rate: int) -> np.ndarray:
    """Amplitude of each sample re the first note's: what each adds to the score's level."""
    first = notes[0]
    times_s, gains_db = [0.0], [0.0]
    for note in notes[1:]:
        since_s = note.onset_s - first.onset_s
        times_s += [since_s, since_s + _GAIN_MOVES_S]
        gains_db += [gains_db[-1], note.gain_db - first.gain_db]
    if not any(gains_db):
        return np.ones(1, np.float32)
    curve_db = np.interp(np.arange(length) / sample_rate, times_s, gains_db)
    return (10 ** (curve_db / 20)).astype(np.float32)
