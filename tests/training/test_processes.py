"""Several processes, for real (gloo): started by us, by torchrun and by `fabric run`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from test_loop import assert_same_run, rows, state
from toy import train_toy

TOY = Path(__file__).parent / "toy.py"
PLAIN = ("noise=0.0", "jitter=0.0", "loop.threads=1")
TWO = ("loop.devices=2", "loop.batch_size=4")
LEFT_AT_THE_END = """
import gc, sys, torch
from torch.nn.parallel import DistributedDataParallel
sys.path.insert(0, {folder!r})
from toy import TimbrelError, train_toy

destroy = torch.distributed.destroy_process_group

def told():
    left = sum(isinstance(thing, DistributedDataParallel) for thing in gc.get_objects())
    print(f"left: {{left}}", file=sys.stderr)
    destroy()

torch.distributed.destroy_process_group = told
try:
    train_toy(*sys.argv[1:])
except TimbrelError:
    pass
"""


def launch(*command: object, status: int = 0) -> str:
    """What a program says on stderr, having ended as it should."""
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == status, done.stderr
    return done.stderr


def assert_like_one_process(one: Path, several: Path) -> None:
    """The same curves to rounding, and the same weights."""
    columns = ("train/loss", "train/grad_norm", "validation/loss", "epoch", "learning_rate")
    for mine, theirs in zip(rows(one), rows(several), strict=True):
        for column in columns:
            assert float(mine[column] or 0) == pytest.approx(float(theirs[column] or 0), rel=2e-5)
    ours, others = state(one), state(several)
    assert all(torch.allclose(ours[name], others[name], atol=1e-5) for name in ours)


def test_two_processes_learn_as_one_with_twice_the_batch(tmp_path: Path) -> None:
    train_toy(tmp_path / "one", *PLAIN)
    said = launch(sys.executable, TOY, tmp_path / "two", *PLAIN, *TWO)
    assert_like_one_process(tmp_path / "one", tmp_path / "two")
    assert said.count("validation") == 2
    assert "Initializing" not in said


@pytest.mark.slow
def test_under_torchrun_the_environment_says_how_many(tmp_path: Path) -> None:
    train_toy(tmp_path / "one", *PLAIN)
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2")
    launch(*torchrun, TOY, tmp_path / "two", *PLAIN, "loop.batch_size=4")
    assert_like_one_process(tmp_path / "one", tmp_path / "two")


@pytest.mark.slow
def test_under_fabric_run_the_processes_are_there_already(tmp_path: Path) -> None:
    train_toy(tmp_path / "one", *PLAIN)
    fabric = (sys.executable, "-m", "lightning_fabric.cli", "--devices=2",
              "--accelerator=cpu", "--strategy=ddp")  # fmt: skip
    launch(*fabric, TOY, tmp_path / "two", *PLAIN, "loop.batch_size=4")
    assert_like_one_process(tmp_path / "one", tmp_path / "two")


@pytest.mark.slow
def test_a_gan_on_two_processes(tmp_path: Path) -> None:
    train_toy(tmp_path / "one", *PLAIN, "gan=true")
    launch(sys.executable, TOY, tmp_path / "two", *PLAIN, *TWO, "gan=true", "loop.accumulate=1")
    ours, others = state(tmp_path / "one"), state(tmp_path / "two")
    assert all(torch.allclose(ours[name], others[name], atol=1e-4) for name in ours)


@pytest.mark.slow
def test_two_processes_stop_together_and_go_on_to_the_bit(tmp_path: Path) -> None:
    options = ("loop.threads=1", *TWO, "loop.steps=80", "sleep_s=0.005", "dropout=0.1")
    launch(sys.executable, TOY, tmp_path / "whole", *options)
    command = [sys.executable, str(TOY), str(tmp_path / "cut"), *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "cut" / "log.csv").exists():
        time.sleep(0.05)
    time.sleep(0.1)
    os.kill(process.pid, signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 143, said
    assert said.count("the same command goes on from there") == 1
    launch(*command)
    assert_same_run(tmp_path / "whole", tmp_path / "cut")


@pytest.mark.slow
def test_one_process_speaks_for_all_when_a_run_fails(tmp_path: Path) -> None:
    said = launch(sys.executable, TOY, tmp_path, *PLAIN, *TWO, "spoil_at=12", status=1)
    assert said.count("training diverged at step 13") == 1
    assert "Traceback" not in said


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["spoil_at=12", "spoil_at=-1"])
def test_networks_are_freed_before_the_process_group(tmp_path: Path, ending: str) -> None:
    """Or a thread of the group's and the network wait for each other, now and then."""
    program = tmp_path / "told.py"
    program.write_text(LEFT_AT_THE_END.format(folder=str(TOY.parent)), encoding="utf-8")
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2")
    status = 1 if ending == "spoil_at=12" else 0  # the second process ends with 2: torchrun says 1
    said = launch(*torchrun, program, tmp_path / "run", *PLAIN, "loop.batch_size=4", ending,
                  status=status)  # fmt: skip
    assert said.count("left: 0") == 2
    assert said.count("left:") == 2


@pytest.mark.slow
def test_a_process_that_is_killed_is_missed_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, str(TOY), str(tmp_path), *PLAIN, *TWO,
               "loop.steps=100000", "sleep_s=0.005"]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "log.csv").exists():
        time.sleep(0.05)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    others = [int(c) for c in children if "toy.py" in Path(f"/proc/{c}/cmdline").read_text()]
    assert len(others) == 1
    os.kill(others[0], signal.SIGKILL)
    _, said = process.communicate(timeout=100)
    assert process.returncode == 1, said
    assert said.count("another process of this run has gone") == 1
    assert "Traceback" not in said
