"""One MIDI channel: what its keys, pedal, wheel and controllers do to its notes, in ticks."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from dataclasses import dataclass, field

from timbrel.midi.events import Event

VOLUME, PAN, EXPRESSION, PEDAL = 7, 10, 11, 64
DATA, DATA_FINE, NRPN_FINE, NRPN, RPN_FINE, RPN = 6, 38, 98, 99, 100, 101
ALL_SOUND_OFF, RESET, ALL_NOTES_OFF = 120, 121, 123

DEFAULT_VOLUME = 100
QUIETEST_DB = -96.0
_BEND_RANGE = (0, 0)
_NOTHING = (127, 127)


@dataclass
class Key:
    """A key that was pressed, and what its channel was set to then."""

    track: int
    pitch: int
    velocity: int
    start: int
    program: int
    gain_db: float
    pan: float
    end: int = -1


@dataclass
class Channel:
    """Receives events in order of time; `finished` then holds its notes.

    Attributes:
        finished: notes with their ends, the pedal's work included.
        bends: ticks and semitones of each move of the pitch wheel.
    """

    finished: list[Key] = field(default_factory=list)
    bends: list[tuple[int, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._program = 0
        self._controllers = {VOLUME: DEFAULT_VOLUME, EXPRESSION: 127, PAN: 64}
        self._wheel = 0.0
        self._bend_range = 2.0
        self._parameter = _NOTHING
        self._pedal_is_down = False
        self._held: dict[tuple[int, int], deque[Key]] = defaultdict(deque)
        self._sustained: dict[tuple[int, int], list[Key]] = defaultdict(list)

    def receive(self, event: Event, track: int) -> None:
        """Takes the next event, which came from a track of the file."""
        kind, data = event.status >> 4, event.data
        if kind == 0x9 and data[1]:
            self._press(track, data[0], data[1], event.tick)
        elif kind in (0x8, 0x9):
            self._release((track, data[0]), event.tick)
        elif kind == 0xB:
            self._control(data[0], data[1], event.tick)
        elif kind == 0xC:
            self._program = data[0]
        elif kind == 0xE:
            self._wheel = ((data[1] << 7 | data[0]) - 8192) / 8192
            self._bend(event.tick)

    def finish(self, tick: int) -> None:
        """The file ends: whatever still sounds ends with it."""
        self._lift_keys(tick)
        self._lift_pedal(tick)

    def _press(self, track: int, pitch: int, velocity: int, tick: int) -> None:
        for key in self._sustained.pop((track, pitch), []):
            self._end(key, tick)
        gain_db, pan = self._level_db(), max((self._controllers[PAN] - 64) / 63, -1.0)
        key = Key(track, pitch, velocity, tick, self._program, gain_db, pan)
        self._held[track, pitch].append(key)

    def _release(self, where: tuple[int, int], tick: int) -> None:
        """Lets go the key that was pressed first: each press has a release of its own."""
        if not self._held[where]:
            return
        key = self._held[where].popleft()
        if self._pedal_is_down:
            self._sustained[where].append(key)
        else:
            self._end(key, tick)

    def _end(self, key: Key, tick: int) -> None:
        key.end = tick
        self.finished.append(key)

    def _lift_pedal(self, tick: int) -> None:
        self._pedal_is_down = False
        for keys in self._sustained.values():
            for key in keys:
                self._end(key, tick)
        self._sustained.clear()

    def _lift_keys(self, tick: int) -> None:
        for where, keys in list(self._held.items()):
            for _ in range(len(keys)):
                self._release(where, tick)

    def _control(self, number: int, value: int, tick: int) -> None:
        if number == PEDAL:
            if value >= 64:
                self._pedal_is_down = True
            elif self._pedal_is_down:
                self._lift_pedal(tick)
        elif number in self._controllers:
            self._controllers[number] = value
        elif number in (DATA, DATA_FINE, RPN, RPN_FINE, NRPN, NRPN_FINE):
            self._set_parameter(number, value, tick)
        elif number >= ALL_SOUND_OFF:
            self._change_mode(number, tick)

    def _set_parameter(self, number: int, value: int, tick: int) -> None:
        """Registered parameter 0 is the wheel's range: whole semitones, then cents."""
        coarse, fine = self._parameter
        if number in (NRPN, NRPN_FINE):
            self._parameter = _NOTHING
        elif number == RPN:
            self._parameter = (value, fine)
        elif number == RPN_FINE:
            self._parameter = (coarse, value)
        elif self._parameter == _BEND_RANGE:
            whole = math.floor(self._bend_range)
            cents = min(value, 99) / 100
            self._bend_range = float(value) if number == DATA else whole + cents
            if self._wheel:
                self._bend(tick)

    def _change_mode(self, number: int, tick: int) -> None:
        if number == RESET:
            self._controllers[EXPRESSION] = 127
            self._wheel = 0.0
            self._bend(tick)
            self._parameter = _NOTHING
            self._lift_pedal(tick)
            return
        if number == ALL_SOUND_OFF:
            self._lift_pedal(tick)
        if number != ALL_SOUND_OFF + 2:  # local control, which is for keyboards
            self._lift_keys(tick)

    def _bend(self, tick: int) -> None:
        self.bends.append((tick, self._wheel * self._bend_range))

    def _level_db(self) -> float:
        """General MIDI's law: 40 log10 of volume and of expression, 0 dB where neither is set."""
        volume = self._controllers[VOLUME] / DEFAULT_VOLUME
        level = volume * self._controllers[EXPRESSION] / 127
        return max(40 * math.log10(level), QUIETEST_DB) if level > 0 else QUIETEST_DB
