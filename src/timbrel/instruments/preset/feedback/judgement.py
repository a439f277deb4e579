"""What users say of patches: how much one is liked for a sound, or that it is the right one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, get_args

from jaxtyping import Float
from torch import Tensor

from timbrel.errors import BadInput
from timbrel.instruments.preset.hearing.heard import Heard, fitted
from timbrel.instruments.preset.hearing.target import Target
from timbrel.sound import Notes
from timbrel.units import power_to_db

JudgementKind = Literal["rating", "correction"]


@dataclass(frozen=True)
class JudgedSound:
    """What is kept of a sound.

    Attributes:
        heard: of this sound alone.
        level_db: its RMS over four seconds.
    """

    heard: Heard
    level_db: float

    @classmethod
    def of(cls, target: Target) -> JudgedSound:
        """The sound that a patch was looked for."""
        power = fitted(target.audio).square().mean().clamp_min(1e-20)
        return cls(target.heard, float(power_to_db(power)))


@dataclass(frozen=True, eq=False)
class Judgement:
    """What was said of a patch and a sound.

    Attributes:
        synth: name of the synthesizer.
        knobs: names of its knobs: a patch of other knobs says nothing of these.
        vector: the patch.
        patch: its name.
        note: the one that is to sound like the sound.
        sound: what tells the sound from others.
        sound_name: what it was called.
        kind: a rating, or a correction.
        liked: -1 to 1.
        made_at: when, in UTC.
    """

    synth: str
    knobs: tuple[str, ...]
    vector: Float[Tensor, " params"]
    patch: str
    note: Notes
    sound: str
    sound_name: str
    kind: JudgementKind = "rating"
    liked: float = 1.0
    made_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def __post_init__(self) -> None:
        if self.kind not in get_args(JudgementKind):
            raise BadInput(f"a judgement is {self.kind!r}: wanted rating or correction")
        if not -1.0 <= self.liked <= 1.0:
            raise BadInput(f"liked is {self.liked}: wanted a number from -1 to 1")
        if len(self.vector) != len(self.knobs) or not bool(self.vector.isfinite().all()):
            raise BadInput(f"a patch of {len(self.vector)} numbers for {len(self.knobs)} knobs")
