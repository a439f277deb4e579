"""The bytes of a file of patches, if it may be one, and whose fault a bad patch in it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from timbrel.errors import BadPatch
from timbrel.files import is_stream, unreadable

T = TypeVar("T")

LARGEST = 16 << 20
"""Bytes of a file; the largest that were seen in the wild have 2.2 million."""


def read_file(path: Path, read: Callable[[bytes], T]) -> T:
    """What is made of a file's bytes.

    Raises:
        BadPatch: the file is missing, cannot be read, is too large, or is not what `read` wants.
    """
    data = _bytes_of(path)
    with in_file(path):
        return read(data)


def _bytes_of(path: Path) -> bytes:
    try:
        if is_stream(path):
            raise BadPatch(f"{path} is a pipe or a device: give a file of patches")
        if path.is_dir():
            raise BadPatch(f"{path} is a folder: give a file of patches in it")
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size  # memory is taken for all that is asked for
            data = file.read(min(size, LARGEST) + 1)
    except FileNotFoundError:
        raise BadPatch(f"no file of patches at {path}: check the path") from None
    except (OSError, ValueError) as error:
        raise BadPatch(unreadable(path, error, "give a file of patches")) from None
    if len(data) > LARGEST:
        raise BadPatch(f"{path} is larger than {LARGEST >> 20} MB: no file of patches is")
    return data


@contextmanager
def in_file(path: Path) -> Iterator[None]:
    """Whatever is wrong with a patch is so in this file, and its name is said before it."""
    try:
        yield
    except BadPatch as error:
        raise BadPatch(f"{path}: {error}") from None
