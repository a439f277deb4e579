"""A patch: where the knobs of a synthesizer stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CATEGORIES = (
    "bass", "lead", "pad", "fx", "keys", "pluck", "brass", "strings", "organ", "drum", "sequence",
    "other",
)  # fmt: skip
"""What patches are sorted into."""


@dataclass(frozen=True)
class Patch:
    """One sound of a synthesizer.

    Attributes:
        name: what its maker calls it.
        synth: name of the synthesizer whose knobs these are.
        values: of knobs by name, in the knobs' units; those not named stand at their default.
        category: one of `CATEGORIES`; empty where nobody said.
        author: whose it is, if known.
    """

    name: str
    synth: str
    values: Mapping[str, float] = field(default_factory=dict)
    category: str = ""
    author: str = ""
