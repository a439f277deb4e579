"""What goes into an instrument (notes, a performance) and what comes out (rendered audio)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from numbers import Real

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from timbrel.errors import BadInput

BEND_RATE = 100.0
"""Points per second of a bend curve, counted from the note's onset."""

LONGEST_NOTE_S = 600.0

_FURTHEST_BEND = 256.0
_FRAME_RATES = (1.0, 10000.0)

CURVES = {"f0_hz": (0.0, 1e7), "loudness_db": (-400.0, 200.0), "confidence": (0.0, 1.0)}
"""What the numbers of a performance are between: wider than anything that is heard."""


@dataclass(frozen=True, eq=False)
class Notes:
    """A batch of notes without their place in time.

    Attributes:
        pitch: MIDI numbers, fractional allowed, in [0, 127].
        velocity: how hard each is struck, in [0, 1].
        duration_s: from key down to key up, in (0, 600] s; the release sounds on after it.
        bend_semitones: deviation from `pitch`, `BEND_RATE` points a second from the onset; the
            last point holds on.

    Raises:
        BadInput: lengths differ, or a value is not finite or out of range.
    """

    pitch: Float[Tensor, " notes"]
    velocity: Float[Tensor, " notes"]
    duration_s: Float[Tensor, " notes"]
    bend_semitones: Float[Tensor, "notes points"] | None = None

    def __post_init__(self) -> None:
        fields = {
            "pitch": (0.0, 127.0),
            "velocity": (0.0, 1.0),
            "duration_s": (0.0, LONGEST_NOTE_S),
        }
        for name, (low, high) in fields.items():
            values = self._in_single_precision(name)
            if values.shape != self.pitch.shape or values.ndim != 1:
                raise BadInput(f"notes: {name} has shape {tuple(values.shape)}, wanted [notes]")
            legal = values.isfinite() & (values >= low) & (values <= high)
            if name == "duration_s":
                legal &= values > 0
            if not bool(legal.all()):
                got, start = float(values[~legal][0]), "above " if name == "duration_s" else ""
                raise BadInput(f"notes: {name} is {got:g}, wanted {start}{low:g} to {high:g}")
        bend = None if self.bend_semitones is None else self._in_single_precision("bend_semitones")
        if bend is not None and (bend.ndim != 2 or len(bend) != len(self) or not bend.shape[1]):
            raise BadInput(f"notes: bend has shape {tuple(bend.shape)}, wanted [notes points]")
        if bend is not None and not bool(bend.isfinite().all()):
            raise BadInput("notes: a bend holds NaN or infinity, wanted semitones")
        if bend is not None and bool((bend.abs() > _FURTHEST_BEND).any()):
            raise BadInput(f"notes: a bend is beyond {_FURTHEST_BEND:g} semitones: bend less")

    def _in_single_precision(self, name: str) -> Tensor:
        """A field as instruments take it, set to that."""
        values = getattr(self, name)
        if not isinstance(values, Tensor):
            raise BadInput(
                f"notes: {name} is {type(values).__name__}: wanted a tensor, or Notes.of"
            )
        values = values.float()
        object.__setattr__(self, name, values)
        return values

    @classmethod
    def of(
        cls,
        pitch: float | Sequence[float],
        velocity: float | Sequence[float] = 0.8,
        duration_s: float | Sequence[float] = 1.0,
    ) -> Notes:
        """Notes from plain numbers; a single number serves all notes.

        >>> len(Notes.of([60, 64, 67], duration_s=2.0))
        3
        """
        try:
            columns = [torch.atleast_1d(torch.as_tensor(x, dtype=torch.float32))
                       for x in (pitch, velocity, duration_s)]  # fmt: skip
        except (TypeError, ValueError) as error:
            raise BadInput(f"notes: {error}: wanted numbers, or lists of them") from None
        try:
            return cls(*(column.clone() for column in torch.broadcast_tensors(*columns)))
        except RuntimeError:
            sizes = ", ".join(str(len(column)) for column in columns)
            raise BadInput(f"notes: pitch, velocity, duration_s have lengths {sizes}") from None

    def __len__(self) -> int:
        return len(self.pitch)

    def __getitem__(self, index: slice | Tensor | list[int]) -> Notes:
        bend = None if self.bend_semitones is None else self.bend_semitones[index]
        return Notes(self.pitch[index], self.velocity[index], self.duration_s[index], bend)

    def batches(self, size: int) -> Iterator[Notes]:
        """The notes in order, `size` at a time."""
        for start in range(0, len(self), size):
            yield self[start : start + size]

    def bend_at(self, times_s: Float[Tensor, " frames"]) -> Float[Tensor, "notes frames"]:
        """The bend in semitones at times after the onset, linear between its points."""
        if self.bend_semitones is None:
            return torch.zeros(len(self), len(times_s))
        last = self.bend_semitones.shape[1] - 1
        place = (times_s * BEND_RATE).clamp(0, last)
        left = place.floor().long().clamp(max=max(last - 1, 0))
        right = (left + 1).clamp(max=last)
        share = (place - left).to(self.bend_semitones)
        return torch.lerp(self.bend_semitones[:, left], self.bend_semitones[:, right], share)


