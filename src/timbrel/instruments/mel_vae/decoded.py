"""What the decoder of `mel_vae` says of notes, before it is sound."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.mel import add_powers_db

LONGEST_HOLD_S = 3.0
"""What notes are trained up to; longer ones are sustained."""

RELEASE_S = 1.0
"""The longest release that training notes have."""

_HEARD_EARLY_S = 0.1
"""Frames this long before key up already see it: windows and convolutions reach past it."""

_FALL_MEASURED_S = 1.4
"""Over how long a sound's fall is measured: several turns of a slow tremolo."""

_LOUDEST_DB = 24.0
"""No band of a known sound is so loud (17 dB at most); far-out latents would be, 250 dB even."""

_LEVEL_FRAMES = 8
"""A level is the mean of so many frames, an eighth of a second: one turn of a fast vibrato."""


@dataclass(frozen=True)
class Decoded:
    """What the decoder says of notes, all in dB.

    Attributes:
        harmonic_db: power of a harmonic, were there one, in each band, relative to the comb.
        noise_db: power of the noise in each band.
        comb_db: the note's own comb.
        level_db: the log-mel's maximum, relative to the instrument's reference level.
    """

    harmonic_db: Float[Tensor, "notes mels frames"]
    noise_db: Float[Tensor, "notes mels frames"]
    comb_db: Float[Tensor, "notes mels"]
    level_db: Float[Tensor, " notes"]

    def held_down(self) -> Decoded:
        """With no band, and no note, louder than anything that was learned."""
        harmonic_db, noise_db, level_db = (
            level.clamp(max=_LOUDEST_DB)
            for level in (self.harmonic_db, self.noise_db, self.level_db)
        )
        return replace(self, harmonic_db=harmonic_db, noise_db=noise_db, level_db=level_db)

    def sustained(self, frames: int, frame_rate: float) -> Decoded:
        """With `frames` more of sustain before the release of the longest hold.

        Sounds that fade go on fading at their own rate in each band, others stand; no band grows.
        """
        end = round((LONGEST_HOLD_S - _HEARD_EARLY_S) * frame_rate)
        back = round(_FALL_MEASURED_S * frame_rate)
        harmonic_db, noise_db = (
            _lengthened(level_db, end, back, frames)
            for level_db in (self.harmonic_db, self.noise_db)
        )
        return replace(self, harmonic_db=harmonic_db, noise_db=noise_db)

    @property
    def mel_db(self) -> Float[Tensor, "notes mels frames"]:
        """Harmonics and noise together, under 0 dB, not clipped at the floor."""
        return add_powers_db(self.harmonic_db + self.comb_db[..., None], self.noise_db)


def _lengthened(
    level_db: Float[Tensor, "notes mels frames"], end: int, back: int, more: int
) -> Float[Tensor, "notes mels longer"]:
    """A level that goes on for `more` frames at `end`, falling as in the `back` frames before it.

    level   ____
                ----____ now         ____  what comes after, lower by the whole fall
                 then    ----____----
                 |<-back->|<-more->|
                          end
    """
    before, after = level_db[..., :end], level_db[..., end:]
    then = before[..., -back : _LEVEL_FRAMES - back].mean(-1)
    now = before[..., -_LEVEL_FRAMES:].mean(-1)
    fall = (now - then).clamp_max(0)[..., None] / (back - _LEVEL_FRAMES)
    middle = now[..., None] + fall * torch.arange(1, more + 1)
    return torch.cat([before, middle, after + fall * more], dim=-1)
