"""The live engine: MIDI events in, blocks of sound out, on the thread of the sound card.

    rings --events, by time--> note keeping -> player -> gain -> limiter -> block
                               (pedals, lines, bend, programs, knobs, pad)

`process` waits for no lock, prints nothing and keeps nothing. It knows neither ports nor sound
cards, so that a test can play it to the sample. What a player does wrong is heard as silence and
counted; it never reaches the card's driver.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
from jaxtyping import Float32
from torch import Tensor

from timbrel.dsp.limiter import Limiter
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
from timbrel.live.events import BEND, CONTROL, NOTE_OFF, NOTE_ON, PROGRAM, Event, EventRing
from timbrel.live.knobs import Knobs
from timbrel.live.meter import Meter
from timbrel.live.pad import MorphPad
from timbrel.sound.line import Line
from timbrel.sound.playing import Player

USUAL_GLIDE_S = 0.08
"""What portamento takes until somebody says how long."""

_BEND_RANGE, _NO_PARAMETER = (0, 0), (127, 127)
"""Registered parameters, high and low, that data is meant for."""

_FADED_S = 0.05
"""Longer than a note and the limiter go on after all sound is off."""

_TIME = itemgetter(0)
_TINY = np.float32(1e-30)
"""Below it a number is on its way to a denormal, on which processors are slow."""


@dataclass(frozen=True)
class Program:
    """A sound that a program change can choose."""

    name: str
    timbre: Tensor


class Engine:
    """Plays what is in its rings.

    A note is played with the channel and key as its name, so that two keyboards do not release
    each other's keys. Bends and pedals of all channels act on all notes.

    Attributes:
        rings: one for each producer.
        meter: what happened.
        timbre_name: of the latest program.

    Args:
        player: what is played.
        programs: sounds by program number; None, and numbers beyond them, choose nothing.
        knobs: controllers that turn controls.
        pad: a morph pad, if there is one.
        channel: the only one that is listened to, 1..16; 0 listens to all.
        bend_range: semitones of the pitch wheel, until a keyboard says otherwise (RPN 0).
        gain: of the whole, before the limiter.
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
        gain: float = 1.0,
        legato: bool = False,
    ) -> None:
        self.rings: list[EventRing] = []
        self.meter = Meter()
        self.timbre_name = ""
        self.player = player
        self.knobs = knobs or Knobs()
        self.pad = pad
        self._programs = tuple(programs)
        self._channel = channel
        self._bend_range = bend_range
        self._gain = gain
        self._volume = self._expression = 1.0
        self._last_gain = gain
        self._parameter = _NO_PARAMETER
        self._line, self._is_line = Line(player), legato
        self._glide_s = USUAL_GLIDE_S
        self._pedal_is_down = False
        self._held: set[int] = set()
        self._ringing: set[int] = set()
        self._pad_timbre: Tensor | None = None
        self._limiter = Limiter(1, player.sample_rate, look_ahead_s=0.0)

    def ring(self) -> EventRing:
        """A ring for one more producer; to be asked for before playing begins."""
        ring = EventRing()
        self.rings.append(ring)
        return ring

    @property
    def dropped(self) -> int:
        """Events that found no room in their rings."""
        return sum(ring.dropped for ring in self.rings)

    def process(self, out: Float32[np.ndarray, " time"], before_s: float) -> None:
        """Fill a block with the sound of all events before a time, each at its own sample.

        Args:
            out: the block.
            before_s: the time that belongs to its end; what is older than its beginning sounds
                at its first sample.
        """
        begin_s = before_s - len(out) / self.player.sample_rate
        self._follow_pad()
        done = 0
        for event in self._due(before_s):
            place = int((event.time_s - begin_s) * self.player.sample_rate)
            place = min(max(place, done), len(out) - 1)
            self._play(out[done:place])
            done = place
            self._obey(event)
        self._play(out[done:])
        self._level_out(out)

    def warm_up(self, block: int) -> None:
        """Play a note that nobody hears, so that no first time is left for the callback."""
        out = np.zeros(block, np.float32)
        for kind, force in ((NOTE_ON, 100), (NOTE_OFF, 0)):
            self._obey(Event(0.0, kind, self._channel or 1, 60, force))
            for _ in range(4):
                self.process(out, 0.0)
        self._channel_mode(ALL_SOUND_OFF)
        for _ in range(1 + int(_FADED_S * self.player.sample_rate) // block):
            self.process(out, 0.0)
        self._limiter = Limiter(1, self.player.sample_rate, look_ahead_s=0.0)
        self.meter = Meter()

    def _due(self, before_s: float) -> list[Event]:
        events = [event for ring in self.rings for event in ring.due(before_s)]
        if len(self.rings) > 1:
            events.sort(key=_TIME)  # stable: what one producer says stays in its order
        return events

    def _play(self, out: Float32[np.ndarray, " time"]) -> None:
        if not len(out):
            return
        try:
            self.player.process(out)
        except Exception as error:
            out[:] = 0.0
            self._failed(error)

    def _level_out(self, out: Float32[np.ndarray, " time"]) -> None:
        """Gain, without steps, and the limiter; what is no number becomes silence."""
        if not np.isfinite(out).all():
            out[~np.isfinite(out)] = 0.0
            self.meter.not_finite += 1
        out[np.abs(out) < _TINY] = 0.0
        gain = self._gain * self._volume * self._expression
        if gain == self._last_gain:
            out *= np.float32(gain)
        else:
            out *= np.linspace(self._last_gain, gain, len(out), dtype=np.float32)
        self._last_gain = gain
        out[:] = self._limiter.limit(out[None])[0]

    def _obey(self, event: Event) -> None:
        if self._channel not in (0, event.channel):
            return
        try:
            if event.kind == NOTE_ON and event.data2:
                self._key_down(event)
            elif event.kind in (NOTE_ON, NOTE_OFF):
                self._keys_up({event.channel * 128 + event.data1})
            elif event.kind == CONTROL:
                self._controlled(event.data1, event.data2)
            elif event.kind == BEND:
                wheel = (event.data1 + 128 * event.data2 - 8192) / 8192
                self.player.bend(wheel * self._bend_range)
            elif event.kind == PROGRAM:
                self._choose_program(event.data1)
        except Exception as error:
            self._failed(error)

    def _choose_program(self, number: int) -> None:
        program = self._programs[number] if number < len(self._programs) else None
        if program is not None:
            self.player.set_timbre(program.timbre)
            self.timbre_name = program.name

    def _failed(self, error: Exception) -> None:
        self.meter.failures += 1
        self.meter.problem = f"{type(error).__name__}: {error}"

    def _key_down(self, event: Event) -> None:
        name = event.channel * 128 + event.data1
        self._held.add(name)
        self._ringing.discard(name)
        self.meter.notes += 1
        keys = self._line if self._is_line else self.player
        keys.note_on(name, float(event.data1), event.data2 / 127)

    def _keys_up(self, names: set[int]) -> None:
        released = names & self._held
        self._held -= released
        if self._pedal_is_down:
            self._ringing |= released
        else:
            self._line.release(released)

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
        elif self.pad is None or not self.pad.moved(number, value):
            self._turned(number, value)

    def _switched(self, number: int, is_on: bool) -> None:
        if number == SUSTAIN:
            self._pedal(is_on)
        elif number == LEGATO:
            self._is_line = is_on
        elif self.knobs.has("glide"):
            self.player.set("glide", self._glide_s if is_on else 0.0)

    def _turned(self, number: int, value: int) -> None:
        turned = self.knobs.turned(number, value)
        if turned is None:
            return
        self.player.set(*turned)
        if turned[0] == "glide" and turned[1] > 0:
            self._glide_s = turned[1]

    def _channel_mode(self, number: int) -> None:
        if number == ALL_SOUND_OFF:
            self._held.clear()
            self._ringing.clear()
            self._line.forget()
            self.player.silence()
        elif number == RESET:
            self._pedal(is_down=False)
            self._expression = 1.0
            self.player.bend(0.0)
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

    def _follow_pad(self) -> None:
        timbre = None if self.pad is None else self.pad.timbre
        if timbre is not None and timbre is not self._pad_timbre:
            self._pad_timbre = timbre
            self.timbre_name = "pad"
            try:
                self.player.set_timbre(timbre)
            except Exception as error:
                self._failed(error)
