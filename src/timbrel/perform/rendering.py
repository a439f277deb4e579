"""Notes of a score as audio: in batches of like length, equal notes rendered once.

Where an instrument can play a note differently each time, an equal note is rendered `N_TAKES` times
and its takes follow each other, so that repeated notes are no machine guns.
"""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.envelope import adsr
from timbrel.instruments import Instrument
from timbrel.midi import ScoreNote
from timbrel.perform.lines import PhrasePlayer
from timbrel.perform.parts import Part, PartSound
from timbrel.sound import Notes, Rendered

_log = logging.getLogger(__name__)

BATCH_NOTES = 32
BATCH_SAMPLES = 1 << 22
"""Most samples of a batch, padding included: it bounds memory when notes are long."""

CACHE_BYTES = 1 << 26
N_TAKES = 4
"""Of equal notes; more cost more time, and nobody counts so far."""

_TAIL_S = 1.0
"""What a note may sound on after its key is up, for the size of batches only."""


@dataclass(frozen=True)
class Placed:
    """A note, who plays it, on which bus it goes, and the notes that are slurred to it."""

    note: ScoreNote
    part: Part
    bus: int
    slurred: tuple[ScoreNote, ...] = ()

    @property
    def notes(self) -> tuple[ScoreNote, ...]:
        """All of its notes."""
        return self.note, *self.slurred


class _Key(NamedTuple):
    """What makes two notes sound the same."""

    sound: PartSound
    pitch: float
    velocity: float
    duration_s: float
    bend: tuple[float, ...] | None
    take: int


class NoteRenderer:
    """Renders notes; remembers the latest ones, since music repeats itself.

    Attributes:
        rendered: how many notes instruments have rendered.

    Args:
        seed: of all takes: with the same one the same notes sound the same, to the bit.
    """

    def __init__(self, seed: int = 0) -> None:
        self.rendered = 0
        self._seed = seed
        self._played: Counter[_Key] = Counter()
        self._phrases = PhrasePlayer()
        self._cache: OrderedDict[_Key, Tensor] = OrderedDict()
        self._cached_bytes = 0
        self._sounds: dict[int, PartSound] = {}

    def render(
        self, notes: Iterable[Placed]
    ) -> Iterator[tuple[Float[Tensor, " time"], list[Placed]]]:
        """The audio of each distinct note, with all the notes that it serves.

        Notes come in the order in which they are played.
        """
        uses: dict[_Key, list[Placed]] = {}
        for placed in notes:
            if placed.slurred:
                yield self._slur(placed), [placed]
            else:
                uses.setdefault(self._key(placed), []).append(placed)
        missing = []
        for key, placed in uses.items():
            if key in self._cache:
                self._cache.move_to_end(key)
                yield self._cache[key], placed
            else:
                missing.append(key)
        parts = {key: uses[key][0].part for key in missing}
        for batch in _batches(missing, parts):
            rendered = _play(batch, parts, self._seed)
            self.rendered += len(batch)
            for key, audio in zip(batch, rendered, strict=True):
                self._remember(key, audio)
                yield audio, uses[key]

    def _slur(self, placed: Placed) -> Float[Tensor, " time"]:
        self.rendered += len(placed.notes)
        audio, part = self._phrases.play(placed.part, placed.notes), placed.part
        if part.envelope is None:
            return audio
        held_s = max(note.end_s for note in placed.notes) - placed.note.onset_s
        rate = part.instrument.sample_rate
        rendered = Rendered(audio[None], torch.tensor([len(audio)]), rate)
        return next(iter(_shaped(rendered, Notes.of(60, duration_s=held_s), part)))

    def _key(self, placed: Placed) -> _Key:
        """A tenth of a millisecond is no difference; a wheel at rest is only another pitch."""
        note, part = placed.note, placed.part
        if id(part) not in self._sounds:
            self._sounds[id(part)] = part.sound()
        sound = self._sounds[id(part)]
        pitch, bend = _bent(note.pitch, note.bend_semitones, part.instrument)
        pitch = min(max(pitch, 0.0), 127.0)
        duration_s = max(round(note.duration_s, 4), 1e-3)
        key = _Key(sound, pitch, note.velocity, duration_s, bend, take=0)
        return self._next_take(key) if part.instrument.can("takes") else key

    def _next_take(self, key: _Key) -> _Key:
        take = self._played[key] % N_TAKES
        self._played[key] += 1
        return key._replace(take=take)

    def _remember(self, key: _Key, audio: Tensor) -> None:
        self._cache[key] = audio.clone()  # a copy: a view would keep its whole batch
        self._cached_bytes += audio.nbytes
        while self._cached_bytes > CACHE_BYTES:
            self._cached_bytes -= self._cache.popitem(last=False)[1].nbytes


