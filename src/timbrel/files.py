"""Files and folders that are written whole or not at all, and what is no file."""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from timbrel.errors import BadInput, TimbrelError

_DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_TRIAL_SIZE = 65536


def is_stream(path: Path) -> bool:
    """Whether it is a pipe or a device, which may never end or never begin."""
    if not path.exists():
        return False
    try:
        mode = path.stat().st_mode  # asked once: a journal may be gone in the meantime
    except FileNotFoundError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def unreadable(path: str | Path, error: Exception, todo: str) -> str:
    """The line for what cannot be read: why, and what to do if it is not that nobody lets us.

    >>> unreadable("a.mid", PermissionError(13, "Permission denied"), "give a MIDI file")
    'a.mid cannot be read (Permission denied): let it be read, or give another'
    """
    reason = getattr(error, "strerror", None) or error
    todo = "let it be read, or give another" if isinstance(error, PermissionError) else todo
    return f"{path} cannot be read ({reason}): {todo}"


def unwritable(path: Path, error: Exception) -> BadInput:
    """The error for what cannot be written: why, and what to do."""
    reason = getattr(error, "strerror", None) or error
    todo = "make room, or choose another folder" if _full_disk(error) else "choose another folder"
    return BadInput(f"cannot write {path} ({reason}): {todo}")


def read_json(path: Path, todo: str) -> Any:
    """What a JSON file holds; `todo` says what to do where it cannot be read.

    Raises:
        BadInput: it is missing, no plain file, or not JSON.
    """
    try:
        if is_stream(path):
            raise BadInput(f"{path} is a pipe or a device: {todo}")
        return json.loads(path.read_bytes())
    except OSError as error:
        raise BadInput(unreadable(path, error, todo)) from None
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path} is not whole JSON ({error}): {todo}") from None


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends well.

    Missing folders are made. The temporary name ends like the wanted one, because many libraries
    choose a format by it. After an exception, Ctrl-C included, nothing is left behind and a file
    that was there before is as it was.

    Raises:
        BadInput: `path` is a folder, its folder cannot be written, or the disk is full, whatever
            error the library that writes makes of that.

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
    if is_stream(path):
        raise BadInput(f"{path} is a pipe or a device: give the name of a file to write")
    unfinished = path.with_name(f".{secrets.token_hex(4)}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.touch()
        mode = unfinished.stat().st_mode
    except (OSError, ValueError) as error:  # ValueError: a name that no system can have
        raise unwritable(path, error) from None
    try:
        yield unfinished
        unfinished.chmod(mode)  # some libraries write files that only their owner may read
        unfinished.replace(path)
    except TimbrelError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.filename == str(unfinished):
            raise unwritable(path, error) from None
        obstacle = _full_disk(error) or obstacle_in(path.parent)
        if obstacle is None:
            raise
        raise unwritable(path, obstacle) from None
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """An empty folder that takes the place of the one at `path` when the block ends well.

    After an exception the old one is as it was; so it is after a kill, when the next call begins.

    Raises:
        BadInput: it has no name of its own, or cannot be written.
    """
    if not path.name:
        raise BadInput(f"{path} has no name of its own: give the name of a folder")
    unfinished, before = (path.with_name(f".{path.name}.{end}") for end in ("partial", "before"))
    try:
        if before.exists() and not path.exists():
            before.rename(path)
        for leftover in (unfinished, before):
            shutil.rmtree(leftover, ignore_errors=True)
        unfinished.mkdir(parents=True)
    except OSError as error:
        raise unwritable(path, error) from None
    try:
        yield unfinished
        if path.exists():
            path.rename(before)
        unfinished.rename(path)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    shutil.rmtree(before, ignore_errors=True)


def obstacle_in(folder: Path) -> OSError | None:
    """Why nothing can be written in a folder now; libraries often do not say ("System error.")."""
    trial = folder / f".{secrets.token_hex(4)}-trial"
    try:
        trial.write_bytes(bytes(_TRIAL_SIZE))
    except OSError as error:
        return error
    finally:
        with suppress(OSError):  # a folder that lets nobody in
            trial.unlink(missing_ok=True)
    return None


def _full_disk(error: Exception) -> OSError | None:
    """The error that says so; from libraries in Rust it is a text with a number."""
    told = re.search(r"\(os error (\d+)\)", str(error))
    number = error.errno if isinstance(error, OSError) else int(told[1]) if told else None
    return OSError(number, os.strerror(number)) if number in _DISK_IS_FULL else None
