"""What `--to` names: an instrument that can follow, and one of its timbres.

guitar            a model called ddsp-guitar
my/model          a model by its name or folder
oboe              a sound in the bank of ddsp-many, where no model is called so
oboe.wav          a recording, heard by ddsp-many
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from timbrel.audio import read_audio, require_sound
from timbrel.cli.arguments import Using
from timbrel.cli.names import looks_like_file, looks_like_sound, shown_name
from timbrel.cli.timbres import Timbres, open_timbres
from timbrel.errors import BadAudio, BadInput, BadModel, Unsupported
from timbrel.instruments import Instrument, models
from timbrel.instruments.model_folder import BANK
from timbrel.timbre import EntryKind

FOLLOWING = "ddsp-"
MANY = f"{FOLLOWING}many"
_SOUND: EntryKind = "sound"


@dataclass(frozen=True)
class Target:
    """Who follows, with which sound.

    Attributes:
        instrument: it can follow or transfer.
        timbre: of it.
        name: of the sound, for people.
        model: of the instrument, as `load` finds it.
        reads: files of the user that were read.
    """

    instrument: Instrument
    timbre: Float[Tensor, " params"]
    name: str
    model: str
    reads: tuple[Path, ...] = ()


def open_target(to: str, timbre: str | None = None, bank: Path | None = None) -> Target:
    """The instrument and timbre that are named so.

    Args:
        to: see above.
        timbre: a sound file, name or expression for a model that has several sounds.
        bank: of the user's own.

    Raises:
        BadInput: there is no such model or sound.
        BadModel: it has no sound to take where none is named.
        Unsupported: the instrument cannot follow.
    """
    model, sound = _model_and_sound(to)
    if sound is not None and timbre is not None:
        raise BadInput(f"--to {to} is a sound already, and --timbre is {timbre}: give one of them")
    timbres = open_timbres(Using(model, bank))
    instrument, sound = timbres.instrument, timbre or sound
    if not (instrument.can("follow") or instrument.can("transfer")):
        raise Unsupported(
            f"{model} cannot follow a recording: `timbrel models` shows which can transfer"
        )
    vector, reads = _timbre(timbres, sound)
    name = shown_name(sound) if sound else _shown_model(model, timbres)
    return Target(instrument, vector, name, model, (*timbres.reads, *reads))


def _model_and_sound(to: str) -> tuple[str, str | None]:
    known = models()
    if to in known or (os.sep in to and _is_folder(to)):
        return to, None
    if f"{FOLLOWING}{to}" in known:
        return f"{FOLLOWING}{to}", None
    if MANY in known and (looks_like_file(to) or to in open_timbres(Using(MANY)).bank):
        return MANY, to
    if _is_folder(to):
        return to, None
    if os.sep in to:
        raise BadInput(f"no model at {to}: a trained one is RUN{os.sep}model")
    short = sorted(name.removeprefix(FOLLOWING) for name in known if name.startswith(FOLLOWING))
    there = ", ".join(short) or "none yet: train one with configs/ddsp-violin.toml"
    more = f"; `timbrel models {MANY}` tells which sounds it knows" if MANY in known else ""
    raise BadInput(f"nobody is called {to!r:.80}: those that follow a recording are {there}{more}")


def _is_folder(text: str) -> bool:
    """Whether it is the path of one; no text is not that of this folder."""
    try:
        return bool(text) and Path(text).is_dir()
    except (OSError, ValueError):  # no file can have such a name
        return False


def _timbre(
    timbres: Timbres, sound: str | None
) -> tuple[Float[Tensor, " params"], tuple[Path, ...]]:
    """A timbre, and the recording that it was heard in, the whole of it and not one note."""
    instrument = timbres.instrument
    if sound is None:
        first = next(iter(timbres.bank.names(_SOUND)), None)
        if first is not None:
            return timbres.bank[first], ()
        raise BadModel(
            f"{timbres.using.model} has no sound of its own (no {BANK}), so nobody knows where it "
            "plays: copy the whole model folder, or give a --bank or --timbre"
        )
    if looks_like_sound(sound):
        rate = instrument.sample_rate
        audio = require_sound(read_audio(sound, rate), rate, name=sound)
        try:
            return instrument.encode(audio), (Path(sound),)
        except BadAudio as error:
            raise BadAudio(f"{sound}: {error}") from None
    return timbres.resolve(sound), ()


def _shown_model(model: str, timbres: Timbres) -> str:
    """What a model of one sound is called by it, else by its folder."""
    sounds = timbres.bank.names(_SOUND)
    name = Path(model).name
    return sounds[0] if len(sounds) == 1 and name == "model" else name.removeprefix(FOLLOWING)
