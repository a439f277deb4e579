"""librosa, loaded by one process at a time.

librosa compiles a dozen numba gufuncs when its inner modules are imported (20 s the first time).
numba keeps each as two files, a kernel and the wrapper that calls the kernel by a name which holds
a number of the process that compiled it. Two processes that fill one cache at once leave one's
wrapper beside the other's kernel: the address of the function is then null, and every later
process that calls it crashes. So librosa's functions are kept in a folder of our own, and a lock
lets one process at a time fill it.

Our own functions are compiled in `compiling`.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import platformdirs
from filelock import FileLock
from numba.core import config as numba_config

# numba makes its settings at run time: type checkers see none of them
_CONFIG: Any = numba_config
_MODULES = ("core.pitch", "effects", "feature", "sequence", "util")


@lru_cache(maxsize=1)
def load_librosa() -> ModuleType:
    """Librosa with all of it that we call; the first call on a machine takes 20 s."""
    folder = Path(_CONFIG.CACHE_DIR or platformdirs.user_cache_dir("timbrel")) / "librosa"
    with compiling_alone(folder):
        for name in _MODULES:
            import_module(f"librosa.{name}")
        import librosa
    return librosa


@contextmanager
def compiling_alone(folder: Path) -> Iterator[Path]:
    """While it lasts, numba's cache is `folder`, and no other process is in here with the same.

    Where the folder cannot be written, a new temporary one is the cache.
    """
    before = _CONFIG.CACHE_DIR
    with _locked(folder) as place:
        _CONFIG.CACHE_DIR = str(place)
        try:
            yield place
        finally:
            _CONFIG.CACHE_DIR = before


@contextmanager
def _locked(folder: Path) -> Iterator[Path]:
    lock = FileLock(folder / "lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError:
        elsewhere = tempfile.mkdtemp(prefix="timbrel-librosa-")
        atexit.register(shutil.rmtree, elsewhere, ignore_errors=True)
        yield Path(elsewhere)
        return
    try:
        yield folder
    finally:
        lock.release()
