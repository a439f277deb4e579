"""An instrument while it is played: what `live` asks of a family, block by block.

A `Player` is polyphonic and is told of keys; a `Follower` is one voice and is told the curves of a
live input. Both are used from one thread, the one that makes the sound: whoever plays from another
thread sends what it wants there. What is asked takes effect at the first sample of the next block.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np
from jaxtyping import Float32
from torch import Tensor

from timbrel.errors import BadInput
from timbrel.sound.control import number

QUIET_AFTER_S = 0.01
"""The longest that a stolen or silenced note still fades."""


class Player(ABC):
    """A polyphonic instrument being played.

    Attributes:
        sample_rate: of the blocks, in Hz; it need not be the instrument's own.
        n_voices: notes that can sound at once, releases included.
    """

    sample_rate: int
    n_voices: int

    @property
    @abstractmethod
    def active_voices(self) -> int:
        """Voices that sound now, releases included."""

    @abstractmethod
    def note_on(
        self, note_id: int, pitch: float, velocity: float, timbre: Tensor | None = None
    ) -> None:
        """Start a note; where no voice is free, one that was released or the oldest is stolen.

        A stolen voice fades within `QUIET_AFTER_S`. A note of that id which is held is released.

        Args:
            note_id: the caller's name for the note.
            pitch: a MIDI number; beyond 0..127 the nearest is played.
            velocity: 0..1; beyond that the nearest is played.
            timbre: the note's own; None takes the player's, and follows it.

        Raises:
            BadInput: the timbre does not fit, or a number is not finite.
        """

    @abstractmethod
    def note_off(self, note_id: int) -> None:
        """Release a note; one that does not sound is no error."""

    def slur(self, from_id: int, note_id: int, pitch: float, velocity: float) -> None:
        """Have a held note go on as another one, without an attack, its pitch sliding there.

        What cannot slur strikes the new note. A note that is not held cannot go on: the new one is
        struck.

        Args:
            from_id: the note that goes on; it is held no more.
            note_id: the caller's name for the new note.
            pitch: of the new note, as in `note_on`.
            velocity: the same.
        """
        self.note_off(from_id)
        self.note_on(note_id, pitch, velocity)

    @abstractmethod
    def bend(self, semitones: float) -> None:
        """Move all notes, also those to come, so far from their pitch."""

    @abstractmethod
    def set_timbre(self, timbre: Tensor) -> None:
        """Give the player a timbre, until then one of the family's choice, for notes to come.

        Where the family can (its own docstring says so), notes that sound go over to it, but for
        those that were started with a timbre of their own.

        Raises:
            BadInput: it does not fit.
        """

    @abstractmethod
    def set(self, control: str, value: float) -> None:
        """Turn one of the instrument's controls, for all notes; the value is held to its range.

        Raises:
            BadInput: there is no such control.
        """

    @abstractmethod
    def process(self, out: Float32[np.ndarray, " time"]) -> None:
        """Fill a block of any size with the next samples, in place of what it held.

        It raises nothing, waits for nothing and keeps nothing: what sounds does not depend on
        where blocks begin, and memory does not grow.
        """

    def prepare(self, seconds: float) -> None:  # noqa: B027 - many have nothing to prepare
        """Get ready for the first notes, in about so much time; before playing, not during it."""

    @abstractmethod
    def silence(self) -> None:
        """End all notes: everything has faded after `QUIET_AFTER_S`."""


class Follower(ABC):
    """One voice that follows a live input.

    It is told what was heard `frame_rate` times a second, and sounds one frame behind that: between
    two frames it goes from one to the next. Told the frames of a performance one by one it makes
    the samples that `transfer` makes of the whole, whatever the blocks.

    Attributes:
        sample_rate: of the blocks, in Hz.
        frame_rate: of what it is told, in Hz.
    """

    sample_rate: int
    frame_rate: float

    @abstractmethod
    def hear(self, f0_hz: float, loudness_db: float, confidence: float) -> None:
        """What was heard in the next frame.

        Args:
            f0_hz: fundamental, 0 where there is none.
            loudness_db: A-weighted.
            confidence: how sure it is that there is a pitch, 0..1.

        A frame that holds NaN is as the one before; what is out of range is held to it.

        Raises:
            BadInput: it is told something else than numbers.
        """

    @abstractmethod
    def set_timbre(self, timbre: Tensor) -> None:
        """Go on with another timbre.

        Raises:
            BadInput: it does not fit.
        """

    @abstractmethod
    def set(self, control: str, value: float) -> None:
        """Turn one of the instrument's controls; the value is held to its range.

        Raises:
            BadInput: there is no such control, or the value is no number.
        """

    @abstractmethod
    def process(self, out: Float32[np.ndarray, " time"]) -> None:
        """Fill a block of any size with the next samples, in place of what it held.

        Where frames are missing the last one is held. It raises nothing, waits for nothing and
        keeps nothing.
        """


def playable(what: str, value: float, low: float, high: float) -> float:
    """The nearest value in a range.

    Raises:
        BadInput: it is no number, NaN or infinite.

    >>> playable("velocity", 1.2, 0.0, 1.0)
    1.0
    """
    value = number(what, value)
    if not math.isfinite(value):
        raise BadInput(f"{what} is {value}, wanted {low:g} to {high:g}")
    return min(max(value, low), high)


def playable_note(pitch: float, velocity: float) -> tuple[float, float]:
    """The nearest pitch and velocity that a `Player` takes.

    Raises:
        BadInput: one is NaN or infinite.

    >>> playable_note(130.0, 0.5)
    (127.0, 0.5)
    """
    return playable("pitch", pitch, 0.0, 127.0), playable("velocity", velocity, 0.0, 1.0)
