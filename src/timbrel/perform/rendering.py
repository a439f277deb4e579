"""Notes of a score as audio: in batches of like length, equal notes rendered once."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.envelope import adsr
from timbrel.midi import ScoreNote
from timbrel.perform.parts import Part, PartSound
from timbrel.sound import Notes, Rendered

_log = logging.getLogger(__name__)

BATCH_NOTES = 32
BATCH_SAMPLES = 1 << 22
"""Most samples of a batch, padding included: it bounds memory when notes are long."""

CACHE_BYTES = 1 << 26
_TAIL_S = 1.0
"""What a note may sound on after its key is up, for the size of batches only."""


@dataclass(frozen=True)
class Placed:
    """A note, who plays it, and on which bus it goes."""

    note: ScoreNote
    part: Part
    bus: int


class _Key(NamedTuple):
    """What makes two notes sound the same."""

    sound: PartSound
    pitch: float
    velocity: float
    duration_s: float
    bend: tuple[float, ...] | None


class NoteRenderer:
    """Renders notes; remembers the latest ones, since music repeats itself.

    Attributes:
        rendered: how many notes instruments have rendered.
    """

    def __init__(self) -> None:
        self.rendered = 0
        self._cache: OrderedDict[_Key, Tensor] = OrderedDict()
        self._cached_bytes = 0
        self._sounds: dict[int, PartSound] = {}

    def render(
        self, notes: Iterable[Placed]
    ) -> Iterator[tuple[Float[Tensor, " time"], list[Placed]]]:
        """The audio of each distinct note, with all the notes that it serves."""
        uses: dict[_Key, list[Placed]] = {}
        for placed in notes:
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
            rendered = _play(batch, parts)
            self.rendered += len(batch)
            for key, audio in zip(batch, rendered, strict=True):
                self._remember(key, audio)
                yield audio, uses[key]

    def _key(self, placed: Placed) -> _Key:
        """A tenth of a millisecond is no difference; a wheel at rest is only another pitch."""
        note, part = placed.note, placed.part
        if id(part) not in self._sounds:
            self._sounds[id(part)] = part.sound()
        sound = self._sounds[id(part)]
        pitch, bend = note.pitch, note.bend_semitones
        if bend is not None and (len(set(bend)) == 1 or not part.instrument.can("bend")):
            pitch, bend = pitch + sum(bend) / len(bend), None
        pitch = min(max(pitch, 0.0), 127.0)
        return _Key(sound, pitch, note.velocity, max(round(note.duration_s, 4), 1e-3), bend)

    def _remember(self, key: _Key, audio: Tensor) -> None:
        self._cache[key] = audio.clone()  # a copy: a view would keep its whole batch
        self._cached_bytes += audio.nbytes
        while self._cached_bytes > CACHE_BYTES:
            self._cached_bytes -= self._cache.popitem(last=False)[1].nbytes


def _batches(keys: Sequence[_Key], parts: dict[_Key, Part]) -> Iterator[list[_Key]]:
    """Keys of one instrument together, sorted by duration so that little is padded."""
    # a batch shares the instrument, its controls and the envelope; the timbres may differ
    groups: dict[PartSound, list[_Key]] = {}
    for key in keys:
        groups.setdefault(key.sound._replace(timbre=b""), []).append(key)
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
def _play(batch: Sequence[_Key], parts: dict[_Key, Part]) -> Rendered:
    part = parts[batch[0]]
    notes = Notes(
        torch.tensor([key.pitch for key in batch], dtype=torch.float32),
        torch.tensor([key.velocity for key in batch], dtype=torch.float32),
        torch.tensor([key.duration_s for key in batch], dtype=torch.float32),
        _bends(batch),
    )
    timbre = torch.stack([parts[key].timbre for key in batch])
    rendered = part.instrument.render(notes, timbre, part.controls)
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
