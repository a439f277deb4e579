"""Which knob of a MIDI keyboard turns which control of the instrument, and how that is kept.

[harmonic]             a table for each model, in live.toml in the user's folder of settings
1 = "vibrato_depth"    CC 1, the modulation wheel
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import platformdirs
import tomli_w

from timbrel.config import parse_toml
from timbrel.errors import BadConfig, BadInput
from timbrel.files import replacing
from timbrel.live.controllers import CHANNEL_MODES, GLIDE_TIME, MODULATION, RESERVED
from timbrel.sound import Control


class Knobs:
    """Controllers bound to controls; a binding costs the callback no more than a look-up.

    Attributes:
        bound: the control of each controller.
        learning: the control to which the next controller that moves is bound.

    Args:
        controls: what the instrument has.
        bindings: names of controls by controller; without any for them, the modulation wheel gets
            the first control that is called vibrato, and portamento time the one called glide.
        learning: the name of a control to learn.

    Raises:
        BadInput: there is no such control, or a controller is not free.
    """

    def __init__(
        self,
        controls: Sequence[Control] = (),
        bindings: Mapping[int, str] | None = None,
        learning: str | None = None,
    ) -> None:
        self._controls = {control.name: control for control in controls}
        vibrato = next((name for name in self._controls if "vibrato" in name), None)
        named = {MODULATION: vibrato} if vibrato else {}
        named |= {GLIDE_TIME: "glide"} if "glide" in self._controls else {}
        named |= dict(bindings or {})
        self.bound = {number: self._bindable(number, name) for number, name in named.items()}
        self.learning = None if learning is None else self._bindable(None, learning)

    def turned(self, number: int, value: int) -> tuple[str, float] | None:
        """The control that a controller turns, and to what; None where it turns none.

        The first free controller that moves is bound to the control to be learned.
        """
        if self.learning is not None and number not in RESERVED:
            self.bound[number], self.learning = self.learning, None
        control = self.bound.get(number)
        return None if control is None else (control.name, control.from_knob(value / 127))

    def has(self, name: str) -> bool:
        """Whether the instrument has a control of that name."""
        return name in self._controls

    @property
    def bindings(self) -> dict[int, str]:
        """Names of controls by controller."""
        return {number: control.name for number, control in sorted(dict(self.bound).items())}

    def _bindable(self, number: int | None, name: str) -> Control:
        if name not in self._controls:
            known = ", ".join(self._controls) or "none"
            raise BadInput(f"no control {name!r}: this instrument has {known}")
        if number is not None and (not 0 <= number <= 127 or number in RESERVED):
            taken = ", ".join(map(str, sorted(RESERVED.difference(CHANNEL_MODES))))
            raise BadInput(
                f"controller {number} cannot be mapped: wanted one of 0 to 119 but {taken}"
            )
        return self._controls[name]


def parse_bindings(texts: Sequence[str]) -> dict[int, str]:
    """Bindings as people write them.

    >>> parse_bindings(["1=vibrato_depth, 74=brightness"])
    {1: 'vibrato_depth', 74: 'brightness'}

    Raises:
        BadInput: one is not written so.
    """
    bindings = {}
    for part in (part for text in texts for part in text.split(",")):
        number, equals, name = (piece.strip() for piece in part.partition("="))
        if not (equals and number.isdecimal() and name):
            wanted = "CONTROLLER=CONTROL, as 1=vibrato_depth"
            raise BadInput(f"{part.strip()!r} maps nothing: write {wanted}")
        bindings[int(number)] = name
    return bindings


def settings_file() -> Path:
    """Where learned bindings are kept."""
    return Path(platformdirs.user_config_dir("timbrel")) / "live.toml"


def read_bindings(path: Path, model: str) -> dict[int, str]:
    """The bindings that were kept for a model; none where there is no file.

    Raises:
        BadConfig: the file is damaged.
    """
    table = _read(path).get(model, {})
    try:
        return {int(number): str(name) for number, name in table.items()}
    except (AttributeError, ValueError):
        raise BadConfig(f'{path}: [{model}] wants lines like 1 = "vibrato_depth"') from None


def keep_bindings(path: Path, model: str, bindings: Mapping[int, str]) -> Path:
    """Write the bindings of a model, those of others staying as they are."""
    tables = _read(path) | {model: {str(number): name for number, name in bindings.items()}}
    with replacing(path) as unfinished:
        unfinished.write_text(tomli_w.dumps(tables), encoding="utf-8")
    return path


def _read(path: Path) -> dict[str, dict[str, str]]:
    if not path.is_file():
        return {}
    try:
        return parse_toml(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError, OSError) as error:  # of TOML, of UTF-8: ValueErrors
        raise BadConfig(f"{path} cannot be read ({error}): mend it or delete it") from None
