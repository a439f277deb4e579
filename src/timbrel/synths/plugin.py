"""Any VST2 or VST3 plug-in that a user names, hosted by dawdreamer in child processes.

Its knobs are read from the plug-in itself, each as a position 0..1, or given in a TOML file that
names the ones worth knowing, their ranges and choices:

    plugin = "Synth.vst3"          # beside the TOML, or an absolute path
    name = "synth"                 # else the file's own
    id = "abcd"                    # of the plug-in, for writing .fxp

    [[knobs]]
    index = 12                     # the plug-in's number of it
    name = "cutoff"
    unit = "Hz"                    # this and what follows may be left out
    minimum = 20.0
    maximum = 20000.0
    default = 2000.0               # else what the plug-in begins with
    curve = "log"

    [[knobs]]
    index = 3
    name = "wave"
    choices = ["saw", "square"]

Knobs that it does not name stay as the plug-in has them.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from timbrel.config import Settings, make_settings, read_toml
from timbrel.errors import BadConfig, BadInput, BadPatch
from timbrel.sound import Control
from timbrel.synths.hosting import Host, HostedSynth
from timbrel.synths.hosting.hosted import TAIL_S
from timbrel.synths.hosting.worker import VST, PlugIn
from timbrel.synths.parameters import Parameters

MOST_KNOBS = 4096
"""Of a plug-in: each becomes a number of every patch."""

_NO_KNOB = re.compile(r"MIDI CC \d+|MIDI ?CC.*\|.*")


class Knob(Settings):
    """One knob as a TOML file tells it."""

    index: int = Field(ge=0)
    name: str = Field(min_length=1, max_length=64)
    unit: str = Field(default="", max_length=16)
    minimum: float = 0.0
    maximum: float = 1.0
    default: float | None = None
    curve: Literal["linear", "log"] = "linear"
    choices: tuple[str, ...] = Field(default=(), max_length=1024)


class Told(Settings):
    """A plug-in as a TOML file tells it."""

    plugin: str
    name: str = ""
    id: str = Field(default="", pattern="^([ -~]{4})?$")
    knobs: tuple[Knob, ...] = Field(default=(), max_length=MOST_KNOBS)


class Plugin(HostedSynth):
    """A plug-in by its file, or by a TOML file that tells of it.

    Args:
        path: of either.
        processes: how many render at once; None is one a core.
        tail_s: how long a note is listened to after its key went up.
        limit_s: how long one render may take.

    Raises:
        BadInput: there is no such file, its TOML does not fit the plug-in, or that has no knobs,
            or too many.
        MissingExtra: dawdreamer is not installed.
        SynthFailed: it cannot be loaded.
    """

    name: str  # pyright: ignore[reportIncompatibleVariableOverride] - each plug-in has its own

    def __init__(
        self,
        path: str | Path,
        *,
        processes: int | None = None,
        tail_s: float = TAIL_S,
        limit_s: float = 30.0,
    ) -> None:
        path = Path(path)
        told = _told(path) if path.suffix.lower() == ".toml" else Told(plugin=path.name)
        file = path.parent / told.plugin
        if not _is_there(file):
            raise BadInput(f"no plug-in at {file}: give the path of a VST2 or VST3")
        self.name = told.name or file.stem
        self.plugin_id = told.id
        plug_in = PlugIn(self.name, VST, str(file.resolve()), "amsynth", limit_s=limit_s)
        super().__init__(Host(plug_in, processes), tail_s=tail_s)
        found = self.host.controls()
        self._found = [knob["default"] for knob in found]
        knobs = _placed(told.knobs, found, path) if told.knobs else _read(found, file)
        self._indices = tuple(index for index, _ in knobs)
        self.parameters = Parameters(tuple(control for _, control in knobs))

    def turned(self, values: Mapping[str, float]) -> list[tuple[int | str, float]]:
        """Knobs as positions 0..1, by their number."""
        knobs = zip(self._indices, self.parameters, strict=True)
        return [(index, control.to_knob(values[control.name])) for index, control in knobs]

    def from_positions(self, positions: Sequence[float]) -> dict[str, float]:
        """Where all of the plug-in's knobs stand, in its order, by name and in their units.

        Raises:
            BadPatch: there are more or fewer of them.
        """
        if len(positions) != len(self._found):
            raise BadPatch(f"{len(positions)} parameters, {self.name} has {len(self._found)}")
        knobs = zip(self._indices, self.parameters, strict=True)
        return {control.name: control.from_knob(positions[index]) for index, control in knobs}

    def to_positions(self, values: Mapping[str, float]) -> list[float]:
        """The inverse: knobs that are not named stand where the plug-in has them."""
        positions = list(self._found)
        full = self.parameters.values(self.parameters.vector(values))
        for index, position in self.turned(full):
            positions[int(index)] = position
        return positions


def _is_there(file: Path) -> bool:
    try:
        return file.exists()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _told(path: Path) -> Told:
    return make_settings(Told, read_toml(path), str(path))


def _read(found: list[dict[str, Any]], file: Path) -> list[tuple[int, Control]]:
    """Every knob as the plug-in has it; numbers set apart those of one name."""
    kept = [i for i, knob in enumerate(found) if not _NO_KNOB.fullmatch(knob["name"])]
    if not kept:
        raise BadInput(f"{file} has no knobs: a patch of it says nothing")
    if len(kept) > MOST_KNOBS:
        raise BadInput(
            f"{file} has {len(kept)} knobs, wanted at most {MOST_KNOBS}: name those that are worth "
            "knowing in a TOML file, and give that"
        )
    names = _apart(_snake(found[i]["name"]) or f"knob_{i}" for i in kept)
    places = zip(kept, names, strict=True)
    return [(i, Control(name, "", 0.0, 1.0, _within(found[i]["default"]))) for i, name in places]


def _placed(
    knobs: tuple[Knob, ...], found: list[dict[str, Any]], path: Path
) -> list[tuple[int, Control]]:
    for what in ("index", "name"):
        counts = Counter(getattr(knob, what) for knob in knobs)
        value, times = counts.most_common(1)[0]
        if times > 1:
            raise BadConfig(f"{path}: {times} knobs have the {what} {value!r}: name each once")
    furthest = max(knob.index for knob in knobs)
    if furthest >= len(found):
        raise BadConfig(f"{path}: knob {furthest} of a plug-in that has {len(found)}, from 0")
    return [(knob.index, _control(knob, found[knob.index])) for knob in knobs]


def _control(knob: Knob, found: dict[str, Any]) -> Control:
    low, high = knob.minimum, knob.maximum
    if knob.choices:
        high = low + len(knob.choices) - 1
    control = Control(knob.name, knob.unit, low, high, low, knob.curve, knob.choices)
    default = control.from_knob(found["default"]) if knob.default is None else knob.default
    return Control(knob.name, knob.unit, low, high, control.clip(default), knob.curve, knob.choices)


def _within(position: float) -> float:
    return min(max(position, 0.0), 1.0)


def _snake(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _apart(names: Iterable[str]) -> list[str]:
    """Names of which no two are alike: the second "level" is "level_2", unless one is called so.

    >>> _apart(["level", "level", "level_2"])
    ['level', 'level_2', 'level_2_2']
    """
    taken: dict[str, None] = {}
    numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: count(2))
    for name in names:
        one = name
        while one in taken:
            one = f"{name}_{next(numbers[name])}"
        taken[one] = None
    return list(taken)
