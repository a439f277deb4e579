"""The instrument `preset`: a synthesizer whose timbres are patches, and that hears which one."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from timbrel.audio import resample
from timbrel.config import Settings, Size
from timbrel.instruments.instrument import Ability, ControlValues, fit_steps, resolve_controls
from timbrel.instruments.network_instrument import NetworkInstrument
from timbrel.instruments.preset.hearing import SAMPLE_RATE
from timbrel.instruments.preset.matching import Guess, Match, levelled, match
from timbrel.instruments.preset.network import Predictor, PredictorSettings
from timbrel.instruments.preset.target import target_of
from timbrel.sound import Notes, Rendered
from timbrel.sound.playing import Player
from timbrel.synths import load_synth


class PresetSettings(Settings):
    """A synthesizer, and the networks that know it.

    Attributes:
        synth: name of the synthesizer, or path of a plug-in.
        size: one dial for the networks' widths.
        latent: numbers that a sound is reduced to.
    """

    synth: str = "subtractive"
    size: Size = "small"
    latent: int = Field(default=128, ge=2, le=1024, multiple_of=2)


class PresetNetwork(nn.Module):
    """What is learned of a synthesizer."""

    def __init__(self, settings: PresetSettings) -> None:
        super().__init__()
        space = load_synth(settings.synth).parameters.space
        predictor = PredictorSettings(size=settings.size, latent=settings.latent)
        self.predictor = Predictor(predictor, space)


class Preset(NetworkInstrument[PresetSettings, PresetNetwork]):
    """Plays a synthesizer's patches, and finds the patch behind a sound.

    Args:
        settings: which synthesizer, and how large the networks are.
        network: their weights; random ones by default.
    """

    family: ClassVar[str] = "preset"
    settings_class = PresetSettings
    network_class = PresetNetwork
    abilities: frozenset[Ability] = frozenset({"encode", "generate", "velocity"})

    def __init__(
        self, settings: PresetSettings | None = None, network: PresetNetwork | None = None
    ) -> None:
        super().__init__(settings, network)
        self.synth = load_synth(self.settings.synth)
        self.sample_rate = self.synth.sample_rate
        self.timbre_space = self.synth.parameters.space
        self.controls = self.synth.controls

    @torch.inference_mode()
    def render(
        self,
        notes: Notes,
        timbre: Float[Tensor, "*notes params"],
        controls: ControlValues | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> Rendered:
        """Audio of each note by the synthesizer; nothing in it is random."""
        patches = self.timbre_space.for_notes(timbre, len(notes))
        return self.synth.render(patches, notes, resolve_controls(self.controls, controls))

    def encode(
        self,
        audio: Float[Tensor, " time"],
        *,
        pitch: float | None = None,
        seconds: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, " params"]:
        """The patch that sounds like it: the network's word, then a search with the time given.

        Raises:
            BadAudio: the sound is silent or not finite.
        """
        return self.match(audio, pitch=pitch, seconds=seconds, generator=generator)[0].vector

    def match(
        self,
        audio: Float[Tensor, " time"],
        *,
        pitch: float | None = None,
        seconds: float = 10.0,
        count: int = 1,
        generator: torch.Generator | None = None,
    ) -> list[Match]:
        """Patches that sound like it, best first, each as loud as it is.

        Args:
            audio: one note or one stroke, at `sample_rate`.
            pitch: the key that is to be played; by default the one that is heard.
            seconds: for the search; 0 takes the network's word.
            count: how many patches.
            generator: of what is tried.
        """
        fit_steps(seconds, 1)
        target = target_of(resample(audio, self.sample_rate, SAMPLE_RATE), pitch)
        also = [Guess(vector, name) for name, vector in self._known().items()]
        found = match(
            self.synth, self.network.predictor.eval(), target, seconds,
            also=also, count=count, generator=generator,
        )  # fmt: skip
        if seconds <= 0:
            return found
        return [
            replace(one, vector=levelled(self.synth, one.vector, one.note, target.audio))
            for one in found
        ]

    def player(self, n_voices: int, sample_rate: int) -> Player:
        """The synthesizer itself where it goes on from block to block, or notes made before."""
        if self.synth.streams:
            return self.synth.player(n_voices, sample_rate)
        return super().player(n_voices, sample_rate)

    def _known(self) -> dict[str, Float[Tensor, " params"]]:
        """Patches of the bank that may be what is looked for."""
        return {}
