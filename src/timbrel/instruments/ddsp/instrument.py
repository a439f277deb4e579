"""The instrument `ddsp`: following melodies, and playing notes by making melodies of them."""

from __future__ import annotations

from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.audio import require_note
from timbrel.dsp.listening import FRAME_RATE, follow
from timbrel.errors import BadInput
from timbrel.instruments.ddsp.curves import melodies_of
from timbrel.instruments.ddsp.knobs import CONTROLS, Knobs
from timbrel.instruments.ddsp.measuring import measured_manner
from timbrel.instruments.ddsp.network import Asked, DdspNetwork, DdspSettings
from timbrel.instruments.ddsp.sounding import asked_of, sound_of
from timbrel.instruments.ddsp.timbre_layout import Layout, Manner
from timbrel.instruments.instrument import (
    Ability,
    ControlValues,
    check_pitch,
    resolve_controls,
)
from timbrel.instruments.network_instrument import NetworkInstrument
from timbrel.sound import Notes, Performance, Register, Rendered

if TYPE_CHECKING:
    from timbrel.instruments.ddsp.follower import DdspFollower
    from timbrel.instruments.ddsp.player import DdspPlayer

_ABILITIES: frozenset[Ability] = frozenset(
    {"transfer", "follow", "differentiable", "velocity", "bend", "takes", "legato"}
)
_OF_MANY: frozenset[Ability] = frozenset({"encode", "generate"})
"""What takes a latent."""

_BATCH_NOTES = 16
"""Most notes that are decoded at once: more would save no time, and cost memory."""

_LONGEST_S = 3600.0
"""Of a performance that is followed as a whole: its sound is held in memory."""

_TAKES = 1 << 20
"""Places in the noise that a note may begin at."""


