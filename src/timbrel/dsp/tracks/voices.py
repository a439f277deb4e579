"""Tracks played by compiled code: whole notes at once, or voices whose frames come just in time.

`render_tracks` is `synthesise` without gradients, some 60 times as fast. `TrackVoices` is the same
kernel held still between blocks; nothing in it allocates once it is made. A live player uses it so:

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

import math

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int, Int64
from torch import Tensor

from timbrel.dsp.tracks.kernel import State, play, push
from timbrel.dsp.tracks.noise import AHEAD_S, noise_bank
from timbrel.dsp.tracks.synthesis import Hear, flat, rows_of
from timbrel.dsp.tracks.tracks import (
    FRAME_RATE,
    SILENT_DB,
    TRANSIENT_RATE,
    TRANSIENT_TICKS,
    Tracks,
    amplitude_of,
)

FADE_S = 0.01
"""A voice that is ended fades for so long."""

_NEVER = np.iinfo(np.int64).max // 2


class TrackVoices:
    """Voices that play tracks as these come, block by block; blocks of any size sound the same.

    Making one compiles the kernel if no earlier process did (some 10 s), so that no later call
    does. All calls belong to one thread, and release Python's lock while they compute.

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
        self._state = _state(n_voices, sample_rate, frame_rate, n_harmonics, n_bands, ahead + 1)
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
        return self._state.sounding

    @property
    def age(self) -> Int64[np.ndarray, " voices"]:
        """Samples that each voice has played of its note (to be read only)."""
        return self._state.at

    @property
    def pushed(self) -> Int64[np.ndarray, " voices"]:
        """Frames that each voice has been given of its note (to be read only)."""
        return self._state.pushed

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
        state = self._state
        state.sounding[voice] = True
        for counter in (state.at, state.hops, state.until, state.left, state.right, state.pushed):
            counter[voice] = 0
        state.fade_at[voice] = _NEVER
        state.rise[voice] = round(fade_in_s * self.sample_rate)
        state.ratio[voice] = np.arange(1, self.n_harmonics + 1)
        if offset is not None:
            state.ratio[voice] += offset
        state.phase[voice] = 0.0 if start is None else start
        state.noise_at[voice] = noise_start % state.loops
        state.has_burst[voice] = transient_db is not None
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
            room = self.ahead + 1 - (state.pushed[voice] - state.left[voice])
            # another layout or type would be compiled anew
            f0, harmonic, noise = (
                np.ascontiguousarray(curve[row, :room], np.float32)
                for curve in (f0_hz, harmonic_db, noise_db)
            )
            push(state, int(voice), f0, harmonic, noise, float(self.sample_rate))

    def missing(self, length: int) -> Int64[np.ndarray, " voices"]:
        """Frames that each voice lacks to play so many samples; overwritten by the next call."""
        state, missing = self._state, self._missing
        np.add(state.at, length - 1, out=missing)
        np.floor_divide(missing, state.hop[0] * (1 - 1e-12), out=missing, casting="unsafe")
        missing += 2
        missing += state.left
        missing -= state.hops
        missing -= state.pushed
        np.maximum(missing, 0, out=missing)
        missing *= state.sounding
        return missing

    def end(self, voice: int) -> None:
        """Let a voice fade from the next sample on; it is free after `FADE_S`."""
        self._state.fade_at[voice] = min(self._state.fade_at[voice], self._state.at[voice])

    def process(self, out: Float32[np.ndarray, " time"]) -> None:
        """Add the next samples of all voices to a block."""
        play(self._state, out)


