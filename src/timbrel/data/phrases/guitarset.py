"""GuitarSet as a phrase set: six guitarists' takes, by microphone (Xi et al., ISMIR 2018).

    archive, fetched or given ──┐
    folder, unpacked ───────────┴─> OUT/train/00_BN1-129-Eb_solo_mic.wav ...  valid/ ...  test/ ...

Every piece is played twice: `comp` is chords, `solo` a melody over them. A model that follows one
pitch learns from solos. Splits are by player, so that what is held out is another's hands and
guitar.

Its annotations are not needed: pitch is heard as in any other recording. Nor is mirdata, whose
index has to be fetched before it knows a file's name.
"""

from __future__ import annotations

import errno
import re
import shutil
import struct
import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from lzma import LZMAError
from pathlib import Path
from typing import IO, Literal, NamedTuple

from timbrel.audio import probe
from timbrel.data.claim import alone_in, says
from timbrel.data.fetching import BLOCK, fetch
from timbrel.data.notes.nsynth_layout import SPLITS
from timbrel.data.soundfonts.plan import Split
from timbrel.errors import BadAudio, BadInput
from timbrel.files import is_stream, replacing
from timbrel.progress import Progress

URL = "https://zenodo.org/record/3371780/files/audio_mono-mic.zip?download=1"
MD5 = "275966d6610ac34999b58426beb119c3"

Takes = Literal["solo", "comp", "all"]

_PACKED = "audio_mono-mic.zip"
_COMPLETE = "guitarset.toml"
_NAME = re.compile(r"(0[0-5])_\w+-\d+-[A-G][#b]?_(solo|comp)_mic\.wav")
_SPLIT_OF: dict[str, Split] = {
    "00": "train", "01": "train", "02": "train", "03": "train", "04": "valid", "05": "test",
}  # fmt: skip
_LARGEST = 200 << 20
"""Bytes of a take; they are half a minute long, and what unpacks to more is none."""

_DAMAGES = (
    zipfile.BadZipFile, zlib.error, LZMAError, struct.error, UnicodeDecodeError, EOFError,
    NotImplementedError, RuntimeError,
)  # fmt: skip
_DAMAGE_NUMBERS = (None, errno.EINVAL, errno.EIO)
"""What reading an archive raises where it is damaged, and the numbers of an `OSError`: bzip2's has
none, and a place before the beginning is an invalid argument."""


@dataclass(frozen=True)
class GuitarSetReport:
    """What was taken of GuitarSet.

    Attributes:
        folder: the phrase set.
        takes: how many, of each split.
        minutes: of each split.
        refused: files that cannot be used, and why.
    """

    folder: Path
    takes: dict[str, int]
    minutes: dict[str, float]
    refused: dict[str, str]


class _Take(NamedTuple):
    """A take that is there: its file's name, what it is, its size and content."""

    name: str
    kind: str
    size: int
    open: Callable[[], IO[bytes]]


def download_guitarset(
    out: str | Path,
    takes: Takes = "solo",
    *,
    url: str = URL,
    md5: str = MD5,
    progress: Progress | None = None,
    pause_s: float = 2.0,
) -> GuitarSetReport:
    """Fetch GuitarSet's microphone takes (0.7 GB); a call that was stopped is gone on with.

    Args:
        out: folder of the set.
        takes: which of them.
        url: where the archive is; a mirror's has the same md5.
        md5: that it must have.
        progress: told how many bytes are fetched, and takes unpacked.
        pause_s: see `fetch`.

    Raises:
        BadInput: the server does not answer, or what it sent is not GuitarSet; the folder holds
            other takes, or cannot be written.
    """
    out = Path(out)
    if not _is_complete(out, takes):
        with alone_in(out):
            packed = out / _PACKED
            fetch(url, md5, packed, progress=progress, pause_s=pause_s)
            _take(packed, out, takes, progress)
            packed.unlink()
    return _report(out)


