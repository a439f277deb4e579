"""`sine` played live: the same samples as its rendered notes, block by block."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Float64
from torch import Tensor

from timbrel.audio.resampling import check_rate
from timbrel.errors import BadInput
from timbrel.instruments.sine.settings import N_HARMONICS, TIMBRE_SPACE, SineSettings
from timbrel.sound.playing import QUIET_AFTER_S, Player, playable, playable_note
from timbrel.sound.voices import Voices
from timbrel.units import midi_to_hz

_MOVE_S = 0.01
"""Time constant with which amplitudes go to a new timbre: too slow to click, too fast to lag."""

_PIECE = 512
"""Samples computed at once: bounds the memory of long blocks."""

_ORDER = np.arange(1, N_HARMONICS + 1)


class SinePlayer(Player):
    """Exact harmonics in blocks; a new timbre reaches the notes that sound.

    Until a timbre is set it plays a pure sine. All state is closed form in samples since a note
    began, so that blocks of any size give the same sound.

    Args:
        settings: of the instrument.
        n_voices: notes at once.
        sample_rate: of the blocks, in Hz.

    Raises:
        BadInput: there would be no voice, or no sample.
    """

    def __init__(self, settings: SineSettings, n_voices: int, sample_rate: int) -> None:
        check_rate(sample_rate)
        self.n_voices = n_voices
        self.sample_rate = sample_rate
        self._voices = Voices(n_voices)
        self._attack = settings.attack_s * sample_rate
        self._release = settings.release_s * sample_rate
        self._level = settings.level
        self._stay = np.exp(-1 / (_MOVE_S * sample_rate))
        self._bend = 0.0
        self._own_goal = _ORDER == 1
        self._follows = np.zeros(n_voices, bool)
        # single precision, as notes carry their pitch
        self._pitch = np.zeros(n_voices, np.float32)
        self._gain = np.zeros(n_voices)
        self._turn = np.zeros(n_voices)
        self._since = np.zeros(n_voices)
        self._up_at = np.zeros(n_voices)
        self._goal = np.zeros((n_voices, N_HARMONICS))
        self._amplitude = np.zeros((n_voices, N_HARMONICS))
        self._fading = np.zeros(max(1, round(QUIET_AFTER_S * sample_rate)))

    @property
    def active_voices(self) -> int:
        """Voices that sound now, releases included."""
        return len(self._voices.sounding)

    def note_on(
        self, note_id: int, pitch: float, velocity: float, timbre: Tensor | None = None
    ) -> None:
        """Start a note."""
        pitch, velocity = playable_note(pitch, velocity)
        goal = self._own_goal if timbre is None else _amplitudes(timbre)
        self.note_off(note_id)
        if self._voices.is_full:
            self._fade([self._voices.steal()])
        voice = self._voices.begin(note_id)
        self._pitch[voice], self._gain[voice] = pitch, self._level * velocity
        self._turn[voice], self._since[voice], self._up_at[voice] = 0.0, 0.0, np.inf
        self._goal[voice], self._follows[voice] = goal, timbre is None
        self._amplitude[voice] = goal * self._below_nyquist([voice])[0]

    def note_off(self, note_id: int) -> None:
        """Release a note."""
        voice = self._voices.release(note_id)
        if voice is not None:
            self._up_at[voice] = self._since[voice]

    def bend(self, semitones: float) -> None:
        """Move all notes so far from their pitch, at once."""
        self._bend = playable("bend", semitones, -127.0, 127.0)

    def set_timbre(self, timbre: Tensor) -> None:
        """Give the player a timbre; notes that sound go over to it in some 30 ms."""
        self._own_goal = _amplitudes(timbre)
        self._goal[self._follows] = self._own_goal

    def set(self, control: str, value: float) -> None:
        """There is nothing to turn."""
        raise BadInput(f"no control {control!r}: this instrument has none")

    def process(self, out: Float32[np.ndarray, " time"]) -> None:
        """Fill a block."""
        for begin in range(0, len(out), _PIECE):
            piece = out[begin : begin + _PIECE]
            piece[:] = self._sound(self._voices.sounding, len(piece))
            self._add_fading(piece)
            self._end_what_died()

    def silence(self) -> None:
        """End all notes."""
        voices = self._voices.sounding
        self._fade(voices)
        for voice in voices:
            self._voices.end(voice)

    def _sound(self, voices: list[int], length: int) -> Float64[np.ndarray, " time"]:
        """The next samples of some voices together, which thereby move on."""
        time = np.arange(length)
        since = self._since[voices, None] + time
        fall = 1 - (since - self._up_at[voices, None]) / self._release
        level = np.minimum((since / self._attack).clip(max=1), fall.clip(0, 1))
        step = self._hz(voices) / self.sample_rate
        turn = self._turn[voices, None] + step[:, None] * time
        goal = self._goal[voices] * self._below_nyquist(voices)
        missing = self._amplitude[voices] - goal
        amplitude = goal[..., None] + missing[..., None] * self._stay**time
        waves = np.sin(2 * np.pi * _ORDER[:, None] * turn[:, None])
        self._since[voices] += length
        self._turn[voices] = (self._turn[voices] + step * length) % 1.0
        self._amplitude[voices] = goal + missing * self._stay**length
        return ((amplitude * waves).sum(1) * level * self._gain[voices, None]).sum(0)

    def _hz(self, voices: list[int]) -> Float64[np.ndarray, " voices"]:
        return midi_to_hz(self._pitch[voices] + np.float64(self._bend))

    def _below_nyquist(self, voices: list[int]) -> Float64[np.ndarray, "voices harmonics"]:
        return (self._hz(voices)[:, None] * _ORDER < self.sample_rate / 2).astype(float)

    def _end_what_died(self) -> None:
        for voice in self._voices.sounding:
            if self._since[voice] >= self._up_at[voice] + self._release:
                self._voices.end(voice)

    def _fade(self, voices: list[int]) -> None:
        """Let voices that are taken away fade: their last samples are computed here and now."""
        length = len(self._fading)
        self._fading += self._sound(voices, length) * np.linspace(1, 0, length, endpoint=False)

    def _add_fading(self, out: Float32[np.ndarray, " time"]) -> None:
        """The next samples of what was taken away."""
        length = min(len(out), len(self._fading))
        out[:length] += self._fading[:length]
        self._fading[:-length] = self._fading[length:]
        self._fading[-length:] = 0.0


def _amplitudes(timbre: Tensor) -> Float64[np.ndarray, " harmonics"]:
    return TIMBRE_SPACE.for_player(timbre).double().numpy()
