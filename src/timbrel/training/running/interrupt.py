"""Ctrl-C and SIGTERM end a run after the step in hand, with everything saved."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Any


class Stopped(SystemExit):
    """A run was interrupted and has saved itself; the exit status is the shell's for the signal."""

    def __init__(self, signal_number: int, step: int, run: Path) -> None:
        super().__init__(128 + signal_number)
        self.step = step
        self.run = run


class Interrupt:
    """While entered, notes the first SIGINT or SIGTERM; a second SIGINT ends the program at once.

    Attributes:
        signal: the number of the signal that came, SIGINT's before any did.
        asked: whether one came.
    """

    def __init__(self) -> None:
        self.signal: int = signal.SIGINT
        self.asked = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self.asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.asked, self.signal = True, number
