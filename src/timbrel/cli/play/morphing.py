"""Morphs between the sounds that a user names: a place, a row of steps, or a pad to play."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.cli.arguments import Note
from timbrel.cli.names import result_name, shown_name, written_name
from timbrel.cli.places import folder_for
from timbrel.cli.play.pad import Pad
from timbrel.cli.play.takes import Takes, place_of_takes, play, unclipped
from timbrel.cli.timbres import Timbres
from timbrel.dsp.loudness import a_weighted_db
from timbrel.errors import BadInput
from timbrel.sound import MorphPath
from timbrel.timbre import alphas, pad_weights
from timbrel.units import db_to_amplitude, db_to_power, power_to_db

_HOP_S = 0.02
_LOUDEST_S = 0.4


@dataclass(frozen=True)
class Corners:
    """Two to four sounds to morph between.

    Attributes:
        timbres: what they were resolved with.
        sounds: as the user named them.
        vectors: the timbres.
        pitch: the first recording's own, else middle C.
    """

    timbres: Timbres
    sounds: list[str]
    vectors: Float[Tensor, "corners params"]
    pitch: float

    @classmethod
    def of(cls, timbres: Timbres, sounds: list[str]) -> Corners:
        """The corners that a user named.

        Raises:
            BadInput: fewer than two or more than four.
        """
        if not 2 <= len(sounds) <= 4:
            raise BadInput(f"a morph of {len(sounds)} sounds: give two to four, as in A.wav B.wav")
        vectors = torch.stack([timbres.resolve(sound) for sound in sounds])
        pitch = timbres.pitch_of(sounds[0])
        return cls(timbres, sounds, vectors, pitch)

    @property
    def names(self) -> list[str]:
        """Of the sounds, for people."""
        return [shown_name(sound) for sound in self.sounds]

    @property
    def title(self) -> str:
        """From which sound to which, for pictures."""
        return " → ".join(self.names)

    def morph(self, weights: Float[Tensor, "steps corners"], path: MorphPath, note: Note) -> Takes:
        """The note with each mixture of the corners."""
        instrument = self.timbres.instrument
        mixed = instrument.timbre_space.mix(self.vectors, weights, path)
        names = [self._mixture(row) for row in weights.tolist()]
        return replace(play(instrument, mixed, names, note, self.pitch), title=self.title)

    def pad(self, size: tuple[int, int], path: MorphPath, note: Note) -> Pad:
        """A pad of that many columns and rows, with a corner's sound in each corner."""
        columns, rows = size
        weights = pad_weights(rows, columns, len(self.names)).flatten(0, 1)
        pitch = self.pitch if note.pitch is None else note.pitch
        takes = evened(self.morph(weights, path, note), weights)
        return Pad(self.names, columns, rows, pitch, weights, takes)

    def _mixture(self, weights: Sequence[float]) -> str:
        if len(weights) == 2:
            return f"alpha {weights[1]:.3f}"
        shares = zip(self.names, weights, strict=True)
        return " ".join(f"{weight:.3f} {name}" for name, weight in shares if weight)


@dataclass(frozen=True)
class Wish:
    """What a user asked for: at most one of four ways to morph.

    Attributes:
        alpha: one place between two sounds.
        steps: so many places on the way through all sounds.
        weights: one mixture.
        grid: columns and rows of a pad.

    Raises:
        BadInput: more than one was asked for.
    """

    alpha: float | None = None
    steps: int | None = None
    weights: tuple[float, ...] | None = None
    grid: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        asked = [f"--{name}" for name, wish in vars(self).items() if wish is not None]
        if len(asked) > 1:
            raise BadInput(f"{' and '.join(asked)} exclude each other: give one of them")

    def weights_for(self, n_sounds: int) -> Float[Tensor, "takes corners"]:
        """Weights of each take.

        Raises:
            BadInput: the wish does not fit so many sounds.
        """
        if self.weights is not None:
            if len(self.weights) != n_sounds:
                raise BadInput(f"--weights has {len(self.weights)} numbers for {n_sounds} sounds")
            return torch.tensor([self.weights])
        if self.steps is not None:
            return _weights_along(alphas(self.steps), n_sounds)
        if n_sounds > 2:
            raise BadInput(f"{n_sounds} sounds: say --weights, --steps or --grid")
        return _weights_along(torch.tensor([0.5 if self.alpha is None else self.alpha]), 2)


def evened(takes: Takes, weights: Float[Tensor, "takes corners"]) -> Takes:
    """The takes with their corners brought to one loudness, the mean of theirs.

    Each corner gets one gain, and what lies between them the mixture of their gains in dB: the way
    from one to another stays as even as it was. All are turned down where one would clip.
    """
    corners = weights.argmax(0).tolist()  # where each corner has its largest share
    levels_db = torch.tensor([loudness_db(takes.sounds[i], takes.sample_rate) for i in corners])
    gains_db = weights @ (levels_db.mean() - levels_db)
    sounds = [
        sound * db_to_amplitude(gain_db)
        for sound, gain_db in zip(takes.sounds, gains_db.tolist(), strict=True)
    ]
    return replace(takes, sounds=unclipped(sounds))


def loudness_db(audio: Float[Tensor, " time"], sample_rate: int) -> float:
    """How loud a note is while it is loudest: its mean A-weighted level over 0.4 s.

    Unlike LUFS it is there for notes of any length, and a long decay does not make a note softer.
    """
    hop_length = round(_HOP_S * sample_rate)
    level_db = a_weighted_db(audio, sample_rate, hop_length=hop_length, win_length=2 * hop_length)
    span = min(round(_LOUDEST_S / _HOP_S), len(level_db))
    power = torch.nn.functional.avg_pool1d(db_to_power(level_db[None]), span, 1)
    return power_to_db(float(power.max()))


def _weights_along(
    places: Float[Tensor, " takes"], n_sounds: int
) -> Float[Tensor, "takes corners"]:
    """Weights on the way from the first sound (place 0) through each to the last (place 1)."""
    distance = places[:, None] * (n_sounds - 1) - torch.arange(n_sounds)
    return (1 - distance.abs()).clamp_min(0)


def write_morph(
    corners: Corners, wish: Wish, path: MorphPath, note: Note, out: Path | None, plot: bool
) -> list[Path]:
    """Play and write an alpha, steps or a mixture."""
    weights = wish.weights_for(len(corners.names))
    row = weights[0].tolist()
    shares = [] if len(weights) > 1 else row[1:] if len(row) == 2 else row
    name = _name("morph", corners, path, note, shares)
    place = place_of_takes(out, len(weights), name, corners.timbres.reads)
    return place.fill(
        lambda folder: corners.morph(weights, path, note).write(folder, place.file, plot)
    )


def write_pad(
    corners: Corners, wish: Wish, path: MorphPath, note: Note, out: Path | None, plot: bool
) -> list[Path]:
    """Play and write a pad."""
    size = wish.grid
    assert size is not None
    place = folder_for(out, _name("pad", corners, path, note), corners.timbres.reads)
    return place.fill(lambda folder: corners.pad(size, path, note).write(folder, plot))


def _name(
    what: str, corners: Corners, path: MorphPath, note: Note, shares: Sequence[float] = ()
) -> str:
    sounds = [written_name(sound) for sound in corners.sounds]
    ways = [path] if path != "linear" else []
    words = [what, *sounds, *ways, *(f"{share:.3g}" for share in shares)]
    return result_name("_".join(words), corners.timbres.using, pitch=note.pitch)
