"""Which objective trains which family: one line a family, imported only when it is asked for."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from timbrel.config import make_settings
from timbrel.errors import BadConfig
from timbrel.training.objective import Objective
from timbrel.training.settings import TrainingSettings

_MODULES = {
    "ddsp": ("timbrel.training.ddsp.objective", "DdspTraining", "DdspObjective"),
    "harmonic": ("timbrel.training.harmonic.objective", "HarmonicTraining", "HarmonicObjective"),
    "mel_vae": ("timbrel.training.mel_vae.objective", "MelVAETraining", "MelVAEObjective"),
    "preset": ("timbrel.training.preset.objective", "PresetTraining", "PresetObjective"),
}


def trained_families() -> list[str]:
    """The families that can be trained."""
    return sorted(_MODULES)


def settings_from(tables: Mapping[str, Any], where: str) -> TrainingSettings:
    """The settings of whichever family the tables name.

    Raises:
        BadConfig: no such family, or a setting that it does not have.
    """
    settings_class, _ = _classes(tables.get("family"), where)
    return make_settings(settings_class, tables, where)


def tuning_of(family: object, where: str) -> dict[str, Any]:
    """What the loop of a family is set to where a model goes on with other sounds.

    Raises:
        BadConfig: no such family.
    """
    settings_class, _ = _classes(family, where)
    return dict(settings_class.tuning)


def objective_for(settings: TrainingSettings) -> Objective:
    """A fresh objective of the settings' family."""
    _, objective_class = _classes(settings.family, "settings")
    return objective_class(settings)


def _classes(family: object, where: str) -> tuple[type[TrainingSettings], type[Objective]]:
    known = trained_families()
    if family not in known:
        near = difflib.get_close_matches(str(family), known, n=1, cutoff=0.3)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
        raise BadConfig(f"{where}: family = {family!r} cannot be trained, {hint}")
    module_name, settings_name, objective_name = _MODULES[str(family)]
    module = import_module(module_name)
    return getattr(module, settings_name), getattr(module, objective_name)
