"""What a MIDI keyboard's messages mean to a player: keys, pedals, one line, wheel, knobs, pad."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from timbrel.live.controllers import (
    ALL_SOUND_OFF,
    CHANNEL_MODES,
    DATA,
    EXPRESSION,
    FIRST_NOTES_OFF,
    LEGATO,
    MONO,
    POLY,
    PORTAMENTO,
    RESET,
    RPN,
    RPN_FINE,
    SUSTAIN,
    VOLUME,
)
from timbrel.live.events import BEND, CONTROL, NOTE_OFF, NOTE_ON, PROGRAM, Event
from timbrel.live.knobs import Knobs
from timbrel.live.pad import MorphPad
from timbrel.sound.line import Line
from timbrel.sound.playing import Player

USUAL_GLIDE_S = 0.08
"""What portamento takes until somebody says how long."""

_BEND_RANGE, _NO_PARAMETER = (0, 0), (127, 127)
"""Registered parameters, high and low, that data is meant for."""


@dataclass(frozen=True)
class Program:
    """A sound that a program change can choose."""

    name: str
    timbre: Tensor


class Keyboard:
    """Plays a player as it is told by events, each of them at once.

    A note is played with the channel and key as its name, so that two keyboards do not release
    each other's keys. Bends and pedals of all channels act on all notes.

    Attributes:
        timbre_name: of the latest program.
        knobs: controllers that turn controls.
        channel: the only one that is listened to, 1..16; 0 listens to all.

    Args:
        player: what is played.
        programs: sounds by program number; None, and numbers beyond them, choose nothing.
        knobs: see above; without any no controller turns anything.
        pad: a morph pad, if there is one.
        channel: see above.
        bend_range: semitones of the pitch wheel, until a keyboard says otherwise (RPN 0).
        legato: whether all keys play one line and are slurred, until a keyboard says otherwise
            (mono and poly mode, the legato pedal).
    """

    def __init__(
        self,
        player: Player,
        *,
        programs: Sequence[Program | None] = (),
        knobs: Knobs | None = None,
        pad: MorphPad | None = None,
        channel: int = 0,
        bend_range: float = 2.0,
        legato: bool = False,
    ) -> None:
        self.timbre_name = ""
        self.knobs = knobs or Knobs()
        self.channel = channel
        self._player = player
        self._programs = tuple(programs)
        self._pad = pad
        self._pad_timbre: Tensor | None = None
        self._bend_range = bend_range
        self._parameter = _NO_PARAMETER
        self._volume = self._expression = 1.0
        self._line, self._is_line = Line(player), legato
        self._glide_s = USUAL_GLIDE_S
        self._pedal_is_down = False
        self._held: set[int] = set()
        self._ringing: set[int] = set()

    @property
    def gain(self) -> float:
        """What the volume and expression pedals leave of the sound."""
        return self._volume * self._expression

    def hears(self, event: Event) -> bool:
        """Whether an event is of a channel that is listened to."""
        return self.channel in (0, event.channel)

    def obey(self, event: Event) -> None:
        """Do what an event says."""
        if event.is_strike:
            self._key_down(event)
        elif event.kind in (NOTE_ON, NOTE_OFF):
            self._keys_up({event.channel * 128 + event.data1})
        elif event.kind == CONTROL:
            self._controlled(event.data1, event.data2)
        elif event.kind == BEND:
            wheel = (event.data1 + 128 * event.data2 - 8192) / 8192
            self._player.bend(wheel * self._bend_range)
        elif event.kind == PROGRAM:
            self._choose_program(event.data1)

    def follow_pad(self) -> None:
        """Hand the player the timbre that the pad has mixed meanwhile."""
        timbre = None if self._pad is None else self._pad.timbre
        if timbre is not None and timbre is not self._pad_timbre:
            self._pad_timbre = timbre
            self.timbre_name = "pad"
            self._player.set_timbre(timbre)

    def silence(self) -> None:
        """End all sound, as a keyboard's panic button does."""
        self._held.clear()
        self._ringing.clear()
        self._line.forget()
        self._player.silence()

    def _key_down(self, event: Event) -> None:
        name = event.channel * 128 + event.data1
        self._held.add(name)
        self._ringing.discard(name)
        keys = self._line if self._is_line else self._player
        keys.note_on(name, float(event.data1), event.data2 / 127)

    def _keys_up(self, names: set[int]) -> None:
        released = names & self._held
        self._held -= released
        if self._pedal_is_down:
            self._ringing |= released
        else:
            self._line.release(released)

    def _choose_program(self, number: int) -> None:
        program = self._programs[number] if number < len(self._programs) else None
        if program is not None:
            self._player.set_timbre(program.timbre)
            self.timbre_name = program.name

    def _controlled(self, number: int, value: int) -> None:
        if number in (SUSTAIN, LEGATO, PORTAMENTO):
            self._switched(number, value >= 64)
        elif number == VOLUME:
            self._volume = (value / 127) ** 2
        elif number == EXPRESSION:
            self._expression = (value / 127) ** 2
        elif number in (RPN, RPN_FINE):
            high, low = self._parameter
            self._parameter = (value, low) if number == RPN else (high, value)
        elif number == DATA and self._parameter == _BEND_RANGE:
            self._bend_range = float(value)
        elif number in CHANNEL_MODES:
            self._channel_mode(number)
        elif self._pad is None or not self._pad.moved(number, value):
            self._turned(number, value)

    def _switched(self, number: int, is_on: bool) -> None:
        if number == SUSTAIN:
            self._pedal(is_on)
        elif number == LEGATO:
            self._is_line = is_on
        elif self.knobs.has("glide"):
            self._player.set("glide", self._glide_s if is_on else 0.0)

    def _turned(self, number: int, value: int) -> None:
        turned = self.knobs.turned(number, value)
        if turned is None:
            return
        self._player.set(*turned)
        if turned[0] == "glide" and turned[1] > 0:
            self._glide_s = turned[1]

    def _channel_mode(self, number: int) -> None:
        if number == ALL_SOUND_OFF:
            self.silence()
        elif number == RESET:
            self._pedal(is_down=False)
            self._expression = 1.0
            self._player.bend(0.0)
        elif number >= FIRST_NOTES_OFF:
            self._pedal(is_down=False)
            self._keys_up(self._held)
            if number in (MONO, POLY):
                self._is_line = number == MONO

    def _pedal(self, is_down: bool) -> None:
        self._pedal_is_down = is_down
        if not is_down:
            self._line.release(self._ringing)
            self._ringing.clear()