def _bent(
    pitch: float, bend: tuple[float, ...] | None, instrument: Instrument
) -> tuple[float, tuple[float, ...] | None]:
    """Pitch and bend as an instrument can play them: too far a bend begins from its middle."""
    if bend is None:
        return pitch, None
    if len(set(bend)) == 1 or not instrument.can("bend"):
        return pitch + sum(bend) / len(bend), None
    furthest = instrument.furthest_bend
    if max(map(abs, bend)) <= furthest:
        return pitch, bend
    middle = 0.5 * (min(bend) + max(bend))
    return pitch + middle, tuple(min(max(b - middle, -furthest), furthest) for b in bend)


def _batches(keys: Sequence[_Key], parts: dict[_Key, Part]) -> Iterator[list[_Key]]:
    """Keys of one instrument together, sorted by duration so that little is padded."""
    # a batch shares the instrument, its controls, the envelope and the take; timbres may differ
    groups: dict[tuple[PartSound, int], list[_Key]] = {}
    for key in keys:
        groups.setdefault((key.sound._replace(timbre=b""), key.take), []).append(key)
    for group in groups.values():
        batch: list[_Key] = []
        for key in sorted(group, key=lambda key: key.duration_s):
            sample_rate = parts[key].instrument.sample_rate
            samples = (len(batch) + 1) * (key.duration_s + _TAIL_S) * sample_rate
            if batch and (len(batch) == BATCH_NOTES or samples > BATCH_SAMPLES):
                yield batch
                batch = []
            batch.append(key)
        yield batch


@torch.no_grad()
def _play(batch: Sequence[_Key], parts: dict[_Key, Part], seed: int) -> Rendered:
    part = parts[batch[0]]
    notes = Notes(
        torch.tensor([key.pitch for key in batch], dtype=torch.float32),
        torch.tensor([key.velocity for key in batch], dtype=torch.float32),
        torch.tensor([key.duration_s for key in batch], dtype=torch.float32),
        _bends(batch),
    )
    timbre = torch.stack([parts[key].timbre for key in batch])
    generator = None
    if part.instrument.can("takes"):
        generator = torch.Generator().manual_seed(seed * N_TAKES + batch[0].take)
    rendered = part.instrument.render(notes, timbre, part.controls, generator=generator)
    audio = rendered.audio
    if not part.instrument.can("velocity"):
        audio = audio * notes.velocity[:, None]
    if not bool(audio.isfinite().all()):
        _log.warning("%s rendered samples that are not finite", part.instrument.family)
        audio = audio.nan_to_num(0.0, 0.0, 0.0)
    rendered = Rendered(audio, rendered.lengths, rendered.sample_rate)
    return rendered if part.envelope is None else _shaped(rendered, notes, part)


def _bends(batch: Sequence[_Key]) -> Float[Tensor, "notes points"] | None:
    """The bends side by side, each held on at its last point."""
    curves = [key.bend or (0.0,) for key in batch]
    longest = max(map(len, curves))
    if not any(key.bend for key in batch):
        return None
    return torch.tensor([[*curve, *curve[-1:] * (longest - len(curve))] for curve in curves])


def _shaped(rendered: Rendered, notes: Notes, part: Part) -> Rendered:
    """The notes under their part's envelope, ending where it ends."""
    shape, sample_rate = part.envelope, rendered.sample_rate
    assert shape is not None
    levels = adsr(notes.duration_s, sample_rate, shape, length=rendered.audio.shape[1])
    ends = ((notes.duration_s + shape.release_s) * sample_rate).ceil().long()
    lengths = torch.minimum(rendered.lengths, ends)
    return Rendered(rendered.audio * levels, lengths, sample_rate)
