"""The live engine: MIDI events in, blocks of sound out, on the thread of the sound card.

    rings --events, by time--> keyboard -> player -> gain -> limiter -> block

`process` waits for no lock, prints nothing and keeps nothing. It knows neither ports nor sound
cards, so that a test can play it to the sample. What a player does wrong is heard as silence and
counted; it never reaches the card's driver.
"""

from __future__ import annotations

from operator import itemgetter

import numpy as np
from jaxtyping import Float32

from timbrel.live.event_driven import EventDriven
from timbrel.live.events import NOTE_OFF, NOTE_ON, Event
from timbrel.live.keyboard import Keyboard
from timbrel.live.levelling import Levelling
from timbrel.live.meter import Meter
from timbrel.sound.playing import Player

_FADED_S = 0.05
"""Longer than a note and the limiter go on after all sound is off."""

_TIME = itemgetter(0)


class Engine(EventDriven):
    """Plays what is in its rings.

    Attributes:
        player: what sounds.
        keyboard: through which events reach it.

    Args:
        player: what is played.
        keyboard: what events mean to it; one with nothing set unless another is given.
        gain: of the whole, before the limiter.
    """

    def __init__(
        self, player: Player, keyboard: Keyboard | None = None, *, gain: float = 1.0
    ) -> None:
        super().__init__()
        self.player = player
        self.keyboard = keyboard or Keyboard(player)
        self._gain = gain
        self._levelling = Levelling(player.sample_rate, gain)

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
        self._levelling.level(out, self._gain * self.keyboard.gain, self.meter)

    def warm_up(self, block: int) -> None:
        """Play a note that nobody hears, so that no first time is left for the callback."""
        out = np.zeros(block, np.float32)
        for kind, force in ((NOTE_ON, 100), (NOTE_OFF, 0)):
            self._obey(Event(0.0, kind, self.keyboard.channel or 1, 60, force))
            for _ in range(4):
                self.process(out, 0.0)
        self.keyboard.silence()
        for _ in range(1 + int(_FADED_S * self.player.sample_rate) // block):
            self.process(out, 0.0)
        self._levelling = Levelling(self.player.sample_rate, self._gain * self.keyboard.gain)
        self.meter = Meter()

    def _due(self, before_s: float) -> list[Event]:
        events = [event for ring in self.rings for event in ring.due(before_s)]
        if len(self.rings) > 1:
            events.sort(key=_TIME)  # stable: what one producer says stays in its order
        return events

    def _obey(self, event: Event) -> None:
        if not self.keyboard.hears(event):
            return
        self.meter.notes += event.is_strike
        try:
            self.keyboard.obey(event)
        except Exception as error:
            self._failed(error)

    def _follow_pad(self) -> None:
        try:
            self.keyboard.follow_pad()
        except Exception as error:
            self._failed(error)

    def _play(self, out: Float32[np.ndarray, " time"]) -> None:
        if not len(out):
            return
        try:
            self.player.process(out)
        except Exception as error:
            out[:] = 0.0
            self._failed(error)
