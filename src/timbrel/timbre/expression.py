"""Arithmetic on named sounds: "violin + 0.5*bright - dark", "'my sound.wav' + bright".

    sum     = product { ("+" | "-") product }
    product = signed { ("*" | "/") signed }
    signed  = { "+" | "-" } atom
    atom    = number | name | 'quoted name or path' | "(" sum ")"

Every expression is a number or a weighted sum of names; a product needs a number on one side.
A name of letters, digits and underscores stands bare, any other goes in quotes ('nylon guitar');
a quote inside a quoted name is doubled. Nothing is ever evaluated as Python.

What the weights mean, in `blend`: directions are amounts, taken as they are. Sounds (and means,
which are sounds too) are either the parts of a mix, as in a recipe ("violin + piano" is an even
mix, "2*violin + piano" two parts to one), or, once one of them is taken away, a shift that must
leave one sound over ("piano - acoustic + synthetic": 1 - 1 + 1). One sound alone has no amount:
"2*violin" is refused, for it can mean neither louder nor more of it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.errors import BadInput
from timbrel.sound import TimbreSpace
from timbrel.timbre.entry import Entry

Lookup = Callable[[str], Entry | Tensor]
"""From a name to its timbre; a plain vector is a sound. Raises BadInput for a name it has not."""

_DEEPEST = 40
_LONGEST = 10_000
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    |(?P<name>[^\W\d]\w*)
    |'(?P<single>(?:[^']|'')+)'
    |"(?P<double>(?:[^"]|"")+)"
    |(?P<sign>[-+*/()\u2212\u00d7])
    )""",
    re.VERBOSE,
)
_TYPOGRAPHIC = {"\u2212": "-", "\u00d7": "*"}  # the minus and times signs of word processors
_BARE = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class WeightedSum:
    """Names and their weights, in the order in which they were first said.

    Attributes:
        weights: one weight for each name.
        columns: where each name was first said, counted from 1; not part of equality.
        text: the expression that was parsed; not part of equality.
    """

    weights: Mapping[str, float]
    columns: Mapping[str, int] = field(default_factory=dict, compare=False)
    text: str = field(default="", compare=False)

    def __str__(self) -> str:
        """The sum as an expression that parses to an equal one."""
        said = ""
        for name, weight in self.weights.items():
            sign = "-" if math.copysign(1.0, weight) < 0 else "+"
            if said:
                said += f" {sign} "
            elif sign == "-":
                said += "-"
            said += ("" if abs(weight) == 1.0 else f"{abs(weight)!r}*") + quoted(name)
        return said


def quoted(name: str) -> str:
    """The name as an expression must say it: bare where it can stand bare.

    >>> quoted("violin"), quoted("nylon guitar")
    ('violin', "'nylon guitar'")
    """
    if _BARE.fullmatch(name):
        return name
    return "'" + name.replace("'", "''") + "'"


def parse(text: str) -> WeightedSum:
    """The weighted sum that an expression says.

    >>> parse("violin + bright/2 - (dark - violin)").weights
    {'violin': 2.0, 'bright': 0.5, 'dark': -1.0}

    Raises:
        BadInput: the text is no such expression; the message points at the column.
    """
    if len(text) > _LONGEST:
        raise BadInput(f"an expression of {len(text)} characters: at most {_LONGEST} are read")
    return _Parser(text).parse()


def blend(
    expression: str | WeightedSum, lookup: Lookup, space: TimbreSpace | None = None
) -> Float[Tensor, " params"]:
    """The timbre that an expression says.

    Args:
        expression: such as "violin + 0.5*bright - dark".
        lookup: from a name to its timbre, such as a bank's `lookup`.
        space: where given, the result is brought into its legal range.

    Raises:
        BadInput: the expression cannot be read, a name is unknown, timbres have different sizes,
            or the sounds do not add up to one sound.
    """
    total = parse(expression) if isinstance(expression, str) else expression
    entries = _look_up(total, lookup)
    weights = _as_one_sound(total, entries)
    timbre = _summed(weights, entries)
    return timbre if space is None else space.project(space.check(timbre))


