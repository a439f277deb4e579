"""A sound card that hears and plays at once, through PortAudio."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch

from timbrel.errors import BadInput
from timbrel.live.clock import BlockClock
from timbrel.live.following import FollowEngine
from timbrel.live.quiet import native_quiet
from timbrel.live.sound_card import LONGEST_BLOCK, find_device, sounddevice_library


class Duplex:
    """A sound card that hears with its first channel, and plays what a follower makes of it.

    Attributes:
        name: of the device that plays.
        input_name: of the one that hears.
        sample_rate: in Hz.
        block: samples that are heard, and played, at once.
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
        sounddevice = sounddevice_library()
        number_out, self.name = find_device(device_out, "output")
        number_in, self.input_name = find_device(device_in, "input")
        self.sample_rate = engine.sample_rate
        self.block = block
        self.round_trip_s = 0.0
        self._engine = engine
        self._clock = BlockClock()
        self._mono = np.zeros(LONGEST_BLOCK, np.float32)
        self._is_first = True
        channels = min(2, sounddevice.query_devices(number_out)["max_output_channels"])
        try:
            with native_quiet():
                self._stream = sounddevice.Stream(
                    samplerate=self.sample_rate, blocksize=block, device=(number_in, number_out),
                    latency="low", channels=(1, channels), dtype="float32", callback=self._fill,
                )  # fmt: skip
        except sounddevice.PortAudioError as error:
            reason = str(error).partition(" [")[0]
            raise BadInput(
                f"{self.input_name} and {self.name} refuse {self.sample_rate} Hz in blocks of "
                f"{block} ({reason}): try another --rate, --block, --audio-in or --out"
            ) from None

    def __enter__(self) -> Duplex:
        with native_quiet():
            self._stream.start()
        return self

    def __exit__(self, *_: object) -> None:
        with native_quiet():
            self._stream.abort()
            self._stream.close()

    def _fill(self, heard: Any, out: Any, frames: int, times: Any, status: Any) -> None:
        """The callback: it raises nothing, prints nothing and waits for nothing."""
        now_s = time.perf_counter()
        if self._is_first:
            torch.set_flush_denormal(True)  # of this thread only, where a processor can
            self._is_first = False
        meter = self._engine.meter
        if status.output_underflow:
            meter.ran_dry()
        if status.input_overflow:
            meter.overflows += 1
        length_s = frames / self.sample_rate
        self.round_trip_s = times.outputBufferDacTime - times.inputBufferAdcTime
        mono = self._mono[:frames]
        self._engine.process(heard[:, 0], mono, self._clock.tick(now_s, length_s))
        out[:] = mono[:, None]
        meter.count(time.perf_counter() - now_s, length_s)
