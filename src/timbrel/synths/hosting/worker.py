"""One child process that holds a plug-in, as its parent sees it.

It is started by its path, not by multiprocessing: so no script needs a guard around its main part,
and a child imports none of what its parent did. It hears no Ctrl-C; it ends when its input does,
which a killed parent closes too.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from timbrel.errors import MissingExtra, SynthFailed
from timbrel.synths.hosting.child.wire import receive, send

_PROGRAM = Path(__file__).parent / "child"
_GRACE_S = 5.0

VST, VITAL = "engines:VstEngine", "engines:VitalEngine"
"""Engines that children know."""

Answer = tuple[dict[str, Any], bytes]


@dataclass(frozen=True)
class PlugIn:
    """What a child loads.

    Attributes:
        name: what messages call it.
        engine: who loads it there: a module and its class, as in `child/engines.py`.
        path: its file; empty where the engine is the synthesizer.
        extra: that of timbrel which installs the engine.
        limit_s: how long one render may take.
        load_limit_s: how long loading may take.
        environment: what the child is told besides what its parent was.
    """

    name: str
    engine: str
    path: str
    extra: str
    limit_s: float = 30.0
    load_limit_s: float = 60.0
    environment: Mapping[str, str] = field(default_factory=dict)


class Worker:
    """A child that is started when it is first asked, and anew after it had to be ended."""

    def __init__(self, plug_in: PlugIn) -> None:
        self._plug_in = plug_in
        self._process: subprocess.Popen[bytes] | None = None
        self._end: weakref.finalize[..., Worker] | None = None
        self.controls: list[dict[str, Any]] = []

    def start(self) -> None:
        """Load the plug-in, where that has not happened yet.

        Raises:
            MissingExtra: who loads it is not installed.
            SynthFailed: it cannot be loaded.
        """
        if self._process is not None:
            return
        self._process = self._spawned()
        self._end = weakref.finalize(self, _end, self._process)
        try:
            head, _ = self._heard(self._plug_in.load_limit_s, "while it was loaded")
            if "missing" in head:
                raise MissingExtra(f"{head['missing']}, which hosts {self._plug_in.name},",
                                   self._plug_in.extra)  # fmt: skip
            if "error" in head:
                raise SynthFailed(f"{self._plug_in.name} cannot be loaded: {head['error']}")
        except BaseException:
            self.end()
            raise
        self.controls = head["controls"]

    def ask(self, request: dict[str, Any]) -> Answer:
        """What the child answers.

        Raises:
            SynthFailed: it crashed, hung, or made nothing that can be used.
        """
        self.start()
        try:
            with suppress(BrokenPipeError):
                send(cast("BinaryIO", self._running.stdin), request)
            head, payload = self._heard(self._plug_in.limit_s + _GRACE_S, "at work")
        except BaseException:  # an answer that is not awaited would be taken for the next one
            self.end()
            raise
        if "error" in head:
            raise SynthFailed(f"{self._plug_in.name} {head['error']}")
        return head, payload

    def end(self) -> None:
        """End the child, if there is one, and what it started."""
        if self._end is not None:
            self._end()
        self._process = self._end = None

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    def _spawned(self) -> subprocess.Popen[bytes]:
        told = self._plug_in
        return subprocess.Popen(
            [sys.executable, str(_PROGRAM), told.engine, told.path, str(told.limit_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
            | dict(told.environment),
            start_new_session=True,
        )  # fmt: skip

    def _heard(self, limit_s: float, when: str) -> Answer:
        """The next frame of the child, which is killed where it does not come in time."""
        process, late = self._running, threading.Event()

        def kill() -> None:
            late.set()
            _kill(process)

        timer = threading.Timer(limit_s, kill)
        timer.daemon = True
        timer.start()
        try:
            frame = receive(cast("BinaryIO", process.stdout))
        finally:
            timer.cancel()
        if frame is not None:
            return frame
        name = self._plug_in.name
        if late.is_set():
            raise SynthFailed(f"{name} hung {when}: nothing came within {limit_s:g} s")
        raise SynthFailed(f"{name} crashed {when} ({_cause(process)})")


def _cause(process: subprocess.Popen[bytes]) -> str:
    code = process.wait(_GRACE_S)
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        _kill(process)
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
