"""Processes that work for us: told by us alone when to end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

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


_LONG_WORK = """
import time
from timbrel.data.workers import each, worker_pool

def work(number):
    print("begun", flush=True)
    time.sleep(600)

if __name__ == "__main__":
    with worker_pool(1) as pool:
        list(each(pool, work, range(3)))
"""


def hear_ctrl_c() -> None:
    """What a shell starts in the background is deaf to it, and so are its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="a system whose processes hear Ctrl-C otherwise")
def test_a_second_ctrl_c_ends_what_was_begun(tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text(_LONG_WORK)
    run = subprocess.Popen(
        [sys.executable, tmp_path / "work.py"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True, preexec_fn=hear_ctrl_c,
    )  # fmt: skip
    assert run.stdout is not None
    assert run.stdout.readline() == "begun\n"
    run.send_signal(signal.SIGINT)
    time.sleep(1.0)
    assert run.poll() is None
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=30)
    assert run.returncode == -signal.SIGINT
    assert "leaked" not in err
