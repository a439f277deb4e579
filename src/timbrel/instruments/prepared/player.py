"""A player for any instrument: a sampler whose recordings are rendered when they are needed.

A key plays the prepared note nearest in pitch and force, read a little faster or slower. Until
that one is ready the nearest that is stands in, and the note goes over to its own as soon as it
can: so a first chord sounds at once, and held notes follow a moving timbre.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from timbrel.audio.resampling import check_rate
from timbrel.dsp.sampler import RELEASE_RATE, add_note
from timbrel.errors import BadInput
from timbrel.instruments.prepared.shelf import VELOCITIES, Flavour, Key, Prepared, Shelf
from timbrel.sound.playing import QUIET_AFTER_S, Player, playable, playable_note
from timbrel.sound.voices import Voices

if TYPE_CHECKING:
    from timbrel.instruments.instrument import Instrument

_MOVE_S = 0.06
"""In which a note goes over from one prepared note to another."""

_STRANGER = 7.0
"""A note of another flavour stands in only for keys that are so many semitones from their own."""

_RECENT = 6


@dataclass
class _Reader:
    """A prepared note being read, with its gain, and how it comes or goes."""

    key: Key
    note: Prepared
    ratio: float
    gain: float
    position: float = 0.0
    fade: float = 1.0
    fade_step: float = 0.0

    def read(
        self, out: Float32[np.ndarray, " time"], bend: float, released: tuple[float, float]
    ) -> None:
        fade = (self.fade, self.fade_step)
        self.position = add_note(
            out, self.note.looped, self.position, self.ratio * bend, self.gain, fade, released
        )
        self.fade = min(max(self.fade + self.fade_step * len(out), 0.0), 1.0)

    @property
    def is_over(self) -> bool:
        looped = self.note.looped
        if self.fade <= 0 and self.fade_step <= 0:
            return True
        begin, end = looped.loop
        if end:
            return looped.decay * (self.position - begin) < -12
        return self.position >= len(looped.audio)


@dataclass
class _Voice:
    """A note that sounds: what it asks for, and what it is read from."""

    pitch: float
    velocity: float
    flavour: Flavour
    follows: bool
    reader: _Reader | None = None
    leaving: _Reader | None = None
    up_for: float = -1.0

    @property
    def key(self) -> Key:
        return Key.nearest(self.flavour, self.pitch, self.velocity)

    @property
    def is_over(self) -> bool:
        if self.reader is None:
            return self.up_for >= 0
        return self.reader.is_over


class PreparedPlayer(Player):
    """Plays notes that are rendered in the background.

    Held notes go over to a new timbre, and to new positions of the controls, once they are ready.

    Args:
        instrument: whose notes they are.
        n_voices: notes at once.
        sample_rate: of the blocks, in Hz.
        background: whether a thread prepares notes; without one each is rendered at the moment it
            is asked for, which takes its time and sounds the same every time.

    Raises:
        BadInput: there would be no voice, or no sample.
    """

    def __init__(
        self, instrument: Instrument, n_voices: int, sample_rate: int, *, background: bool = True
    ) -> None:
        check_rate(sample_rate)
        self.n_voices = n_voices
        self.sample_rate = sample_rate
        self._voices = Voices(n_voices)
        self._space = instrument.timbre_space
        self._ranges = {control.name: control for control in instrument.controls}
        self._settings = {name: control.default for name, control in self._ranges.items()}
        self._timbre = first_timbre(instrument)
        self._flavour = Flavour.of(self._timbre, self._settings)
        self._shelf = Shelf(instrument, sample_rate, background=background)
        self._shelf.recent = (Key.nearest(self._flavour, 60.0, 0.8),)
        self._is_patient = not background
        self._bend = 1.0
        self._playing: list[_Voice | None] = [None] * n_voices
        self._tail = np.zeros(max(1, round(QUIET_AFTER_S * sample_rate)), np.float32)
        self._faded = np.zeros_like(self._tail)
        self._falling = np.linspace(1, 0, len(self._tail), endpoint=False, dtype=np.float32)

    @property
    def active_voices(self) -> int:
        """Voices that sound now, releases included."""
        return len(self._voices.sounding)

    @property
    def problem(self) -> str:
        """Why a note could not be rendered; empty where all is well."""
        return self._shelf.problem

    def prepare(self, seconds: float) -> None:
        """Render notes for the timbre that is set, from the middle outwards."""
        until = time.perf_counter() + seconds
        for key in self._shelf.around():
            if time.perf_counter() >= until:
                return
            self._shelf.prepare([key])

    def note_on(
        self, note_id: int, pitch: float, velocity: float, timbre: Tensor | None = None
    ) -> None:
        """Start a note, from the nearest that is ready."""
        pitch, velocity = playable_note(pitch, velocity)
        flavour = self._flavour if timbre is None else self._flavoured(timbre)
        self.note_off(note_id)
        if self._voices.is_full:
            self._fade([self._voices.steal()])
        number = self._voices.begin(note_id)
        voice = _Voice(pitch, velocity, flavour, timbre is None)
        self._playing[number] = voice
        key = voice.key
        self._shelf.recent = (key, *(k for k in self._shelf.recent if k != key))[:_RECENT]
        self._wish()
        self._choose(voice)

    def note_off(self, note_id: int) -> None:
        """Release a note: it takes its rendered release with it."""
        number = self._voices.release(note_id)
        voice = None if number is None else self._playing[number]
        if voice is not None:
            voice.up_for = 0.0

    def bend(self, semitones: float) -> None:
        """Move all notes so far from their pitch, at once."""
        self._bend = 2.0 ** (playable("bend", semitones, -127.0, 127.0) / 12)

    def set_timbre(self, timbre: Tensor) -> None:
        """Give the player a timbre; held notes go over to it once it is prepared."""
        self._timbre = self._space.for_player(timbre)
        self._reflavour()

    def set(self, control: str, value: float) -> None:
        """Turn a control; held notes go over to it once it is prepared."""
        if control not in self._ranges:
            known = ", ".join(self._ranges) or "none"
            raise BadInput(f"no control {control!r}: this instrument has {known}")
        self._settings[control] = self._ranges[control].clip(value)
        self._reflavour()

    def process(self, out: Float32[np.ndarray, " time"]) -> None:
        """Fill a block."""
        out[:] = 0.0
        now = min(len(out), len(self._tail))
        out[:now] += self._tail[:now]
        self._tail[: len(self._tail) - now] = self._tail[now:]
        self._tail[len(self._tail) - now :] = 0.0
        for number in self._voices.sounding:
            voice = self._playing[number]
            assert voice is not None
            self._choose(voice)
            self._read(voice, out)
            if voice.is_over:
                self._voices.end(number)
                self._playing[number] = None
        self._wish()

    def silence(self) -> None:
        """End all notes."""
        voices = self._voices.sounding
        for number in voices:
            self._voices.end(number)
        self._fade(voices)

    def _read(self, voice: _Voice, out: Float32[np.ndarray, " time"]) -> None:
        points = RELEASE_RATE / self.sample_rate
        released = (voice.up_for * points, points if voice.up_for >= 0 else 0.0)
        for reader in (voice.reader, voice.leaving):
            if reader is not None:
                reader.read(out, self._bend, released)
        if voice.leaving is not None and voice.leaving.is_over:
            voice.leaving = None
        if voice.up_for >= 0:
            voice.up_for += len(out)
            over = voice.reader is None or len(voice.reader.note.looped.release) - 1
            if voice.up_for * points >= over and voice.reader is not None:
                voice.reader.fade = voice.reader.fade_step = 0.0

    def _choose(self, voice: _Voice) -> None:
        """Have a held voice read from the best note there is; a new voice begins with it."""
        reader, key = voice.reader, voice.key
        if voice.leaving is not None or (reader is not None and reader.key == key):
            return
        if voice.up_for >= 0 and reader is not None:
            return
        found = self._shelf.ready.get(key)
        if found is None and reader is None:
            key, found = self._makeshift(key)
        if found is None:
            return
        ratio = 2.0 ** ((voice.pitch - key.pitch) / 12)
        new = _Reader(key, found, ratio, self._gain(key, found, voice.velocity))
        if reader is not None:
            step = 1.0 / (_MOVE_S * self.sample_rate)
            new.position = reader.position * ratio / reader.ratio
            new.fade, new.fade_step = 0.0, step
            reader.fade_step = -step
            voice.leaving = reader
        voice.reader = new

    def _makeshift(self, wanted: Key) -> tuple[Key, Prepared | None]:
        """The note that comes nearest among those that are ready."""

        def distance(item: tuple[Key, Prepared]) -> tuple[float, float, int]:
            key, note = item
            away = abs(key.pitch - wanted.pitch)
            strange = 0.0 if key.flavour == wanted.flavour else _STRANGER
            return away + strange, abs(key.velocity - wanted.velocity), -note.serial

        items = self._shelf.ready.items()
        return min(items, key=distance) if items else (wanted, None)

    def _gain(self, key: Key, note: Prepared, velocity: float) -> float:
        """So that level grows with velocity, from note to note as the instrument itself does.

        Levels lie on straight lines through 0 and through those of the prepared velocities.
        """
        ready = self._shelf.ready
        soft, loud = (ready.get(key.struck(v)) for v in VELOCITIES)
        if soft is None or loud is None:
            return velocity / key.velocity
        points = (0.0, *VELOCITIES, 1.0)
        levels = (0.0, soft.level, loud.level, loud.level / VELOCITIES[-1])
        return float(np.interp(velocity, points, levels)) / max(note.level, 1e-6)

    def _wish(self) -> None:
        """Tell the shelf what sounds from a makeshift."""
        wishes: list[Key] = []
        for voice in self._playing:
            if voice is not None and voice.up_for < 0:
                key = voice.key
                if voice.reader is None or voice.reader.key != key:
                    wishes += [key, *(key.struck(v) for v in VELOCITIES if v != key.velocity)]
        self._shelf.needs = tuple(wishes)
        if self._is_patient and wishes:
            self._shelf.prepare(wishes)

    def _reflavour(self) -> None:
        self._flavour = Flavour.of(self._timbre, self._settings)
        for voice in self._playing:
            if voice is not None:
                timbre = self._flavour.timbre if voice.follows else voice.flavour.timbre
                voice.flavour = Flavour(timbre, self._flavour.controls)
        recent = self._shelf.recent
        self._shelf.recent = tuple(dict.fromkeys(k._replace(flavour=self._flavour) for k in recent))
        self._wish()

    def _flavoured(self, timbre: Tensor) -> Flavour:
        return Flavour.of(self._space.for_player(timbre), self._settings)

    def _fade(self, numbers: list[int]) -> None:
        """Let voices that are taken away fade: their last samples are computed here and now."""
        self._faded[:] = 0.0
        for number in numbers:
            voice, self._playing[number] = self._playing[number], None
            if voice is not None:
                self._read(voice, self._faded)
        self._tail += self._faded * self._falling


def first_timbre(instrument: Instrument) -> Tensor:
    """The bank's first sound, or one drawn from the timbre space."""
    sounds = instrument.bank.names("sound") if instrument.bank is not None else ()
    if instrument.bank is not None and sounds:
        return instrument.bank[sounds[0]]
    return instrument.timbre_space.sample(1, generator=torch.Generator().manual_seed(0))[0]
