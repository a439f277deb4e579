"""NSynth itself: its archives fetched, checked and unpacked (CC BY 4.0, 25 GB in all).

    download, resumed where it stopped -> md5 -> unpack beside -> rename: a set is whole or absent

An archive is foreign data: only regular files with the names that NSynth's layout has are
unpacked, one by one, and whatever else it holds is refused.
"""

from __future__ import annotations

import re
import shutil
import tarfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from timbrel.data.fetching import BLOCK, fetch, make_folder
from timbrel.data.notes.note_set import NoteSet
from timbrel.data.notes.nsynth_layout import SPLITS, split_folder
from timbrel.errors import BadConfig, BadInput
from timbrel.progress import Progress

BASE_URL = "http://download.magenta.tensorflow.org/datasets/nsynth"

_MEMBER = re.compile(
    r"(?:\./)?nsynth-(?:train|valid|test)/(examples\.json|audio/\w[\w.+# -]*\.wav)"
)


@dataclass(frozen=True)
class Archive:
    """One split's archive: where it is, and the md5 that it must have."""

    split: str
    url: str
    md5: str


ARCHIVES = tuple(
    Archive(split, f"{BASE_URL}/nsynth-{split}.jsonwav.tar.gz", md5)
    for split, md5 in (
        ("train", "fde6665a93865503ba598b9fac388660"),
        ("valid", "87e94a00a19b6dbc99cf6d4c0c0cae87"),
        ("test", "5e6f8719bf7e16ad0a00d518b78af77d"),
    )
)


def download_nsynth(
    out: str | Path,
    splits: Iterable[str] = SPLITS,
    *,
    archives: Iterable[Archive] = ARCHIVES,
    progress: Progress | None = None,
    pause_s: float = 2.0,
) -> list[Path]:
    """The folders of NSynth's splits in `out`, fetched where they are not there yet.

    A call that was stopped, or whose connection broke, is continued by the next one.

    Args:
        out: folder of the set.
        splits: which of train, valid and test.
        archives: where they come from (a mirror has the same md5s).
        progress: told how many bytes are fetched, checked and unpacked.
        pause_s: wait before the first of the new attempts after a broken connection; each
            further wait is twice as long.

    Raises:
        BadConfig: an unknown split.
        BadInput: the server does not answer, or what it sent is not NSynth.
    """
    known = {archive.split: archive for archive in archives}
    for split in (splits := tuple(splits)):
        if split not in known:
            raise BadConfig(f"no split {split!r}: choose from {', '.join(known)}")
    return [_fetch_split(Path(out), known[split], progress, pause_s) for split in splits]


def _fetch_split(out: Path, archive: Archive, progress: Progress | None, pause_s: float) -> Path:
    folder = split_folder(out, archive.split)
    if (folder / "examples.json").is_file():
        return folder
    if folder.exists():
        raise BadInput(f"{folder} is there without its examples.json: delete or rename it")
    packed = out / Path(archive.url).name
    fetch(archive.url, archive.md5, packed, progress=progress, pause_s=pause_s)
    unpack(packed, folder, progress)
    packed.unlink()
    return folder


def unpack(packed: Path, folder: Path, progress: Progress | None = None) -> None:
    """Unpack an archive in NSynth's layout to `folder`, wholly or not at all.

    Raises:
        BadInput: the archive is damaged, or holds what NSynth's layout does not.
    """
    unfinished = folder.with_name(f".{folder.name}.unpacking")
    shutil.rmtree(unfinished, ignore_errors=True)
    make_folder(unfinished / "audio")
    try:
        _unpack_members(packed, unfinished, progress)
        _require_set(unfinished)
        unfinished.replace(folder)
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise BadInput(
            f"{packed} cannot be unpacked ({error}): delete it and fetch it again"
        ) from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _require_set(unfinished: Path) -> None:
    """A stream cut between two files looks like its end: what is there must be a whole set."""
    try:
        NoteSet.open(unfinished)
    except BadInput as error:
        raise tarfile.ReadError(f"it is no whole note set: {error}") from None


def _unpack_members(packed: Path, unfinished: Path, progress: Progress | None) -> None:
    size = packed.stat().st_size
    with packed.open("rb") as file, tarfile.open(fileobj=file, mode="r|gz") as archive:
        for member in archive:
            if member.isdir():
                continue
            name = _MEMBER.fullmatch(member.name)
            content = archive.extractfile(member) if member.isreg() and name else None
            if name is None or content is None:
                raise BadInput(
                    f"{packed} holds {member.name[:80]!r}, which NSynth does not: nothing was "
                    "unpacked; fetch it from NSynth's own address"
                )
            with (unfinished / name[1]).open("wb") as target:
                shutil.copyfileobj(content, target, BLOCK)
            if progress:
                progress(f"unpacking {packed.name}", file.tell(), size)
