"""What the decoder does not say of a recording, read at any pitch.

A residual belongs partly to a harmonic's number (an even harmonic that is missing) and partly to
its frequency (a resonance), and nobody knows which from one note. Over the instruments of another
SoundFont than the training's, reading all of it by number came nearest to the true notes on average
within an octave (4.6 dB, against 4.9 half and half and 5.2 by frequency), and counting it for 0.8
away from its pitch; an octave down the two ways were alike. Noise came nearest half-way (LOG.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.tracks.bands import Bands
from timbrel.dsp.tracks.slots import Slots
from timbrel.instruments.harmonic.course import heard_moments, release_moments
from timbrel.instruments.harmonic.knots import hats
from timbrel.instruments.harmonic.timbre_layout import Layout, Parts

BY_NUMBER = 1.0
"""Share of the partials' residual that goes with their numbers, the rest with frequency."""

NOISE_MOVES = 0.5
"""Share of the noise's residual that moves with pitch, the rest stays at its frequency."""

FAR_GAIN = 0.8
NEAR_SEMITONES, FAR_SEMITONES = 0.5, 5.0
"""A residual counts in full up to the first, and from the second on for `FAR_GAIN`."""


def gain_at(semitones: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """For how much a residual counts so far from its recorded pitch.

    >>> gain_at(torch.tensor([0.0, -0.5, 2.75, 12.0]))
    tensor([1.0000, 1.0000, 0.9000, 0.8000])
    """
    way = (semitones.abs() - NEAR_SEMITONES) / (FAR_SEMITONES - NEAR_SEMITONES)
    return 1 - (1 - FAR_GAIN) * way.clamp(0, 1)


@dataclass(frozen=True, eq=False)
class Residuals:
    """Residuals as the timbres of a model hold them.

    Attributes:
        layout: of the timbres.
        slots, bands: of the model.
    """

    layout: Layout
    slots: Slots
    bands: Bands

    def held(self, parts: Parts, pitch: Float[Tensor, ""]) -> Float[Tensor, "heard levels"]:
        """DB to be added to `held_levels` of a note."""
        moments_s = heard_moments()
        partial = hats(moments_s, self.layout.held_s) @ parts.partial
        noise = hats(moments_s, self.layout.noise_held_s) @ parts.noise
        return self._spread(partial, noise, pitch - parts.pitch)

    def released(self, parts: Parts, pitch: Float[Tensor, ""]) -> Float[Tensor, "released levels"]:
        """DB to be added to `fallen_levels` of a note."""
        at = hats(release_moments(), self.layout.released_s)
        partial, noise = at @ parts.partial_released, at @ parts.noise_released
        return self._spread(partial, noise, pitch - parts.pitch)

    def _spread(
        self,
        partial: Float[Tensor, "moments groups"],
        noise: Float[Tensor, "moments band_groups"],
        semitones: Float[Tensor, ""],
    ) -> Float[Tensor, "moments levels"]:
        """Groups spread over slots and bands, so far above the recorded pitch."""
        partial = partial @ self._slots_at(semitones).T
        noise = noise @ self._bands_at(semitones).T
        return gain_at(semitones) * torch.cat([partial, noise], -1)

    def _slots_at(self, semitones: Float[Tensor, ""]) -> Float[Tensor, "slots groups"]:
        """Weight of each group in each slot."""
        centres = self.slots.centres
        by_frequency = hats(centres * 2 ** (semitones / 12), centres)
        by_number = torch.eye(self.slots.n_slots)
        return torch.lerp(by_frequency, by_number, BY_NUMBER) @ self.layout.of_slots

    def _bands_at(self, semitones: Float[Tensor, ""]) -> Float[Tensor, "bands band_groups"]:
        """Weight of each group of bands in each band."""
        moved = self.bands.interpolation(self.bands.centres_hz() * 2 ** (-semitones / 12)).T
        stays = torch.eye(self.bands.n_bands)
        return torch.lerp(stays, moved, NOISE_MOVES) @ self.layout.of_bands
