"""Who can hear a pitch, by name. The command line asks before it loads what hears."""

from typing import Literal

Method = Literal["swift", "pyin", "crepe", "crepe-tiny"]
"""Those of `timbrel.dsp.pitch`."""

Tracker = Literal["light", Method]
"""Those, and the one that hears live as well: `timbrel.dsp.listening`."""