class Ddsp(NetworkInstrument[DdspSettings, DdspNetwork]):
    """Follows a performance, or plays notes as the performances that they would be.

    Args:
        settings: of the network.
        network: its weights; random ones by default.
    """

    family: ClassVar[str] = "ddsp"
    settings_class = DdspSettings
    network_class = DdspNetwork
    controls = CONTROLS

    def __init__(
        self, settings: DdspSettings | None = None, network: DdspNetwork | None = None
    ) -> None:
        super().__init__(settings, network)
        self.abilities = _ABILITIES | (_OF_MANY if self.settings.latent else frozenset())
        self.sample_rate = self.settings.sample_rate
        self.layout = Layout(self.settings.latent)
        self.timbre_space = self.layout.space

    @torch.no_grad()
    def encode(
        self,
        audio: Float[Tensor, " time"],
        *,
        pitch: float | None = None,
        seconds: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, " params"]:
        """What a recording's instrument is like, and the manner in which it is played there.

        One pass: there is nothing to fit, and a melody's pitch is heard. No recording tells how
        loud its instrument is: it is made as loud as the sounds of the bank, where there are any.

        Raises:
            BadAudio: the sound is no tensor [time], too short, silent or not finite; or no melody
                is heard in it.
            BadInput: the pitch that it is said to have is no MIDI number.
            Unsupported: this model is of one instrument.
        """
        if not self.can("encode"):
            raise self._cannot("encode")
        if pitch is not None:
            check_pitch(pitch)
        sound = require_note(audio, self.sample_rate)
        manner = measured_manner([follow(sound, self.sample_rate)])
        latent = self.network.hear(sound[None])[0][0]
        return self.layout.timbre(latent, self._levelled(manner))

    def _levelled(self, manner: Manner) -> Manner:
        """A manner that is as loud as the bank's sounds are in the middle."""
        bank = self.bank
        names = bank.names("sound") if bank is not None else []
        if bank is None or not names:
            return manner
        loudest_db = median(self.register(bank[name]).loudest_db for name in names)
        gain_db = loudest_db - manner.loudest_db
        return manner._replace(
            softest_db=manner.softest_db + gain_db, loudest_db=manner.loudest_db + gain_db
        )

    def register(self, timbre: Float[Tensor, " params"]) -> Register:
        """Where a timbre's instrument was heard playing."""
        return self.layout.manner_of(self.timbre_space.for_player(timbre)).register

    @torch.no_grad()
    def transfer(
        self,
        performance: Performance,
        timbre: Float[Tensor, " params"],
        controls: ControlValues | None = None,
    ) -> Float[Tensor, " time"]:
        """Audio that follows a performance as it is: its octave and its loudness stay.

        It ends with the performance's last frame.

        Raises:
            BadInput: there are fewer than two frames, or more than an hour of them, or a number is
                not finite or out of range.
        """
        knobs = Knobs(**resolve_controls(self.controls, controls))
        asked = asked_of(_at_frame_rate(performance))
        latent = self.layout.latent_of(self.timbre_space.for_player(timbre))
        return sound_of(self.network, asked, self.network.decoder(latent[None], asked), knobs)[0]

    def render(
        self,
        notes: Notes,
        timbre: Float[Tensor, "*notes params"],
        controls: ControlValues | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> Rendered:
        """Audio of each note: a melody of one note, followed, with what its room gives back."""
        timbres = self.timbre_space.for_notes(timbre, len(notes))
        knobs = Knobs(**resolve_controls(self.controls, controls))
        takes = _takes(len(notes), generator)
        with torch.set_grad_enabled(timbres.requires_grad and torch.is_grad_enabled()):
            parts = [
                self._played(*part, knobs)
                for part in zip(
                    notes.batches(_BATCH_NOTES), timbres.split(_BATCH_NOTES),
                    takes.split(_BATCH_NOTES), strict=True,
                )
            ]  # fmt: skip
        lengths = torch.cat([lengths for _, lengths in parts])
        audio = torch.cat([
            torch.nn.functional.pad(sound, (0, int(lengths.max()) - sound.shape[1]))
            for sound, _ in parts
        ])  # fmt: skip
        return Rendered(audio, lengths, self.sample_rate)

    def player(self, n_voices: int, sample_rate: int) -> DdspPlayer:
        """This instrument to be played live, at any sample rate."""
        from timbrel.instruments.ddsp.player import DdspPlayer

        return DdspPlayer(self, n_voices, sample_rate)

    def follower(self, timbre: Float[Tensor, " params"], sample_rate: int) -> DdspFollower:
        """This instrument to follow a live melody, at any sample rate."""
        from timbrel.instruments.ddsp.follower import DdspFollower

        return DdspFollower(self, timbre, sample_rate)

    def _played(
        self, notes: Notes, timbres: Tensor, takes: Tensor, knobs: Knobs
    ) -> tuple[Tensor, Tensor]:
        """Audio of a batch of notes, silent after the lengths that come with it."""
        melodies = melodies_of(notes, self.layout.manner_of(timbres), knobs)
        tail = round(self.settings.reverb_s * FRAME_RATE)
        asked = Asked(*(_held(curve, tail) for curve in melodies.asked))
        said = self.network.decoder(self.layout.latent_of(timbres), asked)
        sound = sound_of(self.network, asked, said, knobs, noise_start=takes)
        hops = (melodies.n_frames + tail - 1) / FRAME_RATE * self.sample_rate
        lengths = hops.round().long()
        sound = sound[:, : int(lengths.max())]
        return sound * (torch.arange(sound.shape[1]) < lengths[:, None]), lengths


def _held(curve: Tensor, frames: int) -> Tensor:
    """Its last frame for some more."""
    return torch.cat([curve, curve[:, -1:].expand(-1, frames)], 1)


def _takes(count: int, generator: torch.Generator | None) -> Tensor:
    """Where each note's noise begins: with no generator all alike."""
    if generator is None:
        return torch.zeros(count, dtype=torch.long)
    return torch.randint(_TAKES, (count,), generator=generator)


def _at_frame_rate(performance: Performance) -> Performance:
    """The same at the family's frame rate: loudness between its frames, pitch from the nearest."""
    if not isinstance(performance, Performance):
        raise BadInput(f"the performance is {type(performance).__name__}: wanted a Performance")
    performance = replace(performance)  # looks at the curves again, into which anybody can write
    last = len(performance.f0_hz) - 1
    if last < 1:
        raise BadInput(f"a performance of {last + 1} frames: wanted 2 or more")
    if last > _LONGEST_S * performance.frame_rate:
        seconds = last / performance.frame_rate
        raise BadInput(f"a performance of {seconds:.0f} s: wanted {_LONGEST_S:g} or less, cut it")
    if performance.frame_rate == FRAME_RATE:
        return performance
    place = torch.arange(int(last / performance.frame_rate * FRAME_RATE) + 1)
    place = place * (performance.frame_rate / FRAME_RATE)
    near, left = place.round().long().clamp(max=last), place.long().clamp(max=last - 1)
    loudness = performance.loudness_db
    return Performance(
        performance.f0_hz[near],
        torch.lerp(loudness[left], loudness[left + 1], (place - left).to(loudness)),
        performance.confidence[near],
        FRAME_RATE,
    )
