"""Work on several processes: results as they come, and nothing left running behind.

Processes are spawned, never forked, since torch's threads do not survive a fork; so a script that
ends up here needs `if __name__ == "__main__":` around its calls, or no other processes (0).
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from typing import Any, TypeVar

from timbrel.errors import BadInput

Task = TypeVar("Task")
Result = TypeVar("Result")


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.contextmanager
def worker_pool(
    processes: int | None = None,
    start: Callable[..., None] | None = None,
    arguments: tuple[Any, ...] = (),
) -> Iterator[Executor]:
    """A pool of processes (None: one a core), each of which calls `start(*arguments)` first.

    0 means no other process: everything is done in this one, where a debugger can follow. On
    leaving with an error, work not begun is dropped, and what was begun is waited for: a second
    Ctrl-C ends it. Workers also end when this process does.

    Raises:
        BadInput: `processes` is below 0.
    """
    if processes is not None and processes < 0:
        raise BadInput(f"processes is {processes}, wanted 1 or more, or 0 for none but this")
    if processes == 0:
        if start is not None:
            start(*arguments)
        yield _ThisProcess()
        return
    pool = _DeafProcesses(
        processes if processes is not None else available_cores(),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(start, arguments),
    )
    try:
        yield pool
    finally:
        pool.close()


def each(
    pool: Executor, function: Callable[[Task], Result], tasks: Sequence[Task]
) -> Iterator[Result]:
    """`function` of every task, in the order in which they finish."""
    if isinstance(pool, _ThisProcess):
        yield from map(function, tasks)
        return
    for future in as_completed([pool.submit(function, task) for task in tasks]):
        yield future.result()


class _DeafProcesses(ProcessPoolExecutor):
    """A pool whose processes hear no Ctrl-C from their birth on, and not only from `_begin` on.

    They are born when something is submitted. A Ctrl-C that comes meanwhile reaches this process
    right afterwards.
    """

    def close(self) -> None:
        """Wait for what was begun; interrupted meanwhile, end it.

        Python takes a thread whose `join` was interrupted for one that has ended, so that at exit
        nobody would tell the workers that no more work comes, and all would wait for ever.
        """
        workers = list((self._processes or {}).values())
        try:
            self.shutdown(cancel_futures=True)
        except BaseException:
            for worker in workers:
                worker.kill()
            raise

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if not hasattr(signal, "pthread_sigmask"):  # Windows
            return super().submit(fn, *args, **kwargs)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return super().submit(fn, *args, **kwargs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _ThisProcess(Executor):
    """A pool without processes: what is submitted is done before `submit` returns."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def _begin(start: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    # Ctrl-C reaches the whole group: let the parent alone decide what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if start is not None:
        start(*arguments)


def _end_with_parent() -> None:
    """A killed parent says no goodbye, and its workers would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
