"""The instrument `harmonic`: encoding sounds, playing notes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from timbrel.instruments.harmonic.course import heard_moments
from timbrel.instruments.harmonic.fitting import (
    FIT_STEPS,
    FIT_STEPS_PER_S,
    TYPICAL_VELOCITY,
    fit,
    likelier,
)
from timbrel.instruments.harmonic.hearing import hear
from timbrel.instruments.harmonic.knobs import CONTROLS, Knobs
from timbrel.instruments.harmonic.network import HarmonicNetwork, HarmonicSettings
from timbrel.instruments.harmonic.residual import (
    burst_levels,
    held_residual,
    released_residual,
    residual_of,
)
from timbrel.instruments.harmonic.said import fallen_levels, held_levels, levels_at
from timbrel.instruments.harmonic.sounding import Line, Sounding
from timbrel.instruments.harmonic.take import takes_of
from timbrel.instruments.harmonic.timbre_layout import Layout, Parts
from timbrel.instruments.instrument import Ability, ControlValues, resolve_controls
from timbrel.instruments.network_instrument import NetworkInstrument
from timbrel.sound import Notes, Rendered
from timbrel.units import db_to_power, power_to_db

if TYPE_CHECKING:
    from timbrel.instruments.harmonic.player import HarmonicPlayer

_BATCH_NOTES = 16
"""Most notes that are decoded at once: more would save no time, and cost memory."""

ATTACK_MOMENTS = (0, 1, 4)
"""Of `heard_moments`, those that tell how loud an attack is: few, as a player asks for them."""

MOST_BURST_GAIN_DB = 40.0
SLOWER_BURST_DB = 6.0


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
        self.timbre_space = self.layout.space

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
        """
        heard = likelier(self.network, hear(audio, self.sample_rate, pitch))
        found = fit(self.network, heard, FIT_STEPS + round(seconds * FIT_STEPS_PER_S))
        with torch.no_grad():
            note = (
                found.latent[None], torch.tensor([heard.pitch]), torch.tensor([TYPICAL_VELOCITY])
            )  # fmt: skip
            held = held_levels(self.network.decoder, *note)[0]
            fallen = fallen_levels(self.network.decoder, *note, torch.tensor([heard.known_s]))[0]
            parts = residual_of(
                heard, found.level_db, held, fallen,
                self.layout, self.network.slots, self.network.bands,
            )  # fmt: skip
            return self.layout.timbre(parts._replace(latent=found.latent))

    def render(
        self,
        notes: Notes,
        timbre: Float[Tensor, "*notes params"],
        controls: ControlValues | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> Rendered:
        """Audio of each note; what is held for longer than is known goes on as it did."""
        timbre = self.timbre_space.check(timbre)
        with torch.set_grad_enabled(timbre.requires_grad and torch.is_grad_enabled()):
            timbres = timbre.expand(len(notes), -1)
            knobs = Knobs(**resolve_controls(self.controls, controls))
            takes = takes_of(notes, generator)
            sounds: list[Tensor] = []
            for start in range(0, len(notes), _BATCH_NOTES):
                batch = notes[start : start + _BATCH_NOTES]
                lines = self._lines(batch, timbres[start : start + _BATCH_NOTES], knobs)
                for i, line in enumerate(lines):
                    note, take = batch[i : i + 1], takes[start + i]
                    slots, bands = self.network.slots, self.network.bands
                    sounding = Sounding(line, note, slots, bands, self.sample_rate, knobs, take)
                    sounds.append(sounding.audio())
            lengths = torch.tensor([len(sound) for sound in sounds])
            return Rendered(pad_sequence(sounds, batch_first=True), lengths, self.sample_rate)

    def player(self, n_voices: int, sample_rate: int) -> HarmonicPlayer:
        """This instrument to be played live, at any sample rate."""
        from timbrel.instruments.harmonic.player import HarmonicPlayer

        return HarmonicPlayer(self, n_voices, sample_rate)

    def _lines(
        self, notes: Notes, timbres: Float[Tensor, "notes params"], knobs: Knobs
    ) -> list[Line]:
        """What the network and the timbres say of some notes."""
        parts = self.layout.parts(timbres)
        decoder = self.network.decoder
        note = parts.latent, notes.pitch, notes.velocity
        held = held_levels(decoder, *note)
        fallen = fallen_levels(decoder, *note, notes.duration_s)
        gain_db = self._burst_gain_db(parts, held)
        return [
            self._line(
                Parts(*(part[i] for part in parts)),
                notes.pitch[i], held[i], fallen[i], gain_db[i], knobs,
            )
            for i in range(len(notes))
        ]  # fmt: skip

    def _burst_gain_db(
        self, parts: Parts, held: Float[Tensor, "notes heard levels"]
    ) -> Float[Tensor, " notes"]:
        """How much louder the attacks of notes are than those of their recordings."""
        if not bool(parts.burst.any()):
            return torch.zeros(len(held))
        typical, attack = torch.full_like(parts.pitch, TYPICAL_VELOCITY), list(ATTACK_MOMENTS)
        note = parts.latent, parts.pitch, typical
        recorded = levels_at(self.network.decoder, *note, heard_moments()[attack])
        now, then = (_loudest_db(levels) for levels in (held[:, attack], recorded))
        return (now - then).clamp(-MOST_BURST_GAIN_DB, MOST_BURST_GAIN_DB)

    def _line(
        self, parts: Parts, pitch: Tensor, held: Tensor, fallen: Tensor, gain_db: Tensor,
        knobs: Knobs,
    ) -> Line:  # fmt: skip
        layout, slots, bands = self.layout, self.network.slots, self.network.bands
        slower_db = SLOWER_BURST_DB * torch.tensor(knobs.attack).log2()
        burst = burst_levels(layout, parts, gain_db + knobs.noise - slower_db)
        return Line(
            levels=held + held_residual(layout, slots, bands, parts, pitch),
            fallen=fallen + released_residual(layout, slots, bands, parts, pitch),
            wander=parts.wander, swell=parts.swell, known_s=float(parts.known_s.detach()),
            offset=parts.offset, transient_db=burst,
        )  # fmt: skip


def _loudest_db(levels: Float[Tensor, "notes moments levels"]) -> Float[Tensor, " notes"]:
    """The most power at a moment."""
    return power_to_db(db_to_power(levels).sum(-1)).amax(-1)
