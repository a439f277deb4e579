"""Everything that a user can cause, as one tree.

TimbrelError
├── BadInput          a file, a number or an expression that cannot be used
│   ├── BadAudio      ... audio: missing, empty, silent, not finite, unreadable
│   ├── BadScore      ... a MIDI file
│   ├── BadConfig     ... a setting: unknown key, wrong type, out of range
│   ├── BadModel      ... a model folder or a bank: missing, truncated, of another model
│   └── BadPatch      ... a file of patches: truncated, of another synthesizer, out of bounds
├── Unsupported       an instrument was asked for what its family cannot do
├── SynthFailed       a plug-in crashed, hung, or made nothing that can be used
└── MissingExtra      an optional part is not installed

Every message is one line and says what was got, what is wanted and what to do. The command line
prints it and exits with 2; anything that is not a TimbrelError is a bug of ours.
"""

from __future__ import annotations


class TimbrelError(Exception):
    """Base of all errors that a user can cause; `str(error)` is one line."""

    def __str__(self) -> str:
        return " ".join(super().__str__().split())


class BadInput(TimbrelError):
    """What was given cannot be used."""


class BadAudio(BadInput):
    """Audio that is missing, empty, silent, not finite or unreadable."""


class BadScore(BadInput):
    """A MIDI file that is missing, corrupt or has nothing to play."""


class BadConfig(BadInput):
    """A setting that is unknown, of the wrong type or out of range."""


class BadModel(BadInput):
    """A model folder or a bank that is missing, damaged or belongs to another model."""


class BadPatch(BadInput):
    """A file of patches that is truncated, hostile, or of another synthesizer."""


class Unsupported(TimbrelError):
    """The instrument's family cannot do what was asked."""


class SynthFailed(TimbrelError):
    """A plug-in crashed, hung, or made nothing that can be used."""


class MissingExtra(TimbrelError):
    """An optional part is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        # What it is made of, not the sentence: so it survives the way back from another process.
        super().__init__(what, extra)

    def __str__(self) -> str:
        what, extra = self.args
        return f"{what} is not installed: pip install 'timbrel[{extra}]'"
