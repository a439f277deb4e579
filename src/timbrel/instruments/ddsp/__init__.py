"""`ddsp`: an instrument that follows a melody, after Engel et al. 2020 (arXiv 2001.04643)."""

from __future__ import annotations

from timbrel.instruments.ddsp.instrument import Ddsp
from timbrel.instruments.ddsp.network import Asked, DdspNetwork, DdspSettings, Said
from timbrel.instruments.ddsp.sounding import asked_of, sound_of

__all__ = ["Asked", "Ddsp", "DdspNetwork", "DdspSettings", "Said", "asked_of", "sound_of"]
