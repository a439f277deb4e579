"""kill -9 at any moment, and the same command again."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_loop import assert_same_run
from toy import train_toy

TOY = Path(__file__).parent / "toy.py"
# Saving at each step makes it likely that a kill falls into the middle of writing.
OPTIONS = ("loop.steps=100", "loop.save_every=1", "dropout=0.2", "loop.precision=bf16",
           "loop.accumulate=2", "sleep_s=0.004", "loop.threads=1")  # fmt: skip


def start(run: Path) -> subprocess.Popen[str]:
    command = [sys.executable, str(TOY), str(run), *OPTIONS]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def kill_in_mid_training(run: Path) -> None:
    """Start the run, wait until it gets on, and kill it at a random moment after that."""
    process = start(run)
    log = run / "log.csv"
    before = log.read_text() if log.exists() else ""
    deadline = time.monotonic() + 120
    while not log.exists() or len(log.read_text()) <= max(len(before), 200):
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    time.sleep(random.Random().uniform(0.0, 0.2))
    process.kill()
    process.communicate()
    assert not (run / "model").exists()


def test_a_killed_run_ends_as_one_never_killed(tmp_path: Path) -> None:
    kill_in_mid_training(tmp_path / "killed")
    train_toy(tmp_path / "killed", *OPTIONS)
    train_toy(tmp_path / "whole", *OPTIONS)
    assert_same_run(tmp_path / "whole", tmp_path / "killed")


@pytest.mark.slow
def test_killed_again_and_again(tmp_path: Path) -> None:
    for _ in range(3):
        kill_in_mid_training(tmp_path / "killed")
    process = start(tmp_path / "killed")
    _, said = process.communicate()
    assert process.returncode == 0, said
    train_toy(tmp_path / "whole", *OPTIONS)
    assert_same_run(tmp_path / "whole", tmp_path / "killed")
