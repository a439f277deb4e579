"""Finding instruments: which families there are, and where models lie.

`load("name")` looks among the shipped models, then in the user's model folder, then takes the
name as a path. A new family is one line in `FAMILIES`.
"""

from __future__ import annotations

import difflib
from importlib import import_module
from pathlib import Path

import platformdirs

from timbrel.errors import BadModel
from timbrel.instruments.instrument import Instrument
from timbrel.instruments.model_folder import CONFIG, read_family

FAMILIES: dict[str, str] = {
    "ddsp": "timbrel.instruments.ddsp:Ddsp",
    "harmonic": "timbrel.instruments.harmonic:Harmonic",
    "mel_vae": "timbrel.instruments.mel_vae:MelVAE",
    "preset": "timbrel.instruments.preset:Preset",
    "shifted": "timbrel.instruments.shifted:Shifted",
    "sine": "timbrel.instruments.sine:Sine",
}
WEIGHTLESS = ("shifted", "sine")
DEFAULT_MODEL = "harmonic"

_SHIPPED = Path(__file__).parent.parent / "shipped"


def family_class(family: str) -> type[Instrument]:
    """The class of a family.

    Raises:
        BadModel: no such family.
    """
    if family not in FAMILIES:
        raise BadModel(f"no family {family!r}: there are {', '.join(sorted(FAMILIES))}")
    module, _, name = FAMILIES[family].partition(":")
    return getattr(import_module(module), name)


def user_models() -> Path:
    """The folder in which a user keeps models of their own."""
    return Path(platformdirs.user_data_dir("timbrel")) / "models"


def models() -> dict[str, Path | None]:
    """Every model that `load` knows by name: its folder, or None for a weightless family."""
    found: dict[str, Path | None] = dict.fromkeys(WEIGHTLESS)
    for place in (user_models(), _SHIPPED):
        if place.is_dir():
            found |= {f.name: f for f in sorted(place.iterdir()) if (f / CONFIG).is_file()}
    return found


def load(name_or_path: str | Path = DEFAULT_MODEL) -> Instrument:
    """An instrument by name (`mel_vae`, one of your own) or from a model folder.

    Raises:
        BadModel: no model of that name, and no folder at that path; or its files are damaged.
    """
    folder = find_model(name_or_path)
    if folder is None:
        return family_class(str(name_or_path))()
    return family_class(read_family(folder)).load(folder)


def family_of(name_or_path: str | Path) -> str:
    """The family of a model that `load` would find, without loading it.

    Raises:
        BadModel: there is no such model.
    """
    folder = find_model(name_or_path)
    return str(name_or_path) if folder is None else read_family(folder)


def find_model(name_or_path: str | Path) -> Path | None:
    """The folder of a model that `load` would find; None for a weightless family.

    Raises:
        BadModel: there is no such model.
    """
    known = models()
    name = str(name_or_path)
    folder = known.get(name) if name in known else Path(name_or_path)
    if folder is not None and not folder.is_dir():
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(known))}"
        raise BadModel(f"no model {name!r}: {hint}")
    return folder
