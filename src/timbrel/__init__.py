"""timbrel: notes and a timbre go in; audio comes out.

    import timbrel

    instrument = timbrel.load("mel_vae")
    flute = instrument.encode(timbrel.read_audio("flute.wav", instrument.sample_rate))
    piano = instrument.encode(timbrel.read_audio("piano.wav", instrument.sample_rate))
    between = timbrel.morph(instrument.timbre_space, [flute, piano], steps=3)
    notes = instrument.render(timbrel.Notes.of([60, 64, 67]), between)
    timbrel.write_audio("chord.wav", notes.audio.sum(0) / 3, notes.sample_rate)

The names in `__all__` are the public ones. They are imported when they are first used, so that
`import timbrel` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from timbrel.audio import read_audio, write_audio
    from timbrel.errors import TimbrelError
    from timbrel.instruments import Instrument, load, models
    from timbrel.midi import Score, read_score
    from timbrel.sound import Notes, Rendered, TimbreSpace
    from timbrel.timbre import Bank, blend, morph, pad

    __version__: str

_HOMES = {
    "Bank": "timbre",
    "Instrument": "instruments",
    "Notes": "sound",
    "Rendered": "sound",
    "Score": "midi",
    "TimbreSpace": "sound",
    "TimbrelError": "errors",
    "blend": "timbre",
    "load": "instruments",
    "models": "instruments",
    "morph": "timbre",
    "pad": "timbre",
    "read_audio": "audio",
    "read_score": "midi",
    "write_audio": "audio",
}

__all__ = [
    "Bank",
    "Instrument",
    "Notes",
    "Rendered",
    "Score",
    "TimbreSpace",
    "TimbrelError",
    "__version__",
    "blend",
    "load",
    "models",
    "morph",
    "pad",
    "read_audio",
    "read_score",
    "write_audio",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value: Any = import_module("importlib.metadata").version("timbrel")
    elif name in _HOMES:
        value = getattr(import_module(f"timbrel.{_HOMES[name]}"), name)
    else:
        raise AttributeError(f"module 'timbrel' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
