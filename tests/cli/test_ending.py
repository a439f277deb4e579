"""A verb that is told to end tidies up first, whoever tells it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from timbrel.cli.places import place_for
from timbrel.errors import BadInput

IN_THE_MIDDLE = """
import os, signal, time
from pathlib import Path
from timbrel.cli import app
from timbrel.cli.places import place_for

def write(folder):
    (folder / "half.wav").write_bytes(b"RIFF")
    os.kill(os.getpid(), signal.{signal})
    time.sleep(60)

app.run = lambda _: place_for(Path("new/a.wav"), "a").fill(write)
app.main()
"""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without these signals")
@pytest.mark.parametrize(("signal", "code"), [("SIGTERM", 143), ("SIGHUP", 129)])
def test_nothing_unfinished_is_left(tmp_path: Path, signal: str, code: int) -> None:
    words = [sys.executable, "-c", IN_THE_MIDDLE.format(signal=signal)]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without named pipes")
def test_a_pipe_is_no_place_for_a_result(tmp_path: Path) -> None:
    pipe = tmp_path / "a.wav"
    os.mkfifo(pipe)

    def write(folder: Path) -> list[Path]:
        (folder / "a.wav").touch()
        return [folder / "a.wav"]

    with pytest.raises(BadInput, match=r"a\.wav is a pipe or a device: give another --out$"):
        place_for(pipe, "a").fill(write)
    assert pipe.is_fifo()
