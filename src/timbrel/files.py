"""Files that are written whole or not at all, and what is no file."""

from __future__ import annotations

import errno
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from timbrel.errors import BadInput

_DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def is_stream(path: Path) -> bool:
    """Whether it is a pipe or a device, which may never end or never begin."""
    return path.exists() and not path.is_file() and not path.is_dir()


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends well.

    Missing folders are made. The temporary name ends like the wanted one, because many libraries
    choose a format by it. After an exception, Ctrl-C included, nothing is left behind and a file
    that was there before is as it was.

    Raises:
        BadInput: `path` is a folder, or its folder cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(f"{folder}/new/notes.txt") as unfinished:
    ...         _ = unfinished.write_text("C4")
    ...     sorted(file.name for file in Path(folder).rglob("*.txt"))
    ['notes.txt']
    """
    path = Path(path)
    if path.is_dir():
        raise BadInput(f"{path} is a folder: give the name of a file to write")
    unfinished = path.with_name(f".{secrets.token_hex(4)}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.touch()
    except (OSError, ValueError) as error:  # ValueError: a name that no system can have
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"cannot write {path} ({reason}): choose another folder") from None
    try:
        yield unfinished
        unfinished.replace(path)
    except OSError as error:
        if error.errno not in _DISK_IS_FULL and error.filename != str(unfinished):
            raise
        raise BadInput(f"cannot write {path} ({error.strerror}): choose another folder") from None
    finally:
        unfinished.unlink(missing_ok=True)