def offset(expression: str | WeightedSum, lookup: Lookup) -> Float[Tensor, " params"]:
    """The direction that an expression says, such as "synthetic - acoustic" or "bright - dark".

    Raises:
        BadInput: as for `blend`, or the sounds do not cancel out.
    """
    total = parse(expression) if isinstance(expression, str) else expression
    entries = _look_up(total, lookup)
    left = _sound_weight(total, entries)
    if abs(left) > 1e-6:
        raise BadInput(
            f"{_said(total)} is a sound, not a direction: its sounds add up to {left:g}, wanted 0"
        )
    return _summed(total.weights, entries)


def _look_up(total: WeightedSum, lookup: Lookup) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    size = None
    for name in total.weights:
        try:
            found = lookup(name)
        except BadInput as error:
            column = total.columns.get(name)
            if column is None or not total.text:
                raise
            raise type(error)(f"{error} (column {column} of {_said(total)})") from None
        entry = found if isinstance(found, Entry) else Entry("sound", found)
        size = len(entry.timbre) if size is None else size
        if len(entry.timbre) != size:
            raise BadInput(
                f"{quoted(name)} has {len(entry.timbre)} numbers, the others {size}: "
                "take all sounds from one model"
            )
        entries[name] = entry
    return entries


def _as_one_sound(total: WeightedSum, entries: Mapping[str, Entry]) -> Mapping[str, float]:
    """The weights with those of the sounds adding up to 1."""
    sounds = {name: w for name, w in total.weights.items() if entries[name].is_absolute}
    left = sum(sounds.values())
    if abs(left - 1.0) <= 1e-6:
        return total.weights
    if not sounds:
        raise BadInput(f"{_said(total)} names no sound: write 'violin + {total}'")
    if len(sounds) > 1 and min(sounds.values()) >= 0.0 and left > 0.0:
        largest = max(sounds.values())  # the sum may be beyond all numbers
        whole = sum(w / largest for w in sounds.values())
        shares = {name: w / largest / whole for name, w in sounds.items()}
        return {**total.weights, **shares}
    if len(sounds) == 1:
        name = quoted(next(iter(sounds)))
        raise BadInput(
            f"{_said(total)} takes {left:g} of one sound: write {name} alone, or mix it with "
            f"another, as in 0.5*{name} + 0.5*other"
        )
    raise BadInput(
        f"{_said(total)}: its sounds add up to {left:g}, wanted 1: give those that are mixed "
        "weights that add up to 1, and each that is taken away another in its place"
    )


def _sound_weight(total: WeightedSum, entries: Mapping[str, Entry]) -> float:
    return sum(w for name, w in total.weights.items() if entries[name].is_absolute)


def _summed(weights: Mapping[str, float], entries: Mapping[str, Entry]) -> Tensor:
    # One name with weight 1 comes back to the bit, whatever else has weight 0.
    terms = [entries[name].timbre * weight for name, weight in weights.items() if weight != 0.0]
    if not terms:
        return torch.zeros_like(next(iter(entries.values())).timbre)
    return torch.stack(terms).sum(0)


def _said(total: WeightedSum) -> str:
    return f'"{total.text or total}"'


@dataclass(frozen=True)
class _Token:
    kind: str  # number | name | sign | end
    text: str
    column: int


# Inside the parser a value is a plain number, or the weights of names.
_Value = float | dict[str, float]


