"""Processes that work for us: told by us alone when to end."""

from __future__ import annotations

import signal

import pytest

from timbrel.data.workers import each, worker_pool


def blocked(_: int) -> bool:
    """Whether Ctrl-C is kept from this process, whatever it has been told since it began."""
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="a system without masks")
def test_workers_hear_no_ctrl_c_from_their_birth_on() -> None:
    with worker_pool(1) as pool:
        assert list(each(pool, blocked, [0])) == [True]
        assert not blocked(0)
