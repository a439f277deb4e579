"""What verbs take: numbers with their legal ranges, pitches by name, and the options many share.

A value that cannot be is a parse error: one line that names the option, what was got and what is
wanted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter, Token

DEFAULT_MODEL = "harmonic"
DEFAULT_SYNTH = "subtractive"
DEFAULT_TARGET = "guitar"
"""Who follows a recording where nobody is named: the model ddsp-guitar."""

_LONGEST_S = 60.0


def number(
    text: str, low: float, high: float, such_as: object, *, whole: bool = False
) -> float | int:
    """A number in [low, high] from what a user wrote; NaN is in no range.

    >>> number("0.25", 0, 1, 0.5), number("7", 1, 256, 9, whole=True)
    (0.25, 7)

    Raises:
        ValueError: it is none, or out of range.
    """
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        kind = "a whole number" if whole else "a number"
        span = f"{low} to {high}" if whole else f"{low:g} to {high:g}"
        raise ValueError(f"{text!r}: wanted {kind} from {span}, such as {such_as}")
    return value + 0  # -0.0 is 0.0


def midi_pitch(text: str) -> float:
    """A MIDI number from a number or a note's name; middle C is C4.

    >>> midi_pitch("C4"), midi_pitch("f#3"), midi_pitch("60.5")
    (60.0, 54.0, 60.5)

    Raises:
        ValueError: it is neither, or beyond 0 to 127.
    """
    from timbrel.units import parse_pitch  # here, because it imports torch

    text = text.strip()
    with suppress(ValueError):
        return float(parse_pitch(text))
    with suppress(ValueError):
        if 0 <= float(text) <= 127:
            return float(text)
    raise ValueError(f"{text!r} is no pitch: wanted a MIDI number 0 to 127 or a name like F#3")


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


def octave_count(text: str) -> int | None:
    """Octaves to shift by; None for "auto".

    >>> octave_count("auto"), octave_count("-1")
    (None, -1)

    Raises:
        ValueError: it is neither, or too many.
    """
    from timbrel.perform.register_fit import MOST_OCTAVES  # here, because it imports torch

    if text.strip().casefold() == "auto":
        return None
    try:
        return round(number(text, -MOST_OCTAVES, MOST_OCTAVES, 1, whole=True))
    except ValueError:
        span = f"{-MOST_OCTAVES} to {MOST_OCTAVES}"
        raise ValueError(f'{text!r}: wanted octaves from {span}, or "auto"') from None


def _read_with(read: Callable[[str], Any], shown: str) -> Parameter:
    def convert(_: object, tokens: Sequence[Token]) -> Any:
        return read(tokens[0].value)

    return Parameter(converter=convert, n_tokens=1, metavar=shown)


def _number(low: float, high: float, such_as: float, *, whole: bool = False) -> Parameter:
    def read(text: str) -> float | int:
        return number(text, low, high, such_as, whole=whole)

    return _read_with(read, "INT" if whole else "FLOAT")


Pitch = Annotated[float, _read_with(midi_pitch, "PITCH")]
Grid = Annotated[tuple[int, int], _read_with(grid_size, "9x9")]
Envelope = Annotated[Any | None, _read_with(envelope, "ATTACK,DECAY,SUSTAIN,RELEASE")]
Shares = Annotated[tuple[float, ...], _read_with(shares, "1,2,1")]

Share = Annotated[float, _number(0, 1, 0.5)]
Liked = Annotated[float, _number(-1, 1, 0.5)]
Seconds = Annotated[float, _number(0.01, _LONGEST_S, 2)]
Patience = Annotated[float, _number(0, 600, 10)]
Count = Annotated[int, _number(1, 256, 9, whole=True)]
NoteCount = Annotated[int, _number(1, 10_000, 24, whole=True)]
Seed = Annotated[int, _number(0, 2**63 - 1, 1, whole=True)]
Rate = Annotated[int, _number(8000, 192000, 48000, whole=True)]
Block = Annotated[int, _number(16, 8192, 256, whole=True)]
Voices = Annotated[int, _number(1, 128, 16, whole=True)]
Channel = Annotated[int, _number(0, 16, 1, whole=True)]
BendRange = Annotated[float, _number(0, 48, 2)]
Decibels = Annotated[float, _number(-60, 24, -6)]
Level = Annotated[float, _number(-120, 0, -50)]
Octaves = Annotated[int | None, _read_with(octave_count, "N|auto")]
Semitones = Annotated[float, _number(-48, 48, 7)]
Processes = Annotated[int | None, _number(0, 256, 2, whole=True)]
Aspect = Literal["quality", "morphs", "directions"]
Json = Annotated[bool, Parameter(name="--json", help="Figures as JSON on stdout.")]
Plot = Annotated[bool, Parameter(name="--plot", help="Draw a picture beside it.")]
Out = Annotated[
    Path | None, Parameter(help="A file by its ending, else a folder; out/ where nothing is said.")
]


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
