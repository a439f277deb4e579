"""Every family played live: notes rendered in the background, looped, read at nearby pitches."""

from timbrel.instruments.prepared.player import PreparedPlayer, first_timbre
from timbrel.instruments.prepared.shelf import Flavour, Key, Prepared, Shelf

__all__ = ["Flavour", "Key", "Prepared", "PreparedPlayer", "Shelf", "first_timbre"]
