"""What is played: MIDI events with the time they came in, on their way to the sound's thread.

An `EventRing` is the only thing that a producer (a MIDI port, a song, the computer's keys) and the
callback share. Both ends of a deque are atomic in Python, so neither end ever waits; what does not
fit is dropped and counted, and never grows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

NOTE_OFF, NOTE_ON, PRESSURE, CONTROL = 0x80, 0x90, 0xA0, 0xB0
PROGRAM, CHANNEL_PRESSURE, BEND = 0xC0, 0xD0, 0xE0

AT_ONCE_S = 0.0
"""The time of what shall sound at the next block's first sample: longer ago than anything."""

_CAPACITY = 4096


class Event(NamedTuple):
    """A MIDI channel message.

    Attributes:
        time_s: when it happened, or is to happen, on the clock of `time.perf_counter`.
        kind: the status without its channel: `NOTE_ON`, `CONTROL` ...
        channel: 1..16.
        data1, data2: 0..127; data2 is 0 where the message has none.
    """

    time_s: float
    kind: int
    channel: int
    data1: int
    data2: int = 0

    @property
    def is_strike(self) -> bool:
        """Whether a key goes down: struck with no force, one comes up."""
        return self.kind == NOTE_ON and self.data2 > 0


def parse_event(message: Sequence[int], time_s: float) -> Event | None:
    """The event that the bytes of one MIDI message say; None for what is no channel message.

    >>> parse_event([0x91, 60, 100], 0.5)
    Event(time_s=0.5, kind=144, channel=2, data1=60, data2=100)
    >>> parse_event([0xF8], 0.5), parse_event([0x90, 60], 0.5), parse_event([0x90, 200, 1], 0.5)
    (None, None, None)
    """
    if not message or not 0x80 <= message[0] < 0xF0:
        return None
    kind, channel = message[0] & 0xF0, (message[0] & 0x0F) + 1
    data = message[1:]
    if len(data) != (1 if kind in (PROGRAM, CHANNEL_PRESSURE) else 2):
        return None
    if not all(0 <= byte <= 127 for byte in data):
        return None
    return Event(time_s, kind, channel, *data)


class EventRing:
    """Events from one producer to one consumer, in the order of their times.

    Attributes:
        dropped: events that found no room.

    >>> ring = EventRing()
    >>> ring.push(Event(0.1, NOTE_ON, 1, 60, 100)); ring.push(Event(0.9, NOTE_OFF, 1, 60))
    >>> [event.data1 for event in ring.due(0.5)], len(ring)
    ([60], 1)
    """

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self.dropped = 0
        self._capacity = capacity
        self._waiting: deque[Event] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether the next event would be dropped."""
        return len(self._waiting) >= self._capacity

    def push(self, event: Event) -> None:
        """Put an event in; its time is not before that of the last."""
        if self.is_full:
            self.dropped += 1
        else:
            self._waiting.append(event)

    def push_message(self, message: Sequence[int], time_s: float) -> None:
        """Put in what the bytes of a MIDI message say, if they say anything."""
        event = parse_event(message, time_s)
        if event is not None:
            self.push(event)

    def due(self, before_s: float) -> list[Event]:
        """Take out all events of times before one."""
        waiting = self._waiting
        events = []
        while waiting and waiting[0].time_s < before_s:
            events.append(waiting.popleft())
        return events

    def clear(self) -> None:
        """Forget what has not been played yet."""
        self._waiting.clear()
