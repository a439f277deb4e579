"""`shifted`: the naive renderer, around any instrument.

    timbre -> one base note of the instrument inside -> pitch-shifted for each note -> ADSR

It is what samplers do, and the baseline that a decoder told the pitch has to beat: formants move
with the pitch, and vibrato, attack and decay change their speed or smear. librosa's phase vocoder
does the shifting.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import ClassVar

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from timbrel.config import Settings
from timbrel.dsp.envelope import Adsr, adsr
from timbrel.dsp.shifting import shift_pitch
from timbrel.errors import BadModel
from timbrel.instruments.instrument import Ability, ControlValues, Instrument
from timbrel.instruments.model_folder import read_model_settings, write_config
from timbrel.sound import Notes, Rendered

_KEPT: frozenset[Ability] = frozenset({"encode", "generate"})
"""What stays of what the instrument inside can: bends and gradients do not pass."""

_ADDED: frozenset[Ability] = frozenset({"velocity"})
"""What comes with scaling the base note."""


class ShiftedSettings(Settings):
    """Settings of the family.

    Attributes:
        inner: name or path of the model that is wrapped.
        base_pitch: MIDI number at which its base note is rendered.
        base_velocity: how hard that note is struck; other velocities scale its amplitude.
        envelope: the ADSR laid over every note.
    """

    inner: str = "mel_vae"
    base_pitch: float = Field(default=60.0, ge=0, le=127)
    base_velocity: float = Field(default=0.8, gt=0, le=1)
    envelope: Adsr = Adsr(sustain=0.9, release_s=0.15)


class Shifted(Instrument):
    """Any instrument, rendered once and pitch-shifted to every note.

    Args:
        settings: the base note and the envelope.
        inner: the instrument inside; by default the model that the settings name.

    Raises:
        BadModel: the settings name no model, or one that is shifted itself, which need not end.
    """

    family: ClassVar[str] = "shifted"

    def __init__(
        self, settings: ShiftedSettings | None = None, inner: Instrument | None = None
    ) -> None:
        from timbrel.instruments.registry import family_of, load

        self.settings = settings or ShiftedSettings()
        if inner is None and family_of(self.settings.inner) == self.family:
            raise BadModel(f"{self.settings.inner} is shifted already: name the model inside it")
        self.inner = inner or load(self.settings.inner)
        self.sample_rate = self.inner.sample_rate
        self.timbre_space = self.inner.timbre_space
        self.controls = self.inner.controls
        self.bank = self.inner.bank
        self.abilities = (self.inner.abilities & _KEPT) | _ADDED

    @property
    def fingerprint(self) -> str:
        """That of the instrument inside, whose timbres these are."""
        return self.inner.fingerprint

    @classmethod
    def load(cls, folder: Path) -> Shifted:
        """The instrument in a model folder, which names the model inside."""
        return cls(read_model_settings(folder, ShiftedSettings))

    def save(self, folder: Path, *, half: bool = False) -> None:
        """Write a model folder; it holds no weights."""
        write_config(folder, self.family, self.settings)

    @torch.inference_mode()
    def render(
        self,
        notes: Notes,
        timbre: Float[Tensor, "*notes params"],
        controls: ControlValues | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> Rendered:
        """Audio of each note: the base note shifted, shaped, scaled; bends are ignored."""
        timbres = self.timbre_space.for_notes(timbre, len(notes))
        bases: dict[tuple[float, bytes], Tensor] = {}
        sounds = []
        for note, own in zip(notes.batches(1), timbres, strict=True):
            base_s = self._base_s(float(note.duration_s))
            key = base_s, own.detach().numpy().tobytes()
            if key not in bases:
                base = Notes.of(self.settings.base_pitch, self.settings.base_velocity, base_s)
                rendered = self.inner.render(base, own, controls, generator=generator)
                bases[key] = rendered.audio[0]
            sounds.append(self._note(note, bases[key]))
        return Rendered.of(sounds, self.sample_rate)

    def _base_s(self, duration_s: float) -> float:
        """Whole seconds, so that notes of one timbre share a handful of base notes."""
        return float(max(4, math.ceil(duration_s + self.settings.envelope.release_s)))

    def _note(self, note: Notes, base: Float[Tensor, " time"]) -> Float[Tensor, " _"]:
        settings, duration_s = self.settings, float(note.duration_s)
        sound = shift_pitch(base, self.sample_rate, float(note.pitch) - settings.base_pitch)
        envelope = adsr(duration_s, self.sample_rate, settings.envelope)
        length = min(len(sound), len(envelope))
        return sound[:length] * envelope[:length] * (note.velocity / settings.base_velocity)

    def encode(
        self,
        audio: Float[Tensor, " time"],
        *,
        pitch: float | None = None,
        seconds: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, " params"]:
        """What the instrument inside hears."""
        if not self.can("encode"):
            raise self._cannot("encode")
        return self.inner.encode(audio, pitch=pitch, seconds=seconds, generator=generator)
