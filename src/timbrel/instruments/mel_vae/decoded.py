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

    def sustained(self, frames: int, frame_rate: float) -> Decoded:
        """With `frames` more of sustain before the release, going on as in the 1.5 s before it.

        Sounds that fade go on fading at their own rate in each band, others stand; no band grows.
        """
        at = round((LONGEST_HOLD_S - 0.1) * frame_rate)
        back = round(1.4 * frame_rate)

        def longer(level_db: Tensor) -> Tensor:
            before, after = level_db[..., :at], level_db[..., at:]
            then, now = before[..., -back : 8 - back].mean(-1), before[..., -8:].mean(-1)
            fall = (now - then).clamp_max(0)[..., None] / (back - 8)
            middle = now[..., None] + fall * torch.arange(1, frames + 1)
            return torch.cat([before, middle, after + fall * frames], dim=-1)

        return replace(self, harmonic_db=longer(self.harmonic_db), noise_db=longer(self.noise_db))

    @property
    def mel_db(self) -> Float[Tensor, "notes mels frames"]:
        """Harmonics and noise together, under 0 dB, not clipped at the floor."""
        return add_powers_db(self.harmonic_db + self.comb_db[..., None], self.noise_db)