def collect_guitarset(
    source: str | Path, out: str | Path, takes: Takes = "solo", progress: Progress | None = None
) -> GuitarSetReport:
    """The same from an archive, or a folder that it was unpacked to, that is here already.

    Raises:
        BadInput: there is no such thing, or no take in it; or see `download_guitarset`.
    """
    source, out = Path(source), Path(out)
    if is_stream(source):
        raise BadInput(f"{source} is a pipe or a device: give GuitarSet's folder, or {_PACKED}")
    if not source.exists():
        raise BadInput(f"no GuitarSet at {source}: give its folder, or {_PACKED}")
    if not _is_complete(out, takes):
        with alone_in(out):
            _take(source, out, takes, progress)
    return _report(out)


def _is_complete(out: Path, takes: Takes) -> bool:
    told = out / _COMPLETE
    if not told.exists():
        return False
    if not says(told, _claim(takes)):
        raise BadInput(f"{out} holds other takes ({told.name} tells): choose another folder")
    return True


def _claim(takes: Takes) -> str:
    return f'# GuitarSet\ntakes = "{takes}"\n'


def _take(source: Path, out: Path, takes: Takes, progress: Progress | None) -> None:
    """Copy what is wanted to where its player's takes belong, and say that all is there."""
    with _opened(source) as found:
        wanted = [take for take in found if takes in ("all", take.kind)]
        if not wanted:
            raise BadInput(
                f"{source} holds no {'' if takes == 'all' else f'{takes} '}takes of GuitarSet "
                "(00_BN1-129-Eb_solo_mic.wav): give audio_mono-mic, packed or unpacked"
            )
        for count, take in enumerate(wanted):
            if progress:
                progress("unpacking GuitarSet", count, len(wanted))
            _copy(take, out / _SPLIT_OF[take.name[:2]] / take.name)
    with replacing(out / _COMPLETE) as temporary:
        temporary.write_text(_claim(takes), encoding="utf-8")


@contextmanager
def _opened(source: Path) -> Iterator[list[_Take]]:
    """The takes of a folder or an archive, each name once."""
    try:
        if source.is_dir():
            yield _takes_in_folder(source)
        else:
            with zipfile.ZipFile(source) as archive:
                yield _takes_in_archive(archive)
    except _DAMAGES as error:
        raise BadInput(f"{source} cannot be unpacked ({error}): fetch it again") from None
    except OSError as error:
        if error.errno in _DAMAGE_NUMBERS and error.filename is None:
            raise BadInput(f"{source} cannot be unpacked ({error}): fetch it again") from None
        if error.filename is None or not Path(error.filename).is_relative_to(source):
            raise
        raise BadInput(f"{error.filename} cannot be read ({error.strerror}): copy it") from None


def _takes_in_folder(folder: Path) -> list[_Take]:
    paths = {path.name: path for path in sorted(folder.rglob("*")) if path.is_file()}
    return [
        _Take(name, kind, path.stat().st_size, partial(path.open, "rb"))
        for name, path in paths.items()
        if (kind := _kind(name))
    ]


def _takes_in_archive(archive: zipfile.ZipFile) -> list[_Take]:
    members = {Path(member.filename).name: member for member in archive.infolist()}
    return [
        _Take(name, kind, member.file_size, partial(archive.open, member))
        for name, member in sorted(members.items())
        if (kind := _kind(name))
    ]


def _kind(name: str) -> str:
    """Whether a file is a "solo" or a "comp"; "" where it is no take."""
    match = _NAME.fullmatch(name)
    return match[2] if match else ""


def _copy(take: _Take, path: Path) -> None:
    if take.size > _LARGEST:
        raise BadInput(f"{take.name} has {take.size / 1e6:.0f} MB: that is no take of GuitarSet")
    if path.is_file() and path.stat().st_size == take.size:
        return
    with replacing(path) as temporary, take.open() as content, temporary.open("wb") as target:
        shutil.copyfileobj(content, target, BLOCK)


def _report(out: Path) -> GuitarSetReport:
    takes: Counter[str] = Counter()
    minutes: dict[str, float] = defaultdict(float)
    refused: dict[str, str] = {}
    for path in (p for split in SPLITS for p in sorted((out / split).glob("*.wav"))):
        try:
            minutes[path.parent.name] += probe(path).duration_s / 60
            takes[path.parent.name] += 1
        except BadAudio as error:
            refused[path.name] = str(error)
    return GuitarSetReport(out, dict(takes), dict(minutes), refused)
