"""A SoundFont opened with tinysoundfont, at a rate at which it does not mirror.

A font is foreign data read by native code: it is only ever opened in a worker process.
"""

from __future__ import annotations

import hashlib
import importlib.util
import math
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from timbrel.config import Settings, to_toml
from timbrel.data.claim import says
from timbrel.errors import BadInput, MissingExtra
from timbrel.files import is_stream, unreadable

if TYPE_CHECKING:
    from tinysoundfont import Synth

_CLEAN_HZ = 96000
"""The synth reads recordings faster or slower without a filter, so what passes its Nyquist
frequency mirrors back: at 16 kHz that is 2 to 3 dB of log-mel L1 away from the note, for notes far
above their recordings 17. At this rate nearly all of it lies above what is kept."""

_INSTALLED = ("/usr/share/sounds", "/usr/share/soundfonts", "/usr/local/share/soundfonts")
"""Where Linux systems put fonts, in folders of their own or in none."""

RENDERING = 2
"""Raised when the same settings come to sound otherwise: what was rendered before is another's."""


def oversampled(sample_rate: int) -> int:
    """The lowest multiple of a rate at which the synth is clean.

    >>> oversampled(16000), oversampled(44100), oversampled(48000)
    (96000, 132300, 96000)
    """
    return sample_rate * math.ceil(_CLEAN_HZ / sample_rate)


def open_font(font: Path, gain_db: float, sample_rate: int) -> tuple[Synth, int]:
    """A synth, and the number that the font has in it.

    Raises:
        BadInput: the font is damaged.
    """
    import tinysoundfont

    synth = tinysoundfont.Synth(gain_db, sample_rate)
    try:
        return synth, synth.sfload(str(font))
    except RuntimeError:
        raise BadInput(
            f"{font} is damaged or no SoundFont: give a whole .sf2 or .sf3 file"
        ) from None


def sound_of(synth: Synth, length: int) -> np.ndarray:
    """The synth's next samples, mono."""
    if not length:
        return np.zeros(0, dtype=np.float32)
    stereo = np.frombuffer(synth.generate(length), dtype=np.float32)
    return stereo.reshape(-1, 2).mean(axis=1)


def check_font(font: Path) -> Path:
    """The whole path of a file that looks like a SoundFont.

    Raises:
        BadInput: it does not.
        MissingExtra: tinysoundfont is not installed.
    """
    if importlib.util.find_spec("tinysoundfont") is None:
        raise MissingExtra("tinysoundfont, which plays SoundFonts,", "soundfont")
    try:
        if is_stream(font):
            raise BadInput(f"{font} is a pipe or a device: give an .sf2 or .sf3 file")
        with font.open("rb") as file:
            head = file.read(12)
    except FileNotFoundError:
        installed = [
            path for folder in _INSTALLED for path in Path(folder).rglob(escape(font.name))
        ]
        fix = f"did you mean {installed[0]}?" if installed else "check the path"
        raise BadInput(f"no SoundFont at {font}: {fix}") from None
    except OSError as error:
        raise BadInput(unreadable(font, error, "give a SoundFont")) from None
    if head[:4] != b"RIFF" or head[8:12] != b"sfbk":
        raise BadInput(f"{font} is no SoundFont: give an .sf2 or .sf3 file")
    whole = font.resolve()
    readable = str(whole).encode(errors="replace").decode()
    if readable != str(whole):
        raise BadInput(
            f"{readable} has a name that is not UTF-8, which no renderer takes: rename it"
        )
    return whole


def claim_of(font: Path, settings: Settings) -> str:
    """What says of a folder what it was rendered from, how, and by which way of rendering."""
    with font.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return f"# {font.name}, sha256 {digest}, rendering {RENDERING}\n{to_toml(settings)}"


def check_claim(path: Path, claim: str) -> None:
    """That a folder is nobody's, or was begun by the same call.

    Raises:
        BadInput: it is another's.
    """
    if path.exists() and not says(path, claim):
        raise BadInput(
            f"{path.parent} holds a set of another font or other settings ({path.name} tells): "
            "choose another folder, or delete that one"
        )


def crashed(font: Path) -> BadInput:
    """What to say of a font on which a worker died."""
    return BadInput(
        f"{font} made the renderer crash: the font is damaged (or this call stands in a script "
        "outside `if __name__ == '__main__':`)"
    )
