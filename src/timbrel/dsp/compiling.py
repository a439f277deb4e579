"""How our loops are compiled, and where what comes of it is kept.

    kernel   what Python calls: compiled at its first call, and kept on disk with all that it calls
    part     what kernels call: compiled into each of them, kept nowhere, unknown to Python

Both allocate nothing unless they say so, and the compiler holds them to it: nobody counts the
references to arrays that are only handed on, which was most of what was compiled, and a third of
what the shortest blocks took to play. A part has no wrappers for callers from outside, which take
every array to pieces. And a number written in a call is an integer as any other: numba alone
compiles a function anew for each.

What is kept of a kernel stands in a folder named by all that it was made of, its parts and their
constants in other files included, of which numba's own cache knows nothing. While one process
compiles, others wait, and then read what it kept.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from pathlib import Path
from types import CodeType
from typing import Any

import numba
import numpy as np
import platformdirs
from filelock import FileLock, Timeout
from numba.core import config, types
from numba.core.dispatcher import Dispatcher
from numba.core.event import Event, Listener, install_listener

# numba makes its settings at run time: type checkers see none of them
_CONFIG: Any = config
_LOG = logging.getLogger(__name__)
_CONSTANTS = (int, float, str, tuple, np.generic)
_PATIENCE_S = 1.0


def kernel(function: Any = None, *, allocates: bool = False, **options: Any) -> Any:
    """A function compiled at its first call; options as for `numba.njit`.

    >>> @kernel(fastmath=True)
    ... def twice(x):
    ...     return 2 * x
    >>> twice(21)
    42
    """
    if function is None:
        return partial(kernel, allocates=allocates, **options)
    options = {"nogil": True, "no_cfunc_wrapper": True, "_nrt": allocates} | options
    return _compiled_by(_kept, numba.njit(**options)(function))


def part(function: Any = None, *, allocates: bool = False, **options: Any) -> Any:
    """A function that only kernels and other parts call; options as for `numba.njit`."""
    if function is None:
        return partial(part, allocates=allocates, **options)
    options |= {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "_nrt": allocates}
    return _compiled_by(_within, numba.njit(**options)(function))


def _compiled_by(way: Callable[..., Any], compiled: Any) -> Any:
    if isinstance(compiled, Dispatcher):  # not where NUMBA_DISABLE_JIT is set
        compiled.compile = partial(way, compiled, compiled.compile)
    return compiled


def _within(_: Dispatcher, compile_: Callable[..., Any], signature: Any) -> Any:
    return compile_(_plain(signature))


def _kept(compiled: Dispatcher, compile_: Callable[..., Any], signature: Any) -> Any:
    with _cache_of(compiled) as is_kept, install_listener("numba:compile", _Announcer(is_kept)):
        return compile_(_plain(signature))


def _plain(signature: Any) -> Any:
    """The types of arguments, without the numbers that some of them are known to be."""
    return tuple(map(types.unliteral, signature)) if isinstance(signature, tuple) else signature


@contextmanager
def _cache_of(compiled: Any) -> Iterator[bool]:
    """While it lasts no other process compiles; whether what is compiled can be kept."""
    root = Path(_CONFIG.CACHE_DIR or platformdirs.user_cache_dir("timbrel")) / "kernels"
    before = _CONFIG.CACHE_DIR
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = _locked(root)
    except (OSError, NotImplementedError):  # nothing can be written there, or not locked
        yield False
        return
    try:
        _CONFIG.CACHE_DIR = str(
            root / f"{compiled.py_func.__name__.strip('_')}-{made_of(compiled)}"
        )
        # what was typed in at a prompt has no file, and numba keeps nothing of it
        with suppress(RuntimeError):
            compiled.enable_caching()
        _CONFIG.CACHE_DIR = before
        yield True
    finally:
        _CONFIG.CACHE_DIR = before
        lock.release()


def _locked(folder: Path) -> FileLock:
    lock = _lock(folder)
    try:
        lock.acquire(timeout=_PATIENCE_S)
    except Timeout:
        _LOG.info("waiting for another timbrel, which compiles for this machine")
        lock.acquire()
    return lock


@lru_cache
def _lock(folder: Path) -> FileLock:
    """One for each folder: whoever holds it may take it again, for a kernel that a kernel calls."""
    return FileLock(folder / "lock")


def made_of(compiled: Any) -> str:
    """A hash of a kernel's code and of its parts', and of the constants that they name."""
    digest, seen, waiting = hashlib.sha256(), set(), [compiled]
    while waiting:
        each = waiting.pop()
        if each in seen:
            continue
        seen.add(each)
        options = sorted((name, _text(value)) for name, value in each.targetoptions.items())
        code = each.py_func.__code__
        digest.update(f"{_text(code)} {options}".encode())
        for name in code.co_names:
            value = each.py_func.__globals__.get(name)
            if isinstance(value, Dispatcher):
                waiting.append(value)
            elif isinstance(value, np.ndarray):
                digest.update(f"{name} {value.dtype} {value.shape}".encode() + value.tobytes())
            elif isinstance(value, _CONSTANTS):
                digest.update(f"{name} {value!r}".encode())
    return digest.hexdigest()[:16]


def _text(value: Any) -> str:
    """The same in every process."""
    if isinstance(value, CodeType):
        constants = [_text(each) for each in value.co_consts]
        return f"{value.co_code!r} {value.co_names} {value.co_varnames} {constants}"
    return str(sorted(value)) if isinstance(value, set | frozenset) else repr(value)


class _Announcer(Listener):
    """Says once in a process that something is compiled: it is what somebody waits for."""

    has_said = False

    def __init__(self, is_kept: bool) -> None:
        self._is_kept = is_kept

    def on_start(self, event: Event) -> None:  # noqa: ARG002 - numba's interface
        if not _Announcer.has_said:
            _Announcer.has_said = True
            often = "once" if self._is_kept else "anew, as no folder for caches can be written"
            _LOG.info("compiling for this machine, %s: up to half a minute", often)

    def on_end(self, event: Event) -> None:
        pass
