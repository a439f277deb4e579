"""`ddsp` following a live melody: `transfer`, frame by frame as it is heard.

    hear ------> a ring of what was heard
    process ---> while the voice lacks a frame: the decoder's next step, a frame pushed
            ---> one voice of `TrackVoices`, then the room

The voice begins with the second frame, since it goes from one to the next. Nothing waits: what was
heard is said when it is needed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32
from torch import Tensor

from timbrel.audio.resampling import check_rate
from timbrel.dsp.clearness import SURE
from timbrel.dsp.listening import FRAME_RATE
from timbrel.dsp.loudness import SILENCE_DB
from timbrel.dsp.tracks import TrackVoices
from timbrel.instruments.ddsp.compiled_network import F0_HZ
from timbrel.instruments.ddsp.frames import MOST_PARTIALS, frames_of, push_said
from timbrel.instruments.ddsp.live_room import LiveRoom
from timbrel.instruments.ddsp.sounding import MIDDLE_HZ
from timbrel.instruments.ddsp.stepping import stepper_of
from timbrel.instruments.ddsp.turning import Turning
from timbrel.sound.control import number
from timbrel.sound.notes import CURVES
from timbrel.sound.playing import Follower, playable

if TYPE_CHECKING:
    from timbrel.instruments.ddsp.instrument import Ddsp

MOST_WAITING = 64
"""Frames that may wait to be played, 0.3 s: of more the oldest are passed over."""

_PIECE_S = 0.1


class DdspFollower(Follower):
    """Plays what it hears with one timbre.

    A new timbre is that of the next frame; the gains are followed within 40 ms, and at once until
    something is heard. The controls of played notes change nothing.

    Args:
        instrument: whose weights are copied.
        timbre: to begin with.
        sample_rate: of the blocks, in Hz.

    Raises:
        BadInput: the timbre does not fit, or nothing is played at that rate.
    """

    frame_rate = FRAME_RATE

    def __init__(self, instrument: Ddsp, timbre: Tensor, sample_rate: int) -> None:
        check_rate(sample_rate)
        network = instrument.network
        self.sample_rate = sample_rate
        self._space, self._layout = instrument.timbre_space, instrument.layout
        self._stepper = stepper_of(network.decoder, 1)
        self._row = np.zeros(1, np.int64)
        self._tracks = TrackVoices(
            1, sample_rate, n_harmonics=MOST_PARTIALS, n_bands=network.bands.n_bands
        )
        self._frames = frames_of(network, sample_rate)
        self._room = LiveRoom(network.room, sample_rate)
        self._turning = Turning(sample_rate)
        self._heard = np.zeros((MOST_WAITING, 3))
        self._latest = (MIDDLE_HZ, SILENCE_DB, 0.0)
        self._told = self._taken = 0
        self._piece = max(1, round(_PIECE_S * sample_rate))
        # so that no later call compiles
        self._push(MIDDLE_HZ)
        self.set_timbre(timbre)

    def hear(self, f0_hz: float, loudness_db: float, confidence: float) -> None:
        """What was heard in the next frame; one that holds NaN is as the one before."""
        heard = dict(zip(CURVES, (f0_hz, loudness_db, confidence), strict=True))
        if all(math.isfinite(number(name, value)) for name, value in heard.items()):
            f0_hz, loudness_db, confidence = (
                playable(name, value, *CURVES[name]) for name, value in heard.items()
            )
            sure_hz = f0_hz if confidence >= SURE and f0_hz > 0 else self._latest[F0_HZ]
            self._latest = sure_hz, loudness_db, confidence
        if self._told - self._taken == MOST_WAITING:
            self._take()
        self._heard[self._told % MOST_WAITING] = self._latest
        self._told += 1

    def set_timbre(self, timbre: Tensor) -> None:
        """Go on with another timbre."""
        latent = self._layout.latent_of(self._space.for_player(timbre))
        self._stepper.latents[0] = latent.numpy()

    def set(self, control: str, value: float) -> None:
        """Turn a control."""
        clock, is_heard = int(self._tracks.age[0]), self._is_sounding
        self._turning.set(control, value, clock, is_heard=is_heard)
        self._room.turn(self._turning.goal("reverb_gain"), is_heard=is_heard)

    def process(self, out: Float32[np.ndarray, " time"]) -> None:
        """Fill a block; it is silent until two frames were heard."""
        out[:] = 0.0
        if not self._is_sounding:
            if self._told < 2:
                return
            self._tracks.begin(0)
        for begin in range(0, len(out), self._piece):
            piece = out[begin : begin + self._piece]
            lacking = int(self._tracks.missing(len(piece))[0])
            for _ in range(min(lacking, self._told - self._taken)):
                self._play_next()
            self._tracks.process(piece)
            self._room.process(piece)

    @property
    def _is_sounding(self) -> bool:
        return bool(self._tracks.sounding[0])

    def _take(self) -> None:
        """Have the decoder answer the frame that has waited longest."""
        self._stepper.asked[0] = self._heard[self._taken % MOST_WAITING]
        self._stepper.step(self._row, 1)
        self._taken += 1

    def _play_next(self) -> None:
        self._take()
        self._push(float(self._stepper.asked[0, F0_HZ]))

    def _push(self, f0_hz: float) -> None:
        said = self._stepper.said[0]
        push_said(self._tracks.state, self._frames, self._turning.knobs, 0, said, f0_hz, 0.0)
