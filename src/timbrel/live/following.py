"""The live engine of a follower: a microphone's blocks in, blocks of sound out.

    block -> gain -> listener --frames--> leaps, gate, shift -> follower -> dry -> gain, limiter

A block is taken apart where frames end: a frame is told at the very sample at which it was heard,
whatever the blocks, so that the sound is always as far behind. `process` waits for no lock, prints
nothing and keeps nothing. What a follower does wrong is heard as silence and counted.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64

from timbrel.dsp.clearness import SURE
from timbrel.dsp.leaps import Leaps
from timbrel.dsp.listening import DELAY_FRAMES, FRAME_RATE, Listener
from timbrel.dsp.loudness import SILENCE_DB
from timbrel.live.event_driven import EventDriven
from timbrel.live.events import CONTROL
from timbrel.live.knobs import Knobs
from timbrel.live.levelling import Levelling, silence_what_is_no_number
from timbrel.live.meter import Meter
from timbrel.sound.playing import Follower
from timbrel.units import amplitude_to_db, db_to_amplitude

REMEMBERED_S = 10.0
"""What was heard so long is remembered."""

LONGEST_BLOCK = 8192
"""Samples that are heard, and filled, at once."""

_HYSTERESIS_DB = 6.0
_LOUDEST = np.float32(8.0)
_WARM_S = 0.1
_NOTHING = 0.0, SILENCE_DB, 0.0


class Gate:
    """Opens at a level, and closes only some way below it, so that it does not flutter.

    Attributes:
        is_open: now.

    >>> gate = Gate(-40.0)
    >>> [gate.passes(level_db) for level_db in (-41.0, -39.0, -45.0, -47.0, -41.0)]
    [False, True, True, False, False]
    """

    def __init__(self, opens_db: float) -> None:
        self.is_open = False
        self._opens_db, self._closes_db = opens_db, opens_db - _HYSTERESIS_DB

    def passes(self, level_db: float) -> bool:
        """Whether it is open at the next level."""
        self.is_open = level_db >= (self._closes_db if self.is_open else self._opens_db)
        return self.is_open


class Shift(NamedTuple):
    """What is done to what was heard, before it is told."""

    ratio: float = 1.0
    gain_db: float = 0.0


class FollowEngine(EventDriven):
    """Hears blocks and fills others; events of controllers turn the follower's controls.

    Attributes:
        shift: of what is told; another thread may set it.
        heard_hz: the latest pitch, 0 where there is none.
        channel: the only MIDI channel that is listened to, 1..16; 0 listens to all.

    Args:
        follower: what sounds.
        knobs: which controller turns what.
        gate: what is softer is silence.
        input_gain: of what is heard.
        dry: share of what is heard in the sound, 0..1.
        gain: of the whole, before the limiter.
    """

    def __init__(
        self,
        follower: Follower,
        knobs: Knobs | None = None,
        *,
        gate: Gate | None = None,
        input_gain: float = 1.0,
        dry: float = 0.0,
        gain: float = 1.0,
    ) -> None:
        super().__init__()
        self.follower = follower
        self.sample_rate = follower.sample_rate
        self.knobs = knobs or Knobs()
        self.shift = Shift()
        self.heard_hz = 0.0
        self.channel = 0
        self._gate = gate or Gate(SILENCE_DB)
        self._input_gain, self._dry, self._gain = np.float32(input_gain), np.float32(dry), gain
        self._mono = np.zeros(LONGEST_BLOCK, np.float32)
        self._memory = np.zeros((round(REMEMBERED_S * FRAME_RATE), 3))
        self._memory[:] = _NOTHING
        self._listener, self._leaps = Listener(self.sample_rate), Leaps(FRAME_RATE)
        self._levelling = Levelling(self.sample_rate, gain)
        self._at = self._frames = 0
        self._peak = 0.0

    @property
    def delay_s(self) -> float:
        """From what is heard to what sounds, blocks and sound card apart.

        A frame tells of the middle of its window, and the follower goes from the frame before it to
        it in the time of one more.
        """
        return (DELAY_FRAMES + 1) / FRAME_RATE

    def process(
        self,
        heard: Float32[np.ndarray, " time"],
        out: Float32[np.ndarray, " time"],
        before_s: float,
    ) -> None:
        """Hear a block and fill another of the same size, at most 8192 samples.

        Args:
            heard: what the microphone heard.
            out: the block to fill.
            before_s: events of times before it are obeyed.
        """
        self._obey(before_s)
        mono = self._mono[: len(out)]
        np.clip(heard * self._input_gain, -_LOUDEST, _LOUDEST, out=mono)
        silence_what_is_no_number(mono, self.meter)
        self._peak = max(self._peak, float(np.abs(mono).max(initial=0.0)))
        try:
            self._follow(mono, out)
        except Exception as error:
            out[:] = 0.0
            self._failed(error)
        if self._dry:
            out *= 1 - self._dry
            out += self._dry * mono
        self._levelling.level(out, self._gain, self.meter)

    def warm_up(self, block: int) -> None:
        """Hear silence for a while, so that no first time is left for the callback."""
        silence, out = np.zeros(block, np.float32), np.zeros(block, np.float32)
        for _ in range(math.ceil(_WARM_S * self.sample_rate / block)):
            self.process(silence, out, 0.0)
        self.meter = Meter()

    def look_at_level_db(self) -> float:
        """The highest peak heard since the last look, in dB."""
        peak, self._peak = self._peak, 0.0
        return amplitude_to_db(max(peak, db_to_amplitude(SILENCE_DB)))

    def remembered(self) -> Float64[np.ndarray, "frames 3"]:
        """Pitch, loudness and confidence of what passed the gate in the last seconds, in order."""
        count, size = self._frames, len(self._memory)
        return np.roll(self._memory, -(count % size), axis=0)[max(size - count, 0) :]

    def _follow(
        self, mono: Float32[np.ndarray, " time"], out: Float32[np.ndarray, " time"]
    ) -> None:
        done, hop = 0, self.sample_rate / FRAME_RATE
        while done < len(out):
            ends = math.ceil((self._frames + 1) * hop) - self._at
            part = slice(done, min(done + ends, len(out)))
            self.follower.process(out[part])
            self._at += part.stop - done
            done = part.stop
            if self._listener.process(mono[part]):
                self._tell()

    def _tell(self) -> None:
        listener, shift = self._listener, self.shift
        sure = self._leaps.believed(listener.f0_hz, listener.confidence)
        frame = listener.f0_hz, listener.loudness_db, sure
        if not self._gate.passes(listener.loudness_db):
            frame = _NOTHING
        self._memory[self._frames % len(self._memory)] = frame
        self._frames += 1
        f0_hz, loudness_db, confidence = frame
        self.heard_hz = f0_hz if confidence >= SURE else 0.0
        gain_db = shift.gain_db if loudness_db > SILENCE_DB else 0.0
        self.follower.hear(f0_hz * shift.ratio, loudness_db + gain_db, confidence)

    def _obey(self, before_s: float) -> None:
        for ring in self.rings:
            for event in ring.due(before_s):
                if event.kind != CONTROL or self.channel not in (0, event.channel):
                    continue
                turned = self.knobs.turned(event.data1, event.data2)
                if turned is not None:
                    self._turn(*turned)

    def _turn(self, control: str, value: float) -> None:
        try:
            self.follower.set(control, value)
        except Exception as error:
            self._failed(error)
