r"""The computer's keys as a piano, where there is no other.

      s d   g h j   l ;          2 3   5 6 7   9 0        - and =   an octave down, up
     z x c v b n m , . /        q w e r t y u i o p       space     all notes off

A terminal tells when a key goes down and repeats it while it is held, but never that it came up:
a note ends when its key has not been repeated for a while.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from timbrel.errors import BadInput
from timbrel.live.controllers import ALL_SOUND_OFF
from timbrel.live.events import CONTROL, NOTE_OFF, NOTE_ON, Event, EventRing

_LOWER, _UPPER = "zsxdcvgbhnjm,l.;/", "q2w3er5t6y7ui9o0p"
SEMITONES = {key: step for step, key in enumerate(_LOWER)}
SEMITONES |= {key: 12 + step for step, key in enumerate(_UPPER)}
HELD_S = 0.6
"""Longer than keyboards wait before they repeat."""

_FORCE = 100
_LOOK_S = 0.02


class ComputerKeys:
    """Characters in, events out.

    Args:
        ring: where they go.
        lowest: the pitch of z.

    >>> ring = EventRing()
    >>> keys = ComputerKeys(ring)
    >>> keys.press("z", 0.0); keys.press("q", 0.1); keys.rest(0.65)
    >>> [(event.data1, event.data2) for event in ring.due(9.0)]
    [(48, 100), (60, 100), (48, 0)]
    """

    def __init__(self, ring: EventRing, lowest: int = 48) -> None:
        self._ring = ring
        self._lowest = lowest
        self._ends_s: dict[int, float] = {}

    def press(self, key: str, now_s: float) -> None:
        """A character came from the keyboard."""
        key = key.lower()
        if key in SEMITONES:
            pitch = min(self._lowest + SEMITONES[key], 127)
            if pitch not in self._ends_s:
                self._ring.push(Event(now_s, NOTE_ON, 1, pitch, _FORCE))
            self._ends_s[pitch] = now_s + HELD_S
        elif key in "-=":
            self._lowest = min(max(self._lowest + (12 if key == "=" else -12), 0), 108)
        elif key == " ":
            self._ends_s.clear()
            self._ring.push(Event(now_s, CONTROL, 1, ALL_SOUND_OFF))

    def rest(self, now_s: float) -> None:
        """Time went by: notes whose keys are not repeated any more end."""
        for pitch in [pitch for pitch, end_s in self._ends_s.items() if end_s <= now_s]:
            del self._ends_s[pitch]
            self._ring.push(Event(now_s, NOTE_OFF, 1, pitch))


@contextmanager
def reading_keys(ring: EventRing) -> Iterator[None]:
    """The terminal's keys go into a ring meanwhile; Ctrl-C keeps its meaning.

    Raises:
        BadInput: stdin is no terminal.
    """
    if not sys.stdin.isatty():
        raise BadInput("--keys wants a terminal to read from: stdin is none")
    keys, closed = ComputerKeys(ring), threading.Event()
    with _terminal() as next_key:

        def read() -> None:
            while not closed.is_set():
                key = next_key()
                if key:
                    keys.press(key, time.perf_counter())
                keys.rest(time.perf_counter())

        thread = threading.Thread(target=read, daemon=True, name="read keys")
        thread.start()
        try:
            yield
        finally:
            closed.set()
            thread.join()


@contextmanager
def _terminal() -> Iterator[Callable[[], str]]:
    """What waits a moment for the next key of a terminal, which meanwhile shows none of them."""
    if sys.platform == "win32":
        import msvcrt

        def next_key() -> str:
            time.sleep(0 if msvcrt.kbhit() else _LOOK_S)
            return msvcrt.getwch() if msvcrt.kbhit() else ""

        yield next_key
        return
    import os
    import select
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)

    def next_key() -> str:
        ready, _, _ = select.select([descriptor], [], [], _LOOK_S)
        return os.read(descriptor, 1).decode("latin-1") if ready else ""

    tty.setcbreak(descriptor)
    try:
        yield next_key
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
