"""Finding patches of a synthesizer for recordings, with or without what was learned of it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.audio import resample
from timbrel.errors import BadInput
from timbrel.instruments.instrument import check_count, check_patience
from timbrel.instruments.preset.feedback.taste import Opinions, Taste
from timbrel.instruments.preset.hearing.heard import SAMPLE_RATE
from timbrel.instruments.preset.hearing.target import Target, target_of
from timbrel.instruments.preset.index import PatchIndex
from timbrel.instruments.preset.matching.candidates import Guess, Match
from timbrel.instruments.preset.matching.finishing import finished
from timbrel.instruments.preset.matching.matches import match
from timbrel.instruments.preset.network import PresetNetwork
from timbrel.synths import Synth

N_NEAREST = 8
"""Patches of an index that are tried."""


@dataclass(frozen=True)
class PatchFinder:
    """Finds the patch behind a sound.

    Attributes:
        synth: that is to make it.
        network: what was learned of the synthesizer; None has the search begin with nothing.
        indices: patches that may be what is looked for: the nearest of each are tried.
        feedback: what the user said of such patches: those that were liked come first.
    """

    synth: Synth
    network: PresetNetwork | None = None
    indices: tuple[PatchIndex, ...] = ()
    feedback: Opinions | None = None

    def find(
        self,
        audio: Float[Tensor, " time"],
        sample_rate: int,
        *,
        pitch: float | None = None,
        seconds: float = 10.0,
        count: int = 1,
        generator: torch.Generator | None = None,
    ) -> list[Match]:
        """Patches that sound like a recording, best first, each as loud as that is.

        Args:
            audio: one note or one stroke.
            sample_rate: in Hz.
            pitch: MIDI number of the key to be played; by default what is heard.
            seconds: of this machine's time for the search; 0 takes the network's word: the nearest
                of its answers, neither a bank's patches nor what users said.
            count: how many patches.
            generator: of what is tried; the same at every call by default.

        Raises:
            BadAudio: the sound is empty, silent or not finite.
            BadInput: `pitch` is no MIDI number, `count` is below 1, or `seconds` no time, or 0
                without a network.
            SynthFailed: a plug-in plays none of what is tried.
        """
        target = target_of(resample(audio, sample_rate, SAMPLE_RATE), pitch)
        return self.find_for(target, seconds=seconds, count=count, generator=generator)

    def find_for(
        self,
        target: Target,
        *,
        seconds: float = 10.0,
        count: int = 1,
        generator: torch.Generator | None = None,
    ) -> list[Match]:
        """The same for a recording that was made a target.

        Raises:
            BadInput, SynthFailed: as `find`.
        """
        count, is_searching = check_count(count), check_patience(seconds) > 0
        if self.network is None and not is_searching:
            raise BadInput(f"no model has learned {self.synth.name}: seconds must be above 0")
        taste = self.taste(target) if is_searching else None
        nearest = self._nearest(self.point(target)) if is_searching and self.indices else []
        also = [*nearest, *([] if taste is None else taste.corrections())]
        found = match(
            self.synth, self.network, target, seconds, also=also,
            liked_db=None if taste is None else taste.liked_db, count=count, generator=generator,
        )  # fmt: skip
        return finished(self.synth, found, target.audio)

    def taste(self, target: Target) -> Taste | None:
        """What the user said of patches for such a sound."""
        if self.feedback is None:
            return None
        return self.feedback.about(target.heard, self.point(target))

    @torch.no_grad()
    def point(self, target: Target) -> Float[Tensor, " size"] | None:
        """Where a sound lies for the tone matcher, if there is one."""
        return None if self.network is None else self.network.point(target.heard)[0]

    def _nearest(self, point: Float[Tensor, " size"] | None) -> list[Guess]:
        """Patches of each index that sound most like it, by the tone matcher."""
        if point is None:
            return []
        return [
            Guess(index.vectors[number], index.names[number])
            for index in self.indices
            for number in index.nearest(point, N_NEAREST)
        ]
