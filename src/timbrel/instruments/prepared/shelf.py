"""The notes that a prepared player plays from, and the thread that prepares them.

The thread that makes the sound only reads `ready`, a dictionary that is replaced and never
changed, and leaves its wishes in `needs` and `recent`; neither thread ever waits for the other.
The preparing thread serves needs first, then the keyboard around what was played last.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import threading
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from timbrel.audio import resample
from timbrel.dsp.looping import make_looped
from timbrel.dsp.sampler import Looped
from timbrel.sound import Notes

if TYPE_CHECKING:
    from timbrel.instruments.instrument import Instrument

_log = logging.getLogger(__name__)

PITCH_STEP = 3
"""Semitones between prepared notes: the nearest is at most half as far from any key."""

VELOCITIES = (0.4, 0.9)
"""How hard prepared notes are struck."""

HOLD_S = 3.0
"""How long they are held; what comes after is a loop."""

SHELF_BYTES = 256 << 20
_LOWEST, _HIGHEST = 21, 108
_REACH = 8
_AT_ONCE = 4
_IDLE_S = 0.005


@dataclass(frozen=True)
class Flavour:
    """What a note sounds like apart from its key: a timbre, and where the controls stand."""

    timbre: bytes
    controls: tuple[tuple[str, float], ...] = ()

    @classmethod
    def of(cls, timbre: Tensor, controls: Mapping[str, float]) -> Flavour:
        """The flavour of a timbre with these controls."""
        return cls(timbre.detach().cpu().float().numpy().tobytes(), tuple(controls.items()))

    def vector(self) -> Tensor:
        """The timbre."""
        return torch.from_numpy(np.frombuffer(self.timbre, np.float32).copy())


class Key(NamedTuple):
    """A note of the grid."""

    flavour: Flavour
    pitch: int
    velocity: float

    @classmethod
    def nearest(cls, flavour: Flavour, pitch: float, velocity: float) -> Key:
        """The grid's note that comes nearest to a key struck so hard."""
        struck = min(VELOCITIES, key=lambda v: abs(v - velocity))
        return cls(flavour, min(PITCH_STEP * round(pitch / PITCH_STEP), 126), struck)

    def struck(self, velocity: float) -> Key:
        """The same note struck otherwise."""
        return self._replace(velocity=velocity)


class Prepared(NamedTuple):
    """A note that can be played.

    Attributes:
        looped: its sound at the player's rate.
        level: RMS of its loudest part.
        serial: the higher, the later it was prepared.
    """

    looped: Looped
    level: float
    serial: int


