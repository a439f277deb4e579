"""One named timbre: a vector, and whether it is a sound, an average of sounds, or a direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from jaxtyping import Float
from torch import Tensor

from timbrel.errors import BadInput

EntryKind = Literal["sound", "mean", "direction"]
KINDS: tuple[EntryKind, ...] = get_args(EntryKind)


@dataclass(frozen=True)
class Entry:
    """A timbre with its meaning.

    Attributes:
        kind: `sound` (one encoded sound), `mean` (the average of a family or source; playable),
            or `direction` (what to add to a sound; not playable alone).
        timbre: the vector.
        about: one line for people, such as where it was recorded or what it was measured to do.
    """

    kind: EntryKind
    timbre: Float[Tensor, " params"]
    about: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise BadInput(f"a timbre of kind {self.kind!r}: wanted one of {', '.join(KINDS)}")
        if self.timbre.ndim != 1 or not self.timbre.numel():
            raise BadInput(f"a timbre of shape {tuple(self.timbre.shape)}: wanted one vector")
        if not self.timbre.is_floating_point() or not bool(self.timbre.isfinite().all()):
            raise BadInput("a timbre holds NaN, infinity or no fractions: encode the sound again")

    @property
    def is_absolute(self) -> bool:
        """Whether it is a place (a sound or a mean) and not a way to go."""
        return self.kind != "direction"
