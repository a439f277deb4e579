"""NSynth itself: its archives fetched, checked and unpacked (CC BY 4.0, 25 GB in all).

    download, resumed where it stopped -> md5 -> unpack beside -> rename: a set is whole or absent

An archive is foreign data: only regular files with the names that NSynth's layout has are
unpacked, one by one, and whatever else it holds is refused.
"""

from __future__ import annotations

import hashlib
import http.client
import re
import shutil
import tarfile
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from timbrel.data.note_set import NoteSet
from timbrel.data.nsynth_layout import SPLITS, split_folder
from timbrel.errors import BadConfig, BadInput
from timbrel.progress import Progress

BASE_URL = "http://download.magenta.tensorflow.org/datasets/nsynth"

_BLOCK = 1 << 20
_TIMEOUT_S = 30.0
_ATTEMPTS = 6
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
    if not packed.is_file():
        part = packed.with_name(f"{packed.name}.part")
        download(archive.url, part, progress=progress, pause_s=pause_s)
        check_md5(part, archive.md5, progress)
        part.replace(packed)
    unpack(packed, folder, progress)
    packed.unlink()
    return folder


def download(
    url: str, part: Path, *, progress: Progress | None = None, pause_s: float = 2.0
) -> None:
    """Fetch a URL to a file, going on behind what the file already holds.

    Raises:
        BadInput: the server refuses, or stays away for several attempts in a row.
    """
    _make_folder(part.parent)
    failures = 0
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            if _fetch_rest(url, part, before, progress):
                return
            problem = "the connection ended early"
        except urllib.error.HTTPError as error:
            problem = f"the server answers {error.code} {error.reason}"
            if error.code < http.HTTPStatus.INTERNAL_SERVER_ERROR:
                raise BadInput(f"{url}: {problem}; is the address right?") from None
        except (http.client.HTTPException, OSError) as error:
            problem = str(getattr(error, "reason", None) or error or type(error).__name__)
        moved = part.exists() and part.stat().st_size > before
        failures = 1 if moved else failures + 1
        if failures >= _ATTEMPTS:
            raise BadInput(f"{url} cannot be fetched ({problem}): the same command goes on later")
        time.sleep(pause_s * 2 ** (failures - 1))


def _fetch_rest(url: str, part: Path, have: int, progress: Progress | None) -> bool:
    """Append what is missing; whether all is there now."""
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        answer = urllib.request.urlopen(request, timeout=_TIMEOUT_S)
    except urllib.error.HTTPError as error:
        # Nothing behind what we have: it was complete, or is of another file (the md5 will tell).
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            return True
        raise
    with answer:
        if answer.status != http.HTTPStatus.PARTIAL_CONTENT:
            have = 0  # a server that knows no ranges sends the whole
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length and length.isdigit() else 0
        _require_room(part, total - have)
        with part.open("ab" if have else "wb", buffering=0) as file:
            while block := answer.read(_BLOCK):
                _append(file, block, part)
                have += len(block)
                if progress:
                    progress(f"fetching {Path(url).name}", have, max(total, have))
    return have >= total


def _append(file: BinaryIO, block: bytes, part: Path) -> None:
    try:
        file.write(block)
    except OSError as error:
        raise BadInput(f"cannot write {part} ({error.strerror}): make room for it") from None


def check_md5(path: Path, md5: str, progress: Progress | None = None) -> None:
    """Delete a file whose md5 is another, so that the next attempt starts afresh.

    Raises:
        BadInput: it is another.
    """
    digest, done, size = hashlib.md5(usedforsecurity=False), 0, path.stat().st_size
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            done += len(block)
            if progress:
                progress(f"checking {path.stem}", done, size)
    if digest.hexdigest() != md5:
        path.unlink()
        raise BadInput(
            f"{path.name} has md5 {digest.hexdigest()}, wanted {md5}: it was damaged on the way "
            "and is deleted; fetch it again"
        )


def unpack(packed: Path, folder: Path, progress: Progress | None = None) -> None:
    """Unpack an archive in NSynth's layout to `folder`, wholly or not at all.

    Raises:
        BadInput: the archive is damaged, or holds what NSynth's layout does not.
    """
    unfinished = folder.with_name(f".{folder.name}.unpacking")
    shutil.rmtree(unfinished, ignore_errors=True)
    _make_folder(unfinished / "audio")
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
                shutil.copyfileobj(content, target, _BLOCK)
            if progress:
                progress(f"unpacking {packed.name}", file.tell(), size)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"cannot write {folder} ({error.strerror}): choose another folder") from None


def _require_room(part: Path, wanted: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if wanted > free:
        raise BadInput(
            f"{part.name} needs {wanted / 1e9:.1f} GB more and {part.parent} has "
            f"{free / 1e9:.1f} GB: make room or choose another folder"
        )