class Shelf:
    """Prepared notes of one instrument at one sample rate, the least used ones forgotten.

    Attributes:
        ready: what can be played now.
        needs: what sounds from a makeshift and is wanted most; set by the player.
        recent: keys played last, the latest first; set by the player.
        problem: why a note could not be rendered, the latest; empty where all is well.

    Args:
        instrument: that renders the notes.
        sample_rate: of the prepared notes.
        background: whether a thread prepares them; without one `prepare` does.
        most_bytes: memory that they may take.
    """

    def __init__(
        self,
        instrument: Instrument,
        sample_rate: int,
        *,
        background: bool = True,
        most_bytes: int = SHELF_BYTES,
    ) -> None:
        self.ready: Mapping[Key, Prepared] = {}
        self.needs: tuple[Key, ...] = ()
        self.recent: tuple[Key, ...] = ()
        self.problem = ""
        self._instrument = instrument
        self._sample_rate = sample_rate
        self._most_bytes = most_bytes
        self._failed: set[Key] = set()
        self._serial = 0
        self._preparing = threading.Lock()
        self._closed = threading.Event()
        if background:
            self._thread = threading.Thread(
                target=_work, args=(weakref.ref(self), self._closed), daemon=True,
                name="prepare notes",
            )  # fmt: skip
            atexit.register(_close, weakref.ref(self._thread), self._closed)
            self._thread.start()
        weakref.finalize(self, self._closed.set)

    def prepare(self, keys: Sequence[Key]) -> None:
        """Have these notes ready when it returns; not for the thread that makes the sound.

        Raises:
            TimbrelError: the instrument cannot render them.
        """
        with self._preparing:
            missing = [key for key in dict.fromkeys(keys) if key not in self.ready]
            for flavour in dict.fromkeys(key.flavour for key in missing):
                self._render([key for key in missing if key.flavour == flavour])

    def prepare_next(self) -> bool:
        """Prepare what is wanted most; whether anything was."""
        keys = list(islice(self._wanted(), _AT_ONCE if self.needs else 1))
        keys = [key for key in keys if key.flavour == keys[0].flavour]
        try:
            self.prepare(keys)
        except Exception as error:
            # the player goes on with what there is; the note is not tried again
            self.problem = f"{type(error).__name__}: {error}"
            self._failed.update(keys)
            _log.warning("cannot prepare %d notes: %s", len(keys), self.problem)
        return bool(keys)

    def _wanted(self) -> Iterator[Key]:
        ready, failed = self.ready, self._failed
        for key in (*self.needs, *self.around()):
            if key not in ready and key not in failed:
                yield key

    def around(self) -> Iterator[Key]:
        """The keyboard around what was played last, nearest first."""
        recent = self.recent
        for distance in range(_REACH + 1):
            for key in recent:
                for pitch in {key.pitch - PITCH_STEP * distance, key.pitch + PITCH_STEP * distance}:
                    if _LOWEST <= pitch <= _HIGHEST:
                        for velocity in sorted(VELOCITIES, key=lambda v: abs(v - key.velocity)):
                            yield Key(key.flavour, pitch, velocity)

    def _render(self, keys: Sequence[Key]) -> None:
        flavour = keys[0].flavour
        notes = Notes.of([k.pitch for k in keys], [k.velocity for k in keys], HOLD_S)
        with torch.inference_mode():
            rendered = self._instrument.render(notes, flavour.vector(), dict(flavour.controls))
        ready = dict(self.ready)
        for key, audio in zip(keys, rendered, strict=True):
            self._serial += 1
            ready[key] = self._made_ready(audio)
        self.ready = self._trimmed(ready, set(keys))

    def _made_ready(self, audio: Tensor) -> Prepared:
        there = resample(audio, self._instrument.sample_rate, self._sample_rate)
        samples = np.nan_to_num(there.numpy(), posinf=0.0, neginf=0.0)
        looped = make_looped(samples, round(HOLD_S * self._sample_rate), self._sample_rate)
        frames = samples[: len(samples) // 1024 * 1024].reshape(-1, 1024)
        level = float(np.sqrt(np.square(frames).mean(1).max(initial=1e-12)))
        return Prepared(looped, level, self._serial)

    def _trimmed(self, ready: dict[Key, Prepared], new: set[Key]) -> dict[Key, Prepared]:
        """The same within the memory allowed: old flavours go first, then the oldest notes."""
        kept = new | set(self.needs)
        current = {key.flavour for key in (*self.recent, *self.needs)}
        total = sum(note.looped.audio.nbytes for note in ready.values())
        for key in sorted(ready, key=lambda k: (k.flavour in current, ready[k].serial)):
            if total <= self._most_bytes:
                break
            if key not in kept:
                total -= ready.pop(key).looped.audio.nbytes
        return ready


def _work(shelf: weakref.ref[Shelf], closed: threading.Event) -> None:
    """Prepare notes until nobody wants any; the thread must not keep the shelf alive."""
    while not closed.is_set():
        alive = shelf()
        if alive is None:
            return
        was_busy = alive.prepare_next()
        del alive
        time.sleep(0.0 if was_busy else _IDLE_S)


def _close(thread: weakref.ref[threading.Thread], closed: threading.Event) -> None:
    """Let a thread end before Python does: torch must not be torn down under it."""
    closed.set()
    running = thread()
    if running is not None:
        with contextlib.suppress(RuntimeError):
            running.join(5.0)
