"""The network's room around what is played, block by block."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float32

from timbrel.dsp.compiling import kernel
from timbrel.dsp.convolving import Convolver
from timbrel.dsp.room import Room
from timbrel.instruments.ddsp.turning import KNOB_S
from timbrel.sound.playing import QUIET_AFTER_S
from timbrel.units import db_to_amplitude

_PIECE = 1024
"""Samples at once: longer blocks come in pieces."""


class LiveRoom:
    """What `Room` makes of a whole sound, with a gain of what comes back.

    Args:
        room: as it was learned.
        sample_rate: of the blocks, in Hz; at another one the room is made anew.
    """

    def __init__(self, room: Room, sample_rate: int) -> None:
        self._convolver = _convolver(room, sample_rate)
        self._back = np.zeros(_PIECE, np.float32)
        self._nothing = np.zeros(_PIECE, np.float32)
        self._step = 1 - np.exp(-1 / (KNOB_S * sample_rate))
        self._gain = np.ones(1)
        self._goal = 1.0
        self._fade = max(1, int(QUIET_AFTER_S * sample_rate))
        self._fade_left = 0
        self.process(self._nothing[:1].copy())

    def turn(self, gain_db: float, *, is_heard: bool) -> None:
        """How loud comes back what does; where nothing is heard, from now on."""
        self._goal = db_to_amplitude(gain_db)
        if not is_heard:
            self._gain[0] = self._goal

    def silence(self) -> None:
        """Let what comes back fade; what sounds meanwhile finds no room yet."""
        self._fade_left = self._fade

    def process(self, sound: Float32[np.ndarray, " time"]) -> None:
        """Add to a block what comes back while it sounds."""
        if self._convolver is None:
            return
        begin = 0
        while begin < len(sound):
            end = min(len(sound), begin + (min(self._fade_left, _PIECE) or _PIECE))
            piece, back = sound[begin:end], self._back[: end - begin]
            heard = self._nothing[: end - begin] if self._fade_left else piece
            self._convolver.process(heard, back)
            _mix(piece, back, self._gain, self._goal, self._step, self._fade_left, self._fade)
            self._pass(end - begin)
            begin = end

    def _pass(self, samples: int) -> None:
        if self._fade_left and self._convolver is not None:
            self._fade_left -= samples
            if self._fade_left == 0:
                self._convolver.silence()


def _convolver(room: Room, sample_rate: int) -> Convolver | None:
    if room.length == 0:
        return None
    with torch.no_grad():
        return Convolver(room.at(sample_rate).response().cpu().numpy())


@kernel
def _mix(out, back, gain, goal, step, fade_left, fade):
    here = gain[0]
    for n in range(len(out)):
        here += step * (goal - here)
        share = (fade_left - n) / fade if fade_left > 0 else 1.0
        out[n] += np.float32(here * share) * back[n]
    gain[0] = here
