"""The interface of synthesizers: a table of knobs, and notes played with them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from timbrel.errors import BadInput, TimbrelError, Unsupported
from timbrel.sound import Control, Notes, Rendered
from timbrel.sound.playing import Player
from timbrel.synths.parameters import Parameters
from timbrel.synths.patch import Patch

LONGEST_S = 1200.0
"""Of what is rendered: no note sounds longer, with its tail."""


class Synth(ABC):
    """A synthesizer that plays any patch.

    Attributes:
        name: as the registry and patches call it.
        parameters: its knobs.
        sample_rate: of what it renders, in Hz.
        volume: name of the knob that sets how loud the sound is and little else, if there is one.
        phrasing: names of the knobs that say how notes follow each other.
        controls: knobs of the player's, beside those of the patch.
        furthest_bend: semitones by which it bends a note.
        streams: whether it has a player of its own, which goes on from block to block.
    """

    name: ClassVar[str]
    parameters: Parameters
    sample_rate: int
    volume: str = ""
    phrasing: tuple[str, ...] = ()
    controls: tuple[Control, ...] = ()
    furthest_bend: float = math.inf
    streams: bool = False

    @abstractmethod
    def render(
        self,
        patches: Float[Tensor, "*notes params"],
        notes: Notes,
        controls: Mapping[str, float] | None = None,
        *,
        longest_s: float | None = None,
    ) -> Rendered:
        """Notes played with one patch for all, or with one for each; the same at every call.

        Args:
            patches: vectors as `parameters` makes them.
            notes: what is played.
            controls: values for some of `self.controls`.
            longest_s: what sounds later is left out.

        Raises:
            BadInput: shapes that do not fit, numbers that are not finite, or no time at all.
            SynthFailed: a plug-in crashed, hung or made no sound that could be used.
        """

    def render_each(
        self,
        patches: Float[Tensor, "*notes params"],
        notes: Notes,
        *,
        longest_s: float | None = None,
    ) -> Iterator[Float[Tensor, " time"] | TimbrelError]:
        """The same, note by note: where a plug-in fails at one, its error stands among the sounds.

        Raises:
            BadInput: as `render`.
        """
        made = self.render(patches, notes, longest_s=longest_s)
        for audio, length in zip(made.audio, made.lengths.tolist(), strict=True):
            yield audio[:length]

    def factory_banks(self) -> list[tuple[str, list[Patch]]]:
        """The banks of patches that come with it, by name; none where nothing comes with it.

        Raises:
            BadInput: what should have come with it is not installed.
        """
        return []

    def player(self, n_voices: int, sample_rate: int) -> Player:
        """This synthesizer played live; its timbres are patch vectors."""
        raise Unsupported(f"{self.name} cannot be played block by block")


def check_longest(longest_s: float | None) -> float:
    """Seconds that are rendered at most.

    Raises:
        BadInput: they are none.
    """
    if longest_s is None:
        return LONGEST_S
    if not longest_s > 0:
        raise BadInput(f"longest_s is {longest_s:g}, wanted seconds above 0")
    return min(longest_s, LONGEST_S)
