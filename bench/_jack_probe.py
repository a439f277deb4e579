"""A JACK server without a sound card: plays MIDI or sound into a program, and hears what it makes.

with Server() as server, Probe(server, seconds=3) as probe:
... start a program with server.environment, then
probe.listen("PortAudio")
probe.strike(at_s, [0x90, 60, 100])
probe.heard()
"""

from __future__ import annotations

import contextlib
import heapq
import os
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np

PERIOD = 256
SAMPLE_RATE = 48000
_STILL_S = 20.0


class Server:
    """`jackd` with its dummy driver, under a name of its own.

    Args:
        period: samples a block.
    """

    def __init__(self, period: int = PERIOD) -> None:
        self.name = f"timbrel-{os.getpid()}-{secrets.token_hex(2)}"
        self.environment = os.environ | {
            "JACK_DEFAULT_SERVER": self.name,
            "JACK_NO_START_SERVER": "1",
        }
        self._period = period

    def __enter__(self) -> Server:
        program = shutil.which("jackd")
        if program is None:
            raise FileNotFoundError("jackd is not installed: apt-get install jackd2")
        driver = ["-d", "dummy", "-r", str(SAMPLE_RATE), "-p", str(self._period)]
        self._command = [program, "--name", self.name, "--no-realtime", *driver]
        self._process = self._started()
        return self

    def __exit__(self, *_: object) -> None:
        if not _ended(self._process):
            self._process.kill()
            self._process.wait()
            # JACK's book of servers has eight lines, and keeps that of a server which was killed
            # until one of the same name comes and goes
            successor = self._started()
            time.sleep(1.0)
            _ended(successor)

    @property
    def exit_code(self) -> int | None:
        """What it ended with; below zero where a client that was never closed held it."""
        return self._process.returncode

    def _started(self) -> subprocess.Popen[bytes]:
        quiet = subprocess.DEVNULL
        return subprocess.Popen(self._command, stdout=quiet, stderr=quiet)


class Probe:
    """A client that plays MIDI, or sings, at exact samples and records what comes back.

    Times are samples since it was made. What is heard is silence until `listen`.

    Args:
        server: where it connects.
        seconds: how much it can record.
    """

    def __init__(self, server: Server, seconds: float) -> None:
        import jack

        self.now = 0
        self._plan: list[tuple[int, int, bytes]] = []
        self._sound = np.zeros(round(seconds * SAMPLE_RATE) + 8 * PERIOD, np.float32)
        self._client = _client(jack, server)
        self._keys = self._client.midi_outports.register("keys")
        self._ear = self._client.inports.register("ear")
        self._mouth = self._client.outports.register("mouth")
        self._song, self._sung_from = np.zeros(0, np.float32), 0
        self._client.set_process_callback(self._process)

    def __enter__(self) -> Probe:
        self._client.activate()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.deactivate()
        self._client.close()

    @property
    def port(self) -> str:
        """The name under which a program finds the keys."""
        return self._keys.name

    def listen(self, client: str, patience_s: float = 30.0) -> None:
        """Connect the ear to the first audio port of a client that is about to come."""
        until = time.monotonic() + patience_s
        while time.monotonic() < until:
            ports = self._client.get_ports(client, is_audio=True, is_output=True)
            if ports:
                self._client.connect(ports[0], self._ear)
                return
            time.sleep(0.05)
        raise TimeoutError(f"no audio port of {client} within {patience_s:g} s")

    def strike(self, at: int, message: list[int]) -> None:
        """Send a MIDI message at a sample that is yet to come."""
        heapq.heappush(self._plan, (at, len(self._plan), bytes(message)))

    def sing_into(self, client: str) -> None:
        """Connect the mouth to the first audio port on which a client hears, and nobody else."""
        (port, *_) = self._client.get_ports(client, is_audio=True, is_input=True)
        for other in self._client.get_all_connections(port):
            self._client.disconnect(other, port)
        self._client.connect(self._mouth, port)

    def sing(self, at: int, sound: np.ndarray) -> None:
        """Send a sound from a sample on that is yet to come."""
        self._song, self._sung_from = np.asarray(sound, np.float32), at

    def wait_until(self, sample: int) -> None:
        """Return once so much has been heard.

        Raises:
            TimeoutError: time stands still, as when the server has thrown somebody out.
        """
        last, until = self.now, time.monotonic() + _STILL_S
        while self.now < sample:
            time.sleep(0.02)
            if self.now > last:
                last, until = self.now, time.monotonic() + _STILL_S
            elif time.monotonic() > until:
                raise TimeoutError(f"JACK has not asked for a block for {_STILL_S:g} s")

    def heard(self) -> np.ndarray:
        """Everything so far."""
        return self._sound[: self.now].copy()

    def _process(self, frames: int) -> None:
        begin, end = self.now, self.now + frames
        self._keys.clear_buffer()
        while self._plan and self._plan[0][0] < end:
            at, _, message = heapq.heappop(self._plan)
            self._keys.write_midi_event(max(at - begin, 0), message)
        mouth, song = self._mouth.get_array(), self._song
        mouth[:] = 0.0
        first, last = max(begin, self._sung_from), min(end, self._sung_from + len(song))
        if first < last:
            part = slice(first - self._sung_from, last - self._sung_from)
            mouth[first - begin : last - begin] = song[part]
        if end <= len(self._sound):
            self._sound[begin:end] = self._ear.get_array()
            self.now = end


def _ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether it ends when asked to."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)
        return True
    return False


def _client(jack: Any, server: Server) -> Any:
    """A client, as soon as the server answers."""
    jack.set_error_function(lambda _: None)
    jack.set_info_function(lambda _: None)
    until = time.monotonic() + 10
    while True:
        try:
            return jack.Client("probe", servername=server.name, no_start_server=True)
        except jack.JackOpenError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def is_installed() -> bool:
    """Whether there is a JACK server to start."""
    return shutil.which("jackd") is not None and Path("/dev/shm").is_dir()


def hear_ctrl_c() -> None:
    """What a shell starts in the background is deaf to it, and so are its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
