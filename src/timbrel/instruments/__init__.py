"""Instruments, a room or a file a family, behind the one interface; `load` finds them."""

from timbrel.instruments.instrument import Ability, Instrument
from timbrel.instruments.registry import DEFAULT_MODEL, FAMILIES, find_model, load, models

__all__ = ["DEFAULT_MODEL", "FAMILIES", "Ability", "Instrument", "find_model", "load", "models"]
