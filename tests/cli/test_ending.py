"""A verb that is told to end tidies up first, whoever tells it."""

from __future__ import annotations

import os
import shlex
import shutil
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

# whoever runs the tests may have been told to ignore it
signal.signal(signal.{signal}, signal.SIG_DFL)
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


def test_a_folder_that_goes_away_meanwhile_is_no_success(tmp_path: Path) -> None:
    def write(folder: Path) -> list[Path]:
        (folder / "a.wav").touch()
        shutil.rmtree(tmp_path / "out")
        return [folder / "a.wav"]

    with pytest.raises(BadInput, match=r"out was removed meanwhile: run it again$"):
        place_for(tmp_path / "out" / "a.wav", "a").fill(write)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a system without /dev/full")
@pytest.mark.parametrize("words", ["--version", "--help"])
def test_an_output_without_room_is_one_line(words: str) -> None:
    code, err = ended(f"{words} > /dev/full")
    line = "timbrel: standard output cannot be written (No space left on device): send it elsewhere"
    assert (code, err) == (2, f"{line}\n")
    assert ended("nothing > /dev/full 2>&1") == (2, "")


@pytest.mark.skipif(os.name == "nt", reason="a system whose shell cannot close streams")
def test_a_closed_stream_leads_nowhere(tmp_path: Path) -> None:
    assert ended("--version <&- >&-") == (0, "")
    file = tmp_path / "out"
    assert ended(f"nothing <&- >{file} 2>&-") == (2, "")
    assert file.read_text(encoding="utf-8") == ""


def ended(words: str) -> tuple[int, str]:
    """Exit code and stderr of a command line in a shell."""
    line = f"{shlex.quote(sys.executable)} -m timbrel {words}"
    done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=False)
    return done.returncode, done.stderr