class _Parser:
    """Recursive descent; the depth is bounded, so no input exhausts Python's stack."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.columns: dict[str, int] = {}
        self.tokens = list(self._scan())
        self.place = 0

    def parse(self) -> WeightedSum:
        if self.now.kind == "end":
            raise BadInput('an empty expression: write one such as "violin + 0.5*bright"')
        value = self._sum(0)
        if self.now.kind != "end":
            self._expected_operator()
        if not isinstance(value, dict):
            raise BadInput(f'"{self.text}" is a number, not a sound: name a sound')
        for name, weight in value.items():
            if not math.isfinite(weight):
                raise BadInput(f'"{self.text}" gives {quoted(name)} a weight beyond all numbers')
        return WeightedSum(value, self.columns, self.text)

    @property
    def now(self) -> _Token:
        return self.tokens[self.place]

    def _scan(self) -> Iterator[_Token]:
        place = 0
        end = len(self.text.rstrip())
        while place < end:
            match = _TOKEN.match(self.text, place)
            if match is None or match.end() > end:
                self._unreadable(place)
            kind = match.lastgroup or ""
            text = match.group(kind)
            column = match.start(kind) + 1
            if kind in ("single", "double"):
                quote = "'" if kind == "single" else '"'
                kind, text, column = "name", text.replace(quote * 2, quote), column - 1
            if kind == "name":
                self.columns.setdefault(text, column)
            yield _Token(kind, _TYPOGRAPHIC.get(text, text) if kind == "sign" else text, column)
            place = match.end()
        yield _Token("end", "", end + 1)

    def _unreadable(self, place: int) -> NoReturn:
        rest = self.text[place:]
        column = place + len(rest) - len(rest.lstrip()) + 1
        letter = rest.lstrip()[:1]
        if letter in ("'", '"'):
            self._fail(column, f"the quote {letter} is never closed, or nothing is inside it")
        self._fail(column, f"{letter!r} means nothing here: put names that hold it in quotes")

    def _fail(self, column: int, problem: str) -> NoReturn:
        raise BadInput(f'{problem} (column {column} of "{self.text}")')

    def _sum(self, depth: int) -> _Value:
        value = self._product(depth)
        while self.now.text in ("+", "-") and self.now.kind == "sign":
            sign = self.now
            self.place += 1
            right = self._product(depth)
            value = self._added(value, right, -1.0 if sign.text == "-" else 1.0, sign.column)
        return value

    def _product(self, depth: int) -> _Value:
        value = self._signed(depth)
        while self.now.text in ("*", "/") and self.now.kind == "sign":
            sign = self.now
            self.place += 1
            right = self._signed(depth)
            value = self._multiplied(value, right, sign)
        return value

    def _signed(self, depth: int) -> _Value:
        sign = 1.0
        while self.now.text in ("+", "-") and self.now.kind == "sign":
            sign = -sign if self.now.text == "-" else sign
            self.place += 1
        value = self._atom(depth)
        return value if sign > 0 else _scaled(value, -1.0)

    def _atom(self, depth: int) -> _Value:
        token = self.now
        if depth > _DEEPEST:
            self._fail(token.column, f"parentheses are nested more than {_DEEPEST} deep")
        self.place += token.kind != "end"
        if token.kind == "number":
            return float(token.text)
        if token.kind == "name":
            return {token.text: 1.0}
        if token.text != "(":
            got = f"{token.text!r}" if token.kind != "end" else "the end"
            self._fail(token.column, f"wanted a sound or a number, got {got}")
        value = self._sum(depth + 1)
        if self.now.text != ")" or self.now.kind != "sign":
            if self.now.kind != "end":
                self._expected_operator()
            self._fail(token.column, "this parenthesis is never closed")
        self.place += 1
        return value

    def _added(self, left: _Value, right: _Value, sign: float, column: int) -> _Value:
        if not isinstance(left, dict) and not isinstance(right, dict):
            return left + sign * right
        if not isinstance(left, dict) or not isinstance(right, dict):
            self._fail(column, "a number cannot be added to a sound: multiply, as in 0.5*bright")
        total = dict(left)
        for name, weight in right.items():
            total[name] = total.get(name, 0.0) + sign * weight
        return total

    def _multiplied(self, left: _Value, right: _Value, sign: _Token) -> _Value:
        if sign.text == "/":
            if isinstance(right, dict):
                self._fail(sign.column, "only a number can divide a sound")
            if right == 0.0:
                self._fail(sign.column, "division by zero")
            right = 1.0 / right
        if not isinstance(right, dict):
            return _scaled(left, right)
        if isinstance(left, dict):
            self._fail(sign.column, "two sounds cannot be multiplied: add them, as in a + b")
        return _scaled(right, left)

    def _expected_operator(self) -> NoReturn:
        token, before = self.now, self.tokens[self.place - 1]
        if before.kind == "number" and token.kind == "name":
            hint = f"write {before.text}*{quoted(token.text)}"
        elif before.kind == token.kind == "name":
            hint = f"write '{before.text} {token.text}' in quotes if that is one name"
        elif token.text == ")":
            self._fail(token.column, "this parenthesis was never opened")
        else:
            hint = "write + - * or / before it"
        self._fail(token.column, f"{token.text!r} follows without an operator: {hint}")


def _scaled(value: _Value, factor: float) -> _Value:
    if not isinstance(value, dict):
        return value * factor
    return {name: weight * factor for name, weight in value.items()}
