"""The instrument `preset`: a synthesizer whose timbres are patches, and that hears which one."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.errors import BadInput, BadModel
from timbrel.instruments.instrument import Ability, ControlValues, resolve_controls
from timbrel.instruments.model_folder import CONFIG, read_model_settings
from timbrel.instruments.network_instrument import NetworkInstrument
from timbrel.instruments.preset.finding import PatchFinder
from timbrel.instruments.preset.index import INDEX, PatchIndex
from timbrel.instruments.preset.network import PresetNetwork, PresetSettings
from timbrel.sound import Notes, Rendered
from timbrel.sound.playing import Player
from timbrel.synths import load_synth, require_known


class Preset(NetworkInstrument[PresetSettings, PresetNetwork]):
    """Plays a synthesizer's patches, and finds the patch behind a sound.

    Args:
        settings: which synthesizer, and how large the networks are.
        network: their weights; random ones by default.

    Attributes:
        synth: that plays.
        index: where the patches of a bank lie for the tone matcher, if they were heard.
    """

    family: ClassVar[str] = "preset"
    settings_class = PresetSettings
    network_class = PresetNetwork
    abilities: frozenset[Ability] = frozenset({"encode", "generate", "velocity", "bend"})

    def __init__(
        self, settings: PresetSettings | None = None, network: PresetNetwork | None = None
    ) -> None:
        super().__init__(settings, network)
        self.synth = load_synth(self.settings.synth)
        self.sample_rate = self.synth.sample_rate
        self.timbre_space = self.synth.parameters.space
        self.controls = self.synth.controls
        self.furthest_bend = self.synth.furthest_bend
        if not self.furthest_bend:
            self.abilities -= {"bend"}
        self.index: PatchIndex | None = None

    @classmethod
    def load(cls, folder: Path) -> Preset:
        """The instrument in a model folder, with its bank and index if there are any.

        Raises:
            BadModel: a file is missing or damaged, does not fit the others, or names a plug-in
                that is not known here.
        """
        synth = read_model_settings(folder, PresetSettings).synth
        try:
            require_known(synth, folder / CONFIG)
        except BadInput as error:
            raise BadModel(str(error)) from None
        instrument = super().load(folder)
        if (folder / INDEX).is_file():
            instrument.index = PatchIndex.load(
                folder / INDEX, instrument.synth.parameters, instrument.settings.point
            )
        return instrument

    def save(self, folder: Path, *, half: bool = False) -> None:
        """Write a model folder; `half` stores weights in 16 bits, as shipped ones are."""
        super().save(folder, half=half)
        if self.index is not None:
            self.index.save(folder / INDEX)

    @torch.no_grad()
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
        """The patch that sounds like it: the network's word, and a search with the time given.

        Raises:
            BadAudio: the sound is silent or not finite.
        """
        found = self.finder.find(
            audio, self.sample_rate, pitch=pitch, seconds=seconds, generator=generator
        )
        return found[0].vector

    @property
    def finder(self) -> PatchFinder:
        """What finds patches for recordings: several of them, and how near each comes."""
        indices = () if self.index is None else (self.index,)
        return PatchFinder(self.synth, self.network, indices)

    def player(self, n_voices: int, sample_rate: int) -> Player:
        """The synthesizer itself where it goes on from block to block, or notes made before."""
        if self.synth.streams:
            return self.synth.player(n_voices, sample_rate)
        player = super().player(n_voices, sample_rate)
        if self.bank is None or not self.bank.names("sound"):
            player.set_timbre(self.synth.parameters.defaults)  # a random patch may be silent
        return player
