"""What verbs take: numbers with their legal ranges, pitches by name, and the options many share.

A value out of range is a parse error like any other: one line that names the option.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter, Token

DEFAULT_MODEL = "mel_vae"

_NOTE = re.compile(r"([A-Ga-g])([#♯b♭]?)(-?\d)")
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SHIFTS = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}


def between(low: float, high: float) -> Callable[[object, Any], None]:
    """A validator of numbers in [low, high]; NaN is in no range."""

    def check(_: object, value: float | None) -> None:
        if value is not None and not low <= value <= high:
            raise ValueError(f"Wanted a number from {low:g} to {high:g}.")

    return check


def midi_pitch(text: str) -> float:
    """A MIDI number from a number or a note's name; middle C is C4.

    >>> midi_pitch("C4"), midi_pitch("f#3"), midi_pitch("60.5")
    (60.0, 54.0, 60.5)

    Raises:
        ValueError: it is neither, or beyond 0 to 127.
    """
    match = _NOTE.fullmatch(text.strip())
    try:
        if match:
            step, shift, octave = match.groups()
            pitch = float(12 * (int(octave) + 1) + _STEPS[step.upper()] + _SHIFTS[shift])
        else:
            pitch = float(text)
    except ValueError:
        pitch = math.nan
    if not 0 <= pitch <= 127:
        raise ValueError(f"{text!r} is no pitch: wanted a MIDI number 0 to 127 or a name like F#3")
    return pitch


def grid_size(text: str) -> tuple[int, int]:
    """Columns and rows of a grid written as 9x9.

    Raises:
        ValueError: it is not written so, or a side is not 2 to 33.
    """
    match = re.fullmatch(r"(\d{1,3})\s*[xX]\s*(\d{1,3})", text.strip())
    columns, rows = map(int, match.groups()) if match else (0, 0)
    if not (2 <= columns <= 33 and 2 <= rows <= 33):
        raise ValueError(f"{text!r} is no grid: wanted COLUMNSxROWS from 2x2 to 33x33, like 9x9")
    return columns, rows


def shares(text: str) -> tuple[float, ...]:
    """Shares of a mixture from numbers with commas between them; they add up to 1.

    >>> shares("1,2,1")
    (0.25, 0.5, 0.25)

    Raises:
        ValueError: it is no such list, or a number is negative, or all are 0.
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = [math.nan]
    total = sum(numbers)
    if not (min(numbers) >= 0 and 0 < total < math.inf):
        raise ValueError(f"{text!r}: wanted numbers of 0 or more, such as 1,2,1, not all of them 0")
    return tuple(number / total for number in numbers)


def envelope(text: str) -> Any:
    """The ADSR (`dsp.envelope.Adsr`) of four numbers with commas between them.

    >>> envelope("0.01,0.1,0.8,0.3").sustain
    0.8

    Raises:
        ValueError: it is no such list, or a number is out of range.
    """
    from timbrel.dsp.envelope import Adsr

    try:
        numbers = map(float, text.split(","))
        return Adsr(**dict(zip(Adsr.model_fields, numbers, strict=True)))
    except ValueError:
        wanted = "attack,decay,sustain,release such as 0.01,0.1,0.8,0.3"
        raise ValueError(f"{text!r}: wanted {wanted}: up to 60 s, a sustain of 0 to 1") from None


def _read_with(read: Callable[[str], Any], shown: str) -> Parameter:
    def convert(_: object, tokens: Sequence[Token]) -> Any:
        return read(tokens[0].value)

    return Parameter(converter=convert, n_tokens=1, metavar=shown)


Pitch = Annotated[float, _read_with(midi_pitch, "PITCH")]
Grid = Annotated[tuple[int, int], _read_with(grid_size, "9x9")]
Envelope = Annotated[Any | None, _read_with(envelope, "ATTACK,DECAY,SUSTAIN,RELEASE")]
Shares = Annotated[tuple[float, ...], _read_with(shares, "1,2,1")]

Share = Annotated[float, Parameter(validator=between(0, 1))]
Seconds = Annotated[float, Parameter(validator=between(0.01, 60))]
Patience = Annotated[float, Parameter(validator=between(0, 600))]
Count = Annotated[int, Parameter(validator=between(1, 256))]
Seed = Annotated[int, Parameter(validator=between(0, 2**63 - 1))]
Json = Annotated[bool, Parameter(name="--json", help="Figures as JSON on stdout.")]
Plot = Annotated[bool, Parameter(name="--plot", help="Draw a picture beside it.")]
Out = Annotated[Path | None, Parameter(help="Where to write; the default lies in out/.")]


@Parameter(name="*")
@dataclass(frozen=True)
class Using:
    """Which instrument, and which names it knows."""

    model: Annotated[str, Parameter(help="An instrument: see `timbrel models`.")] = DEFAULT_MODEL
    bank: Annotated[Path | None, Parameter(help="A bank of your own beside the model's.")] = None


@Parameter(name="*")
@dataclass(frozen=True)
class Note:
    """The note that a verb plays."""

    pitch: Annotated[
        Pitch | None,
        Parameter(help="MIDI number or name (60, C4); the first recording's own, else C4."),
    ] = None
    velocity: Annotated[Share, Parameter(help="How hard, 0 to 1.")] = 0.8
    duration: Annotated[Seconds, Parameter(help="Seconds from key down to key up.")] = 2.0
    seed: Annotated[Seed, Parameter(help="Of the randomness in the sound.")] = 0


USING, NOTE = Using(), Note()
"""What holds where nothing is said."""
