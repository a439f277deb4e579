"""A sound card that plays an engine, through PortAudio, and one that hears for it as well."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Float32

from timbrel.errors import BadInput
from timbrel.live.clock import BlockClock
from timbrel.live.devices import find_device, sounddevice_library
from timbrel.live.engine import Engine
from timbrel.live.following import LONGEST_BLOCK, FollowEngine
from timbrel.live.quiet import native_quiet

Card = TypeVar("Card", bound="SoundCard")


class SoundCard:
    """A sound card that plays while it is entered: one mono block on its first two channels.

    Attributes:
        name: of the device that plays.
        sample_rate: in Hz.
        block: samples that the engine is asked for at once.
    """

    _stream: Any

    def __init__(
        self, engine: Engine | FollowEngine, device: str | None, sample_rate: int, block: int
    ) -> None:
        sounddevice = sounddevice_library()
        self._number, self.name = find_device(device, "output")
        self.sample_rate = sample_rate
        self.block = block
        self._engine = engine
        self._clock = BlockClock()
        self._mono = np.zeros(LONGEST_BLOCK, np.float32)
        self._is_first = True
        self._channels = min(2, sounddevice.query_devices(self._number)["max_output_channels"])

    def __enter__(self: Card) -> Card:
        with native_quiet():
            self._stream.start()
        return self

    def __exit__(self, *_: object) -> None:
        with native_quiet():
            self._stream.abort()
            self._stream.close()

    def _open(self, kind: str, who_refuses: str, options: str, **told: Any) -> None:
        """Make the stream, one of PortAudio's kinds.

        Raises:
            BadInput: the device refuses; the message names those options.
        """
        sounddevice = sounddevice_library()
        try:
            with native_quiet():
                self._stream = getattr(sounddevice, kind)(
                    samplerate=self.sample_rate, blocksize=self.block, latency="low",
                    dtype="float32", **told,
                )  # fmt: skip
        except sounddevice.PortAudioError as error:
            reason = str(error).partition(" [")[0]
            raise BadInput(
                f"{who_refuses} {self.sample_rate} Hz in blocks of {self.block} ({reason}): "
                f"try another {options}"
            ) from None

    def _play(
        self,
        process: Callable[[Float32[np.ndarray, " time"], float], None],
        out: Any,
        frames: int,
        status: Any,
    ) -> None:
        """A callback's work: it raises nothing, prints nothing and waits for nothing."""
        now_s = time.perf_counter()
        if self._is_first:
            torch.set_flush_denormal(True)  # of this thread only, where a processor can
            self._is_first = False
        meter = self._engine.meter
        if status.output_underflow:
            meter.ran_dry()
        length_s = frames / self.sample_rate
        mono = self._mono[:frames]
        process(mono, self._clock.tick(now_s, length_s))
        out[:] = mono[:, None]
        meter.count(time.perf_counter() - now_s, length_s)


class Output(SoundCard):
    """A sound card that plays an engine.

    Args:
        engine: what is played.
        device: part of a device's name as `output_devices` gives it; None takes the system's.
        block: samples at once.

    Raises:
        MissingExtra: sounddevice is not installed.
        BadInput: there is no such device, or it refuses.
    """

    def __init__(self, engine: Engine, device: str | None, block: int) -> None:
        super().__init__(engine, device, engine.player.sample_rate, block)
        self._process = engine.process
        self._open(
            "OutputStream", f"{self.name} refuses", "--rate, --block or --out",
            device=self._number, channels=self._channels, callback=self._fill,
        )  # fmt: skip

    @property
    def latency_s(self) -> float:
        """From the callback to the loudspeaker, as the driver says."""
        return float(self._stream.latency)

    def _fill(self, out: Any, frames: int, _: object, status: Any) -> None:
        self._play(self._process, out, frames, status)


class Duplex(SoundCard):
    """A sound card that hears with its first channel, and plays what a follower makes of it.

    Attributes:
        input_name: of the device that hears.
        round_trip_s: from the microphone to the loudspeaker, without what the engine takes: what
            the driver says of the latest block, the block included; 0 before the first.

    Args:
        engine: what hears and plays.
        device_in, device_out: parts of devices' names; None takes the system's.
        block: samples at once.

    Raises:
        MissingExtra: sounddevice is not installed.
        BadInput: there is no such device, or it refuses.
    """

    def __init__(
        self, engine: FollowEngine, device_in: str | None, device_out: str | None, block: int
    ) -> None:
        super().__init__(engine, device_out, engine.sample_rate, block)
        number_in, self.input_name = find_device(device_in, "input")
        self.round_trip_s = 0.0
        self._process = engine.process
        self._open(
            "Stream", f"{self.input_name} and {self.name} refuse",
            "--rate, --block, --audio-in or --out",
            device=(number_in, self._number), channels=(1, self._channels), callback=self._fill,
        )  # fmt: skip

    def _fill(self, heard: Any, out: Any, frames: int, times: Any, status: Any) -> None:
        if status.input_overflow:
            self._engine.meter.overflows += 1
        self.round_trip_s = times.outputBufferDacTime - times.inputBufferAdcTime
        self._play(partial(self._process, heard[:, 0]), out, frames, status)
