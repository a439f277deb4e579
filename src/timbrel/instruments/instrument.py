"""The one interface: notes and a timbre go in; audio comes out.

`render` is the only method that a family must write. What a family cannot do raises `Unsupported`
with one clear line; everyone asks `instrument.can("encode")`, nobody asks for a family by name.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.errors import BadInput, Unsupported
from timbrel.sound import Control, Notes, Performance, Register, Rendered, TimbreSpace
from timbrel.sound.control import number
from timbrel.sound.playing import Follower, Player
from timbrel.timbre import Bank

LONGEST_FIT_S = 3600.0

Ability = Literal[
    "encode", "generate", "transfer", "differentiable", "velocity", "bend", "takes",
    "legato", "play", "follow",
]  # fmt: skip
ControlValues = Mapping[str, float]

_EVERYONE: frozenset[Ability] = frozenset({"play"})


class Instrument(ABC):
    """A trained model that renders notes from a timbre.

    Attributes:
        family: the kind of instrument, as the registry calls it.
        abilities: what it can do beyond rendering: `encode` a sound to a timbre, `generate` from
            random timbres, `transfer` a performance, pass gradients to the timbre
            (`differentiable`), play louder velocities louder (`velocity`), follow bend curves
            (`bend`), differ each time that an equal note is played (`takes`), have its player slur
            notes (`legato`), and `follow` a live input. Everyone can `play` keys live.
        furthest_bend: semitones by which it can bend a note.
        sample_rate: of the audio it renders and hears, in Hz.
        timbre_space: what its timbre vectors mean.
        controls: knobs that `render` takes beside the notes.
        gestures: differences that move any of its timbres alike, such as brighter, for directions
            to be made of; None where no number means the same for all sounds.
        bank: named timbres of this model, if it has any.
    """

    family: ClassVar[str]
    abilities: frozenset[Ability] = frozenset()
    furthest_bend: float = math.inf
    sample_rate: int
    timbre_space: TimbreSpace
    controls: tuple[Control, ...] = ()
    gestures: Float[Tensor, "gestures params"] | None = None
    bank: Bank | None = None

    @property
    def fingerprint(self) -> str:
        """What binds a bank to this model's weights; empty where there are none."""
        return ""

    @classmethod
    def load(cls, folder: Path) -> Instrument:
        """The instrument in a model folder, with its bank if there is one.

        Raises:
            BadModel: a file is missing or damaged, or does not fit the others.
        """
        raise Unsupported(f"{cls.family} has no model folders: it is made from its settings")

    def save(self, folder: Path, *, half: bool = False) -> None:
        """Write a model folder; `half` stores weights in 16 bits, as shipped ones are."""
        raise Unsupported(f"{self.family} has no model folders: it is made from its settings")

    @abstractmethod
    def render(
        self,
        notes: Notes,
        timbre: Float[Tensor, "*notes params"],
        controls: ControlValues | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> Rendered:
        """Audio of each note, its release included.

        Args:
            notes: what to play.
            timbre: one timbre for all notes, or one for each.
            controls: values for some of `self.controls`; the others stay at their defaults.
            generator: of the randomness in the sound (noise phases); None draws a fixed seed.
        """

    def encode(
        self,
        audio: Float[Tensor, " time"],
        *,
        pitch: float | None = None,
        seconds: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, " params"]:
        """The timbre of a sound at `sample_rate`.

        Args:
            audio: one note.
            pitch: its MIDI number; None has it found.
            seconds: time that may be spent on fitting the timbre to the sound.
            generator: of the randomness in that search.
        """
        raise self._cannot("encode")

    def transfer(
        self,
        performance: Performance,
        timbre: Float[Tensor, " params"],
        controls: ControlValues | None = None,
    ) -> Float[Tensor, " time"]:
        """Audio that follows a performance's pitch and loudness with this timbre."""
        raise self._cannot("transfer")

    def register(self, timbre: Float[Tensor, " params"]) -> Register | None:
        """Where a timbre's instrument plays; None for one that plays anywhere."""
        return None

    def player(self, n_voices: int, sample_rate: int) -> Player:
        """This instrument to be played live, block by block.

        A family that does not play by itself plays notes rendered in the background, by a thread
        of the player's own.

        Args:
            n_voices: notes at once, releases included; more steal the oldest.
            sample_rate: of the blocks, in Hz, whatever the instrument's own.
        """
        from timbrel.instruments.prepared import PreparedPlayer

        return PreparedPlayer(self, n_voices, sample_rate)

    def follower(self, timbre: Float[Tensor, " params"], sample_rate: int) -> Follower:
        """This instrument to follow a live input with one timbre, block by block."""
        raise self._cannot("follow a live input")

    def can(self, ability: Ability) -> bool:
        """Whether this instrument can do something beyond rendering."""
        return ability in self.abilities | _EVERYONE

    def _cannot(self, what: str) -> Unsupported:
        able = ", ".join(["render", *sorted(self.abilities | _EVERYONE)])
        return Unsupported(f"{self.family} cannot {what}: it can {able}")


def check_pitch(pitch: float) -> float:
    """The pitch that a recording is said to have.

    Raises:
        BadInput: it is no MIDI number.
    """
    if not 0 <= number("the pitch of the sound", pitch) <= 127:
        raise BadInput(f"the pitch of the sound is {float(pitch):g}, wanted a MIDI number 0 to 127")
    return pitch


def fit_steps(seconds: float, steps_per_s: int) -> int:
    """Steps of fitting for so many `seconds`.

    Raises:
        BadInput: as `check_patience`.
    """
    return round(check_patience(seconds) * steps_per_s)


def check_patience(seconds: float) -> float:
    """Seconds that a fit or a search may take.

    Raises:
        BadInput: they are no time, or longer than anybody waits.
    """
    if not 0 <= seconds <= LONGEST_FIT_S:
        raise BadInput(f"fitting for {float(seconds):g} s, wanted 0 to {LONGEST_FIT_S:g}")
    return seconds


def check_count(count: int) -> int:
    """How many are asked for.

    Raises:
        BadInput: fewer than one.
    """
    if count < 1:
        raise BadInput(f"{count} are asked for: ask for one at least")
    return count


def resolve_controls(
    controls: tuple[Control, ...], values: ControlValues | None
) -> dict[str, float]:
    """A value for every control: the given ones, held to their ranges, and defaults.

    Raises:
        BadInput: a value names no control, or is no number.
    """
    if not isinstance(values, Mapping | None):
        got = type(values).__name__
        raise BadInput(f"controls are {got}: wanted names with numbers, as {{'gain': -6.0}}")
    given = dict(values or {})
    unknown = given.keys() - {control.name for control in controls}
    if unknown:
        known = ", ".join(control.name for control in controls) or "none"
        raise BadInput(f"no control {min(unknown, key=str)!r}: this instrument has {known}")
    return {c.name: c.clip(given.get(c.name, c.default)) for c in controls}
