"""The instrument `sine`: notes as sums of sines."""

from __future__ import annotations

import math
from pathlib import Path
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.audio import require_note
from timbrel.errors import BadAudio
from timbrel.instruments.instrument import (
    Ability,
    ControlValues,
    Instrument,
    check_pitch,
    resolve_controls,
)
from timbrel.instruments.model_folder import read_model_settings, write_config
from timbrel.instruments.sine.player import SinePlayer
from timbrel.instruments.sine.settings import N_HARMONICS, TIMBRE_SPACE, SineSettings
from timbrel.sound import Notes, Rendered
from timbrel.units import midi_to_hz


class Sine(Instrument):
    """Harmonics 1 to 4 at given amplitudes, with a straight attack and release.

    A note of velocity v has the peak amplitude `level * v` for the timbre [1, 0, 0, 0].
    """

    family: ClassVar[str] = "sine"
    abilities: frozenset[Ability] = frozenset(
        {"encode", "generate", "differentiable", "velocity", "bend"}
    )
    timbre_space = TIMBRE_SPACE

    def __init__(self, settings: SineSettings | None = None) -> None:
        self.settings = settings or SineSettings()
        self.sample_rate = self.settings.sample_rate

    @classmethod
    def load(cls, folder: Path) -> Sine:
        """The instrument in a model folder."""
        return cls(read_model_settings(folder, SineSettings))

    def save(self, folder: Path, *, half: bool = False) -> None:
        """Write a model folder; it holds no weights."""
        write_config(folder, self.family, self.settings)

    def render(
        self,
        notes: Notes,
        timbre: Float[Tensor, "*notes params"],
        controls: ControlValues | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> Rendered:
        """Audio of each note; silent harmonics above Nyquist."""
        amplitudes = self.timbre_space.for_notes(timbre, len(notes))
        resolve_controls(self.controls, controls)
        sounding_s = notes.duration_s + self.settings.release_s
        lengths = (sounding_s * self.sample_rate).round().long()
        times_s = torch.arange(int(lengths.max()), dtype=torch.float64) / self.sample_rate
        pitch = notes.pitch[:, None].double() + notes.bend_at(times_s)
        phase = 2 * math.pi * midi_to_hz(pitch).cumsum(1) / self.sample_rate
        audio = torch.zeros(len(notes), len(times_s))
        for k in range(N_HARMONICS):
            below_nyquist = midi_to_hz(pitch) * (k + 1) < self.sample_rate / 2
            partial = ((phase - phase[:, :1]) * (k + 1)).sin() * below_nyquist
            audio = audio + amplitudes[:, k : k + 1] * partial.float()
        gain = self.settings.level * notes.velocity[:, None]
        audio = audio * gain * self._envelope(notes, times_s)
        audio = audio * (torch.arange(audio.shape[1]) < lengths[:, None])
        return Rendered(audio, lengths, self.sample_rate)

    def _envelope(
        self, notes: Notes, times_s: Float[Tensor, " time"]
    ) -> Float[Tensor, "notes time"]:
        rise = times_s / self.settings.attack_s
        fall = 1 - (times_s - notes.duration_s[:, None]) / self.settings.release_s
        return torch.minimum(rise.clamp(max=1), fall.clamp(0, 1)).float()

    def encode(
        self,
        audio: Float[Tensor, " time"],
        *,
        pitch: float | None = None,
        seconds: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, " params"]:
        """Amplitudes of the sound's first harmonics, the strongest scaled to 1."""
        audio = require_note(audio, self.sample_rate)
        if pitch is None:
            from timbrel.dsp.pitch import note_pitch

            pitch = note_pitch(audio, self.sample_rate)
        check_pitch(pitch)
        times_s = torch.arange(audio.shape[-1], dtype=torch.float64) / self.sample_rate
        order = torch.arange(1, N_HARMONICS + 1, dtype=torch.float64)[:, None]
        wave = torch.exp(-2j * math.pi * midi_to_hz(float(pitch)) * order * times_s)
        amplitudes = (wave @ audio.to(wave.dtype)).abs().float()
        if not float(amplitudes.max()) > 1e-6:
            raise BadAudio(f"no harmonic of MIDI pitch {pitch:g} found: give the sound's own pitch")
        return amplitudes / amplitudes.max()

    def player(self, n_voices: int, sample_rate: int) -> SinePlayer:
        """This instrument to be played live, at any sample rate."""
        return SinePlayer(self.settings, n_voices, sample_rate)
