"""The instrument `harmonic`: encoding sounds, playing notes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.instruments.harmonic.burst import (
    SLOWER_BURST_DB,
    BurstLevel,
    burst_gains,
    burst_levels,
)
from timbrel.instruments.harmonic.fitting import (
    FIT_STEPS,
    FIT_STEPS_PER_S,
    fit,
    with_likelier_end,
)
from timbrel.instruments.harmonic.gestures import gestures_of
from timbrel.instruments.harmonic.hearing import hear
from timbrel.instruments.harmonic.knobs import CONTROLS, Knobs
from timbrel.instruments.harmonic.network import HarmonicNetwork, HarmonicSettings
from timbrel.instruments.harmonic.residual import Residuals
from timbrel.instruments.harmonic.said import (
    NOISE_RISES_DB,
    PARTIALS_RISE_DB,
    TYPICAL_VELOCITY,
    fallen_levels,
    held_levels,
)
from timbrel.instruments.harmonic.sounding import Outline, Sounding
from timbrel.instruments.harmonic.take import takes_of
from timbrel.instruments.harmonic.timbre_layout import Layout, Parts
from timbrel.instruments.harmonic.unsaid import Unsaid
from timbrel.instruments.instrument import (
    Ability,
    ControlValues,
    fit_steps,
    resolve_controls,
)
from timbrel.instruments.network_instrument import NetworkInstrument
from timbrel.sound import Notes, Rendered

if TYPE_CHECKING:
    from timbrel.instruments.harmonic.player import HarmonicPlayer

_BATCH_NOTES = 16
"""Most notes that are decoded at once: more would save no time, and cost memory."""


class Harmonic(NetworkInstrument[HarmonicSettings, HarmonicNetwork]):
    """Encodes a note to a latent and what it leaves unsaid, and plays any notes with it.

    Args:
        settings: of the network.
        network: its weights; random ones by default.
    """

    family: ClassVar[str] = "harmonic"
    settings_class = HarmonicSettings
    network_class = HarmonicNetwork
    halves_bank = True
    abilities: frozenset[Ability] = frozenset(
        {"encode", "generate", "differentiable", "velocity", "bend", "takes", "legato"}
    )
    controls = CONTROLS

    def __init__(
        self, settings: HarmonicSettings | None = None, network: HarmonicNetwork | None = None
    ) -> None:
        super().__init__(settings, network)
        self.sample_rate = self.settings.sample_rate
        self.layout = Layout(
            self.settings.latent, self.network.slots.n_slots, self.network.bands.n_bands
        )
        self.residuals = Residuals(self.layout, self.network.slots, self.network.bands)
        self.timbre_space = self.layout.space
        self.gestures = gestures_of(self.layout, self.network.slots, self.network.bands)

    def encode(
        self,
        audio: Float[Tensor, " time"],
        *,
        pitch: float | None = None,
        seconds: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, " params"]:
        """The latent that says the sound best, and as residual what it leaves unsaid.

        60 steps of fitting the latent, and 100 more for each of `seconds`, however fast the
        machine is, so that it hears alike everywhere.

        Raises:
            BadAudio: the sound is silent or not finite, shorter than 20 ms or two periods, or
                has no pitch and none was given.
            BadInput: `seconds` is out of range.
        """
        steps = FIT_STEPS + fit_steps(seconds, FIT_STEPS_PER_S)
        heard = with_likelier_end(self.network, hear(audio, self.sample_rate, pitch))
        found = fit(self.network, heard, steps)
        with torch.no_grad():
            typical = torch.tensor([TYPICAL_VELOCITY])
            note = found.latent[None], torch.tensor([heard.pitch]), typical
            held = held_levels(self.network.decoder, *note)[0]
            fallen = fallen_levels(self.network.decoder, *note, torch.tensor([heard.known_s]))[0]
            unsaid = Unsaid(heard, found.level_db, held, fallen, self.residuals)
            return self.layout.timbre(unsaid.parts()._replace(latent=found.latent))

    def render(
        self,
        notes: Notes,
        timbre: Float[Tensor, "*notes params"],
        controls: ControlValues | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> Rendered:
        """Audio of each note; what is held for longer than is known goes on as it did."""
        timbres = self.timbre_space.for_notes(timbre, len(notes))
        with torch.set_grad_enabled(timbres.requires_grad and torch.is_grad_enabled()):
            knobs = Knobs(**resolve_controls(self.controls, controls))
            takes = takes_of(notes, generator)
            sounds: list[Tensor] = []
            for start in range(0, len(notes), _BATCH_NOTES):
                batch = notes[start : start + _BATCH_NOTES]
                outlines = self._outlines(batch, timbres[start : start + _BATCH_NOTES], knobs)
                for i, outline in enumerate(outlines):
                    note, take = batch[i : i + 1], takes[start + i]
                    slots, bands = self.network.slots, self.network.bands
                    sounding = Sounding(outline, note, slots, bands, self.sample_rate, knobs, take)
                    sounds.append(sounding.audio())
            return Rendered.of(sounds, self.sample_rate)

    def player(self, n_voices: int, sample_rate: int) -> HarmonicPlayer:
        """This instrument to be played live, at any sample rate."""
        from timbrel.instruments.harmonic.player import HarmonicPlayer

        return HarmonicPlayer(self, n_voices, sample_rate)

    def _outlines(
        self, notes: Notes, timbres: Float[Tensor, "notes params"], knobs: Knobs
    ) -> list[Outline]:
        """What the network and the timbres say of some notes."""
        parts, decoder = self.layout.parts(timbres), self.network.decoder
        note = parts.latent, notes.pitch, notes.velocity
        held = held_levels(decoder, *note)
        fallen = fallen_levels(decoder, *note, notes.duration_s)
        bursts = burst_gains(decoder, parts, held)
        turned_db = knobs.noise - SLOWER_BURST_DB * math.log2(knobs.attack)
        return [
            self._outline(
                parts.of_note(i), notes.pitch[i], held[i], fallen[i],
                BurstLevel(bursts.gain_db[i], bursts.most_db[i]), turned_db,
            )
            for i in range(len(notes))
        ]  # fmt: skip

    def _outline(
        self, parts: Parts, pitch: Tensor, held: Tensor, fallen: Tensor, burst: BurstLevel,
        turned_db: float,
    ) -> Outline:  # fmt: skip
        n_slots = self.network.slots.n_slots
        rises_db = torch.full_like(fallen[0], PARTIALS_RISE_DB)
        rises_db[n_slots:] = NOISE_RISES_DB
        return Outline(
            levels=held + self.residuals.held(parts, pitch),
            fallen=torch.minimum(fallen + self.residuals.released(parts, pitch), rises_db),
            wander=parts.wander, swell=parts.swell, known_s=float(parts.known_s.detach()),
            offset=parts.offset,
            transient_db=burst_levels(self.layout, parts, burst, turned_db),
        )  # fmt: skip