@dataclass(frozen=True, eq=False)
class Performance:
    """A recording's melody as curves: what `transfer` follows.

    Attributes:
        f0_hz: fundamental frequency, 0 where there is none.
        loudness_db: A-weighted loudness.
        confidence: how sure the tracker was of `f0_hz`, in [0, 1].
        frame_rate: frames per second of all three.

    Raises:
        BadInput: a curve is no tensor [frames] of floats or not as long as the others, or a value
            is not finite or out of range.
    """

    f0_hz: Float[Tensor, " frames"]
    loudness_db: Float[Tensor, " frames"]
    confidence: Float[Tensor, " frames"]
    frame_rate: float

    def __post_init__(self) -> None:
        curves = {name: self._in_single_precision(name) for name in CURVES}
        sizes = [len(values) for values in curves.values()]
        if len(set(sizes)) > 1:
            got = ", ".join(str(size) for size in sizes)
            raise BadInput(f"performance: {', '.join(curves)} have {got} frames, wanted as many")
        for name, values in curves.items():
            low, high = CURVES[name]
            legal = values.isfinite() & (values >= low) & (values <= high)
            if not bool(legal.all()):
                got = float(values[~legal][0])
                raise BadInput(f"performance: {name} is {got:g}, wanted {low:g} to {high:g}")
        slowest, fastest = _FRAME_RATES
        rate = self.frame_rate
        if not isinstance(rate, Real) or not slowest <= rate <= fastest:
            raise BadInput(
                f"performance: frame_rate is {rate!r:.40}, wanted {slowest:g} to {fastest:g} a "
                "second"
            )

    def _in_single_precision(self, name: str) -> Tensor:
        """A curve as instruments take it, set to that."""
        values = getattr(self, name)
        if not isinstance(values, Tensor) or not values.is_floating_point() or values.ndim != 1:
            is_tensor = isinstance(values, Tensor)
            got = f"{values.dtype} of {list(values.shape)}" if is_tensor else type(values).__name__
            raise BadInput(f"performance: {name} is {got}, wanted a tensor [frames] of floats")
        values = values.float()
        object.__setattr__(self, name, values)
        return values


@dataclass(frozen=True, eq=False)
class Rendered:
    """Notes as audio: mono, padded to the longest.

    Attributes:
        audio: one row a note, silent after its length.
        lengths: samples that each note sounds, its release included.
        sample_rate: in Hz.
    """

    audio: Float[Tensor, "notes time"]
    lengths: Int[Tensor, " notes"]
    sample_rate: int

    @classmethod
    def of(cls, sounds: Sequence[Float[Tensor, " _"]], sample_rate: int) -> Rendered:
        """Each note's audio, from one sound for each.

        >>> Rendered.of([torch.ones(2), torch.ones(1)], 48000).audio
        tensor([[1., 1.],
                [1., 0.]])
        """
        lengths = torch.tensor([len(sound) for sound in sounds])
        return cls(pad_sequence(list(sounds), batch_first=True), lengths, sample_rate)

    def __iter__(self) -> Iterator[Float[Tensor, " time"]]:
        """Each note's audio, cut to its length."""
        for audio, length in zip(self.audio, self.lengths.tolist(), strict=True):
            yield audio[:length]
