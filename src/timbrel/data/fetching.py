"""Archives from the net: fetched, gone on with where it stopped, and checked."""

from __future__ import annotations

import hashlib
import http.client
import shutil
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import BinaryIO

from timbrel.errors import BadInput
from timbrel.files import unwritable
from timbrel.progress import Progress

BLOCK = 1 << 20
_TIMEOUT_S = 30.0
_ATTEMPTS = 6


def fetch(
    url: str, md5: str, path: Path, *, progress: Progress | None = None, pause_s: float = 2.0
) -> None:
    """Have a file, whole and checked, fetching what is missing of it.

    Args:
        url: where it is.
        md5: that it must have.
        path: where it is to be.
        progress: told how many bytes are fetched and checked.
        pause_s: wait before the first of the new attempts after a broken connection; each further
            wait is twice as long.

    Raises:
        BadInput: the server does not answer, or what it sent is another file.
    """
    if path.is_file():
        return
    part = path.with_name(f"{path.name}.part")
    download(url, part, progress=progress, pause_s=pause_s)
    check_md5(part, md5, progress)
    part.replace(path)


def download(
    url: str, part: Path, *, progress: Progress | None = None, pause_s: float = 2.0
) -> None:
    """Fetch a URL to a file, going on behind what the file already holds.

    Raises:
        BadInput: the server refuses, or stays away for several attempts in a row.
    """
    make_folder(part.parent)
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
            while block := answer.read(BLOCK):
                _append(file, block, part)
                have += len(block)
                if progress:
                    progress(f"fetching {part.stem}", have, max(total, have))
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
        while block := file.read(BLOCK):
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


def make_folder(folder: Path) -> None:
    """Make a folder, where it is not there.

    Raises:
        BadInput: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from None


def _require_room(part: Path, wanted: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if wanted > free:
        raise BadInput(
            f"{part.name} needs {wanted / 1e9:.1f} GB more and {part.parent} has "
            f"{free / 1e9:.1f} GB: make room or choose another folder"
        )
