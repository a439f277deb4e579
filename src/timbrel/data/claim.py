"""A set's folder while it is made: nobody else writes there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from timbrel.errors import BadInput
from timbrel.files import unwritable


def says(path: Path, claim: str) -> bool:
    """Whether a file says just that; what cannot be read, and what is no file, says nothing."""
    try:
        if not path.is_file():
            return False
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(len(claim) + 1) == claim
    except OSError:
        return False


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Make the folder, keep other processes out of it, and take it away if it stays empty.

    Raises:
        BadInput: another process makes a set there, or it cannot be written.
    """
    lock = FileLock(folder / ".lock", blocking=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise BadInput(
            f"another process is making a set in {folder}: wait for it, or choose another folder"
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a name that no system can have
        raise unwritable(folder, error) from None
    try:
        yield
    finally:
        with suppress(OSError):  # Windows: it is open
            (folder / ".lock").unlink()
        lock.release()
        with suppress(OSError):  # it holds something
            folder.rmdir()
