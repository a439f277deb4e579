"""Sound cards, through PortAudio: which there are, and one that plays an engine."""

from __future__ import annotations

import time
from typing import Any, Literal

import numpy as np
import torch

from timbrel.errors import BadInput, MissingExtra, Unsupported
from timbrel.live.clock import BlockClock
from timbrel.live.engine import Engine
from timbrel.live.quiet import native_quiet

Side = Literal["input", "output"]

LONGEST_BLOCK = 8192
_CALLED = {"input": "microphone", "output": "sound card"}
_NONE = {
    "input": "no microphone: no sound card that hears was found",
    "output": "no sound card: none that plays was found (is JACK or PulseAudio running?)",
}


def sounddevice_library() -> Any:
    """The library.

    Raises:
        MissingExtra: it is not installed.
        Unsupported: PortAudio is not.
    """
    try:
        with native_quiet():
            import sounddevice
    except ImportError:
        raise MissingExtra("sounddevice", "live") from None
    except OSError:
        raise Unsupported("PortAudio is not installed: apt-get install libportaudio2") from None
    return sounddevice


def _devices(side: Side) -> list[tuple[int, str]]:
    """Number and name of each device of a side, the driver's name behind its own."""
    sounddevice = sounddevice_library()
    drivers = [api["name"] for api in sounddevice.query_hostapis()]
    return [
        (number, f"{device['name']} ({drivers[device['hostapi']]})")
        for number, device in enumerate(sounddevice.query_devices())
        if device.get(f"max_{side}_channels", 0) > 0
    ]


def output_devices() -> list[str]:
    """Names of the devices that play; none on a machine without a sound card.

    Raises:
        MissingExtra: sounddevice is not installed.
    """
    return [name for _, name in _devices("output")]


def input_devices() -> list[str]:
    """Names of the devices that hear, as `output_devices`."""
    return [name for _, name in _devices("input")]


class Output:
    """A sound card that plays an engine, which is mono: the same on its first two channels.

    Attributes:
        name: of the device.
        sample_rate: in Hz.
        block: samples that the engine is asked for at once.

    Args:
        engine: what is played.
        device: part of a device's name as `output_devices` gives it; None takes the system's.
        block: samples at once.

    Raises:
        MissingExtra: sounddevice is not installed.
        BadInput: there is no such device, or it refuses.
    """

    def __init__(self, engine: Engine, device: str | None, block: int) -> None:
        sounddevice = sounddevice_library()
        number, self.name = find_device(device, "output")
        self.sample_rate = engine.player.sample_rate
        self.block = block
        self._engine = engine
        self._clock = BlockClock()
        self._mono = np.zeros(LONGEST_BLOCK, np.float32)
        self._is_first = True
        channels = min(2, sounddevice.query_devices(number)["max_output_channels"])
        try:
            with native_quiet():
                self._stream = sounddevice.OutputStream(
                    samplerate=self.sample_rate, blocksize=block, device=number, latency="low",
                    channels=channels, dtype="float32", callback=self._fill,
                )  # fmt: skip
        except sounddevice.PortAudioError as error:
            reason = str(error).partition(" [")[0]
            raise BadInput(
                f"{self.name} refuses {self.sample_rate} Hz in blocks of {block} ({reason}): try "
                "another --rate, --block or --out"
            ) from None

    @property
    def latency_s(self) -> float:
        """From the callback to the loudspeaker, as the driver says."""
        return float(self._stream.latency)

    def __enter__(self) -> Output:
        with native_quiet():
            self._stream.start()
        return self

    def __exit__(self, *_: object) -> None:
        with native_quiet():
            self._stream.abort()
            self._stream.close()

    def _fill(self, out: Any, frames: int, _: object, status: Any) -> None:
        """The callback: it raises nothing, prints nothing and waits for nothing."""
        now_s = time.perf_counter()
        if self._is_first:
            torch.set_flush_denormal(True)  # of this thread only, where a processor can
            self._is_first = False
        meter = self._engine.meter
        if status.output_underflow:
            meter.ran_dry()
        length_s = frames / self.sample_rate
        begin_s = self._clock.tick(now_s, length_s)
        mono = self._mono[:frames]
        self._engine.process(mono, begin_s)
        out[:] = mono[:, None]
        meter.count(time.perf_counter() - now_s, length_s)


def find_device(wanted: str | None, side: Side) -> tuple[int, str]:
    """Number and name of the device that is named so, or of the system's.

    Raises:
        BadInput: there is none.
    """
    there = _devices(side)
    if not there:
        raise BadInput(_NONE[side])
    if wanted is None:
        default = int(sounddevice_library().default.device[("input", "output").index(side)])
        return next((device for device in there if device[0] == default), there[0])
    for number, name in there:
        if wanted.casefold() in name.casefold():
            return number, name
    names = ", ".join(name for _, name in there)
    raise BadInput(f"no {_CALLED[side]} {wanted!r}: there are {names}")
