"""The synthesizer: patches and notes go in, audio comes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from timbrel.audio.resampling import check_rate
from timbrel.errors import BadInput
from timbrel.sound import Notes, Rendered
from timbrel.synths.patch import Patch
from timbrel.synths.subtractive.curves import TICK, end_ticks, off_ticks
from timbrel.synths.subtractive.factory import factory_banks
from timbrel.synths.subtractive.knobs import CONTROLS, PARAMETERS
from timbrel.synths.subtractive.player import SubtractivePlayer
from timbrel.synths.subtractive.rendering import render_lanes
from timbrel.synths.subtractive.voicing import voice
from timbrel.synths.synth import Synth, check_longest


class Subtractive(Synth):
    """Two oscillators, a filter, and what moves them; needs nothing installed.

    Args:
        sample_rate: of what it renders, in Hz.

    Raises:
        BadInput: it is no sample rate.
    """

    name: ClassVar[str] = "subtractive"
    parameters = PARAMETERS
    controls = CONTROLS
    volume = "level_db"
    streams = True

    def __init__(self, sample_rate: int = 44100) -> None:
        check_rate(sample_rate)
        self.sample_rate = sample_rate

    def factory_banks(self) -> list[tuple[str, list[Patch]]]:
        """A bank for each category."""
        return factory_banks()

    def render(
        self,
        patches: Float[Tensor, "*notes params"],
        notes: Notes,
        controls: Mapping[str, float] | None = None,
        *,
        longest_s: float | None = None,
    ) -> Rendered:
        """Notes with their releases and rooms, of one patch or of one for each.

        Args:
            patches: vectors as `parameters` makes them.
            notes: what is played; bends are followed.
            controls: values for some of `controls`.
            longest_s: what sounds later is left out.
        """
        if unknown := set(controls or {}) - {control.name for control in CONTROLS}:
            known = ", ".join(control.name for control in CONTROLS)
            raise BadInput(f"no control {min(unknown)!r}: subtractive has {known}")
        legal = PARAMETERS.space.for_notes(patches, len(notes))
        rate = self.sample_rate
        voicing = voice(legal, notes.pitch, notes.velocity, controls or {}, rate)
        off = off_ticks(notes, rate)
        ends = end_ticks(voicing, off, rate)
        ends = ends.clamp(max=max(1, int(check_longest(longest_s) * rate) // TICK))
        audio = render_lanes(voicing, notes, off, ends, rate)
        return Rendered(audio, ends * TICK, rate)

    def player(self, n_voices: int, sample_rate: int) -> SubtractivePlayer:
        """This synthesizer played live, at any sample rate."""
        return SubtractivePlayer(n_voices, sample_rate)