def render_tracks(
    tracks: Tracks,
    sample_rate: int,
    *,
    length: int | None = None,
    start: Float[Tensor, "*#batch harmonics"] | None = None,
    noise_start: Int[Tensor, "*#batch"] | None = None,
    hear: Hear = "all",
) -> Float[Tensor, "*batch time"]:
    """What `synthesise` returns (within 2e-5), compiled: 0.2 ns for a harmonic and sample.

    On the CPU, one note after the other; gradients do not pass. Arguments as there.

    >>> from timbrel.dsp.tracks.tracks import silence
    >>> render_tracks(silence(2, frames=201, harmonics=3, bands=40), 16000).shape
    torch.Size([2, 16000])
    """
    length = round(tracks.duration_s * sample_rate) if length is None else length
    notes = flat(tracks).map(lambda curve: curve.detach().cpu().float().contiguous())
    rows = len(notes.f0_hz)
    audio = np.zeros((rows, length), np.float32)
    starts, takes = rows_of(start, tracks.batch), rows_of(noise_start, tracks.batch, 0)
    for row in range(rows):
        take = 0 if takes is None else int(takes[row])
        turn = None if starts is None else starts[row].detach().cpu().numpy()
        play(_whole_note(notes[row], sample_rate, turn, take, hear), audio[row])
    return torch.from_numpy(audio).reshape(*tracks.batch, length).to(tracks.f0_hz)


def _whole_note(
    note: Tracks, sample_rate: int, start: np.ndarray | None, noise_start: int, hear: Hear
) -> State:
    """One voice that has been given all of its frames."""
    sizes = note.n_harmonics, note.n_bands, note.n_frames
    state = _state(1, sample_rate, note.frame_rate, *sizes)
    state.sounding[0], state.fade_at[0] = True, _NEVER
    state.ratio[0] = np.arange(1, note.n_harmonics + 1) + note.offset.double().numpy()
    state.phase[0] = 0.0 if start is None else start
    state.noise_at[0] = noise_start % state.loops
    harmonic_db, noise_db = note.harmonic_db.numpy(), note.noise_db.numpy()
    if hear == "harmonic":
        noise_db = np.full_like(noise_db, SILENT_DB)
    else:
        burst = amplitude_of(note.transient_db).numpy()[:, : len(state.loops)]
        state.burst[0, :-1], state.has_burst[0] = burst, bool((burst > 0).any())
    if hear == "noise":
        harmonic_db = np.full_like(harmonic_db, SILENT_DB)
    push(state, 0, note.f0_hz.numpy(), harmonic_db, noise_db, float(sample_rate))
    return state


def _amplitudes(level_db: np.ndarray) -> np.ndarray:
    return amplitude_of(torch.from_numpy(level_db)).numpy()


def _state(
    n_voices: int,
    sample_rate: int,
    frame_rate: float,
    n_harmonics: int,
    n_bands: int,
    n_frames: int,
) -> State:
    """Voices that are silent."""
    noise = noise_bank(sample_rate)
    n_bands = min(n_bands, len(noise.lengths))

    def numbers(*shape: int, dtype: type = np.float64) -> np.ndarray:
        return np.zeros(shape, dtype)

    def counters() -> np.ndarray:
        return np.zeros(n_voices, np.int64)

    single = np.float32
    hop = math.ceil(sample_rate * min(1 / frame_rate, AHEAD_S))
    return State(
        hop=np.array([sample_rate / frame_rate]),
        tick=np.array([sample_rate / TRANSIENT_RATE]),
        sounding=numbers(n_voices, dtype=bool),
        at=counters(), hops=counters(), until=counters(),
        left=counters(), right=counters(), pushed=counters(), fade_at=counters(),
        fade_length=np.array([max(1.0, math.floor(FADE_S * sample_rate))]), rise=counters(),
        step=numbers(n_voices, n_frames),
        level=numbers(n_voices, n_frames, n_harmonics, dtype=single),
        gain=numbers(n_voices, n_frames, n_bands, dtype=single),
        burst=numbers(n_voices, TRANSIENT_TICKS + 1, n_bands, dtype=single),
        has_burst=numbers(n_voices, dtype=bool),
        ratio=numbers(n_voices, n_harmonics), phase=numbers(n_voices, n_harmonics),
        noise_at=numbers(n_voices, n_bands, dtype=np.int64),
        n_heard=counters(),
        c_ratio=numbers(n_voices, n_harmonics + 1), c_phase=numbers(n_voices, n_harmonics + 1),
        c_level=numbers(n_voices, 2, n_harmonics + 1, dtype=single),
        bank=noise.samples, loops=noise.lengths[:n_bands],
        sound=numbers(hop, dtype=single), psi=numbers(hop, dtype=single),
        share=numbers(hop, dtype=single), turn=numbers(n_harmonics + 1, dtype=single),
        place=numbers(n_bands, dtype=np.int64),
    )  # fmt: skip
