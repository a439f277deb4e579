"""A few child processes that share the work of one plug-in."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from typing import Any

from timbrel.errors import SynthFailed, TimbrelError
from timbrel.synths.hosting.worker import Answer, PlugIn, Worker


class Host:
    """Children that are started as they are needed, and end with whoever asks.

    Args:
        plug_in: what each of them loads.
        processes: how many there are at most; None is one a core.
    """

    def __init__(self, plug_in: PlugIn, processes: int | None = None) -> None:
        self.plug_in = plug_in
        self._workers = [Worker(plug_in) for _ in range(max(1, processes or _cores()))]
        self._lock = threading.Lock()

    def limit(self, processes: int) -> None:
        """Have no more children than that."""
        with self._lock:
            for worker in self._workers[max(1, processes) :]:
                worker.end()
            del self._workers[max(1, processes) :]

    def controls(self) -> list[dict[str, Any]]:
        """What the plug-in says of its knobs.

        Raises:
            MissingExtra: who loads it is not installed.
            SynthFailed: it cannot be loaded.
        """
        with self._lock:
            self._workers[0].start()
            return self._workers[0].controls

    def ask(self, request: dict[str, Any]) -> Answer:
        """The answer to one request.

        Raises:
            SynthFailed: the plug-in crashed, hung, or made nothing that can be used.
        """
        with self._lock:
            return self._workers[0].ask(request)

    def ask_all(self, requests: Sequence[dict[str, Any]]) -> list[Answer | TimbrelError]:
        """The answers in order; where there is none, the error that `ask` would raise."""
        with self._lock:
            return _Round(requests).share(self._workers[: len(requests)])

    def end(self) -> None:
        """End all children; the next request starts them again."""
        for worker in self._workers:
            worker.end()


class _Round:
    """Requests that are being worked through."""

    def __init__(self, requests: Sequence[dict[str, Any]]) -> None:
        self._answers: list[Answer | TimbrelError] = [SynthFailed("it was not rendered")] * len(
            requests
        )
        self._waiting: SimpleQueue[tuple[int, dict[str, Any]]] = SimpleQueue()
        for numbered in enumerate(requests):
            self._waiting.put(numbered)

    def share(self, workers: Sequence[Worker]) -> list[Answer | TimbrelError]:
        """Have them all work; this thread works for the first of them."""
        others = [
            threading.Thread(target=self._work, args=(worker,), daemon=True)
            for worker in workers[1:]
        ]
        try:
            for other in others:
                other.start()
            for worker in workers[:1]:
                self._work(worker)
            for other in others:
                other.join()
        except BaseException:  # Ctrl-C: nobody waits for the rest
            self._waiting = SimpleQueue()
            for worker in workers:
                worker.end()
            raise
        return self._answers

    def _work(self, worker: Worker) -> None:
        while True:
            try:
                index, request = self._waiting.get_nowait()
            except Empty:
                return
            try:
                self._answers[index] = worker.ask(request)
            except TimbrelError as error:
                self._answers[index] = error
            except (OSError, subprocess.SubprocessError) as error:
                self._answers[index] = SynthFailed(f"no process for the plug-in ({error})")


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
