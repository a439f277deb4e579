"""Tracks played by compiled code as their frames come, block by block.

`TrackVoices` is the kernel of `render_tracks` held still between blocks; nothing in it allocates
once it is made. A live player uses it so:

    voices = TrackVoices(16, 48000, n_harmonics=100, n_bands=56)
    voices.begin(3, noise_start=take)            # at note on
    ...
    def process(out):                            # in the audio callback; any block size
        short = voices.missing(len(out))         # frames that each voice lacks for this block
        if short.any():                          # one batched call of the decoder for all of them
            voices.push(rows, *decoder(rows, when, frames))    # its f0_hz, harmonic_db, noise_db
        out[:] = 0
        voices.process(out)
    ...
    voices.end(3)                                # stolen: gone within 10 ms

Frames may be pushed well ahead (a chunk of 4 makes a decoder call every 20 ms), up to `ahead`. A
voice that runs out holds its last frame and goes on when the next one comes, without a click. A
note that is to die away by itself is given frames that do, and ended then.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int, Int64

from timbrel.dsp.tracks.kernel import play, push
from timbrel.dsp.tracks.state import NEVER, State, silent_voices
from timbrel.dsp.tracks.tracks import FRAME_RATE, amplitude_of


class TrackVoices:
    """Voices that play tracks as these come, block by block; blocks of any size sound the same.

    Making one compiles the kernel if no earlier process did, so that no later call does. All
    calls belong to one thread, and release Python's lock while they compute.

    Args:
        n_voices: notes at once.
        sample_rate: in Hz.
        n_harmonics: partials of each frame.
        n_bands: bands of each frame; those the rate has no room for are left out.
        frame_rate: frames per second.
        ahead: frames that a voice can hold.
    """

    def __init__(
        self,
        n_voices: int,
        sample_rate: int,
        *,
        n_harmonics: int,
        n_bands: int,
        frame_rate: float = FRAME_RATE,
        ahead: int = 64,
    ) -> None:
        self.n_voices = n_voices
        self.sample_rate = sample_rate
        self.n_harmonics = n_harmonics
        self.n_bands = n_bands
        self.ahead = ahead
        self._state = silent_voices(
            n_voices, sample_rate, frame_rate,
            n_harmonics=n_harmonics, n_bands=n_bands, n_frames=ahead + 1,
        )  # fmt: skip
        self._missing = np.zeros(n_voices, np.int64)
        none, nothing = np.empty((1, 0), np.float32), np.empty((1, 0, 1), np.float32)
        self.push(np.array([0]), none, nothing, nothing)
        self.process(none[0])

    @property
    def state(self) -> State:
        """What compiled code pushes frames to; they are a player's own affair."""
        return self._state

    @property
    def sounding(self) -> Bool[np.ndarray, " voices"]:
        """Which voices were begun and have not ended (to be read only)."""
        return self._state.of["is_sounding"]

    @property
    def age(self) -> Int64[np.ndarray, " voices"]:
        """Samples that each voice has played of its note (to be read only)."""
        return self._state.of["at"]

    @property
    def pushed(self) -> Int64[np.ndarray, " voices"]:
        """Frames that each voice has been given of its note (to be read only)."""
        return self._state.of["pushed"]

    def begin(
        self,
        voice: int,
        *,
        offset: Float[np.ndarray, " harmonics"] | None = None,
        start: Float[np.ndarray, " harmonics"] | None = None,
        transient_db: Float[np.ndarray, "ticks bands"] | None = None,
        noise_start: int = 0,
        fade_in_s: float = 0.0,
    ) -> None:
        """Begin a note on a voice, at the next sample; what it played is cut off.

        Args:
            voice: number of the voice.
            offset: of each partial; none by default.
            start: phase of each partial in cycles; 0 by default.
            transient_db: the note's burst; none by default.
            noise_start: sample of the noise bank to begin at.
            fade_in_s: in which it comes in along a raised cosine.
        """
        state, note = self._state, self._state.of[voice]
        note["is_sounding"], note["has_burst"] = True, transient_db is not None
        for counter in ("at", "hops", "until", "left", "right", "pushed"):
            note[counter] = 0
        note["fade_at"] = NEVER
        note["rise"] = round(fade_in_s * self.sample_rate)
        state.ratio[voice] = np.arange(1, self.n_harmonics + 1)
        if offset is not None:
            state.ratio[voice] += offset
        state.phase[voice] = 0.0 if start is None else start
        state.noise_at[voice] = noise_start % state.loops
        if transient_db is not None:
            state.burst[voice, :-1] = _amplitudes(transient_db)[:, : len(state.loops)]

    def push(
        self,
        voices: Int[np.ndarray, " notes"],
        f0_hz: Float32[np.ndarray, "notes frames"],
        harmonic_db: Float32[np.ndarray, "notes frames harmonics"],
        noise_db: Float32[np.ndarray, "notes frames bands"],
    ) -> None:
        """Give voices their next frames; the first one of a note stands at its beginning.

        Frames for which a voice has no room are dropped: `ahead` at once is safe for one that
        plays what it has before it is given more.
        """
        state = self._state
        for row, voice in enumerate(voices):
            room = self.ahead + 1 - (state.of["pushed"][voice] - state.of["left"][voice])
            # another layout or type would be compiled anew
            f0, harmonic, noise = (
                np.ascontiguousarray(curve[row, :room], np.float32)
                for curve in (f0_hz, harmonic_db, noise_db)
            )
            push(state, int(voice), f0, harmonic, noise, float(self.sample_rate))

    def missing(self, length: int) -> Int64[np.ndarray, " voices"]:
        """Frames that each voice lacks to play so many samples; overwritten by the next call."""
        of, missing = self._state.of, self._missing
        np.add(of["at"], length - 1, out=missing)
        np.floor_divide(missing, of["hop"] * (1 - 1e-12), out=missing, casting="unsafe")
        missing += 2
        missing += of["left"]
        missing -= of["hops"]
        missing -= of["pushed"]
        np.maximum(missing, 0, out=missing)
        missing *= of["is_sounding"]
        return missing

    def end(self, voice: int) -> None:
        """Let a voice fade from the next sample on; it is free after `FADE_S`."""
        note = self._state.of[voice]
        note["fade_at"] = min(note["fade_at"], note["at"])

    def process(self, out: Float32[np.ndarray, " time"]) -> None:
        """Add the next samples of all voices to a block."""
        play(self._state, out)


def _amplitudes(level_db: np.ndarray) -> np.ndarray:
    return amplitude_of(torch.from_numpy(level_db)).numpy()
