"""Files and folders whole or not at all, and what is said of disks that are full or locked."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
import soundfile
import torch

from timbrel.audio import AudioWriter
from timbrel.errors import BadInput
from timbrel.files import is_stream, obstacle_in, replacing, replacing_folder

FULL = OSError(errno.ENOSPC, "No space left on device")
MAKE_ROOM = r"cannot write .*%s \(No space left on device\): make room, or choose another folder$"


def test_a_full_disk_is_one_line_and_other_errors_pass_through(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=MAKE_ROOM % "a.txt"), replacing(tmp_path / "a.txt"):
        raise FULL
    told = RuntimeError("I/O error: No space left on device (os error 28)")
    with pytest.raises(BadInput, match=MAKE_ROOM % "a.bin"), replacing(tmp_path / "a.bin"):
        raise told
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "a.txt"):
        (tmp_path / "other").read_text()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_where_a_library_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(*_: object) -> None:
        raise soundfile.LibsndfileError(2)

    monkeypatch.setattr(soundfile.SoundFile, "write", write)
    with pytest.raises(soundfile.LibsndfileError), AudioWriter(tmp_path / "a.wav", 16000) as writer:
        writer.write(torch.zeros(9))
    monkeypatch.setattr("timbrel.files.obstacle_in", lambda folder: FULL)
    with (
        pytest.raises(BadInput, match=MAKE_ROOM % r"a\.wav"),
        AudioWriter(tmp_path / "a.wav", 16000) as writer,
    ):
        writer.write(torch.zeros(9))
    assert list(tmp_path.iterdir()) == []


def test_an_obstacle_is_found_by_trying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert obstacle_in(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    missing = obstacle_in(tmp_path / "none")
    assert missing is not None
    assert missing.errno == errno.ENOENT


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    home = tmp_path / "model"
    for text in ("old", "new"):
        with replacing_folder(home) as made:
            (made / text).write_text(text)
            assert not (home / text).exists()
        assert [path.name for path in home.iterdir()] == [text]
    assert list(tmp_path.iterdir()) == [home]


def test_a_folder_stays_after_an_error_and_comes_back_after_a_kill(tmp_path: Path) -> None:
    home = tmp_path / "model"
    with replacing_folder(home) as made:
        (made / "old").touch()
    with pytest.raises(FileNotFoundError), replacing_folder(home) as made:
        (made / "none" / "new").touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["model", "old"]
    home.rename(tmp_path / ".model.before")  # killed between the two renames
    with pytest.raises(ZeroDivisionError), replacing_folder(home):
        raise ZeroDivisionError
    assert (home / "old").is_file()


def test_a_folder_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(BadInput, match=r"cannot write .*model \(Not a directory\): choose another"),
        replacing_folder(tmp_path / "file" / "model"),
    ):
        pass


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without named pipes")
def test_a_pipe_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    with (
        pytest.raises(BadInput, match=r"a\.wav is a pipe or a device: give the name of a file"),
        replacing(tmp_path / "a.wav"),
    ):
        raise AssertionError("nothing is to be written")
    assert (tmp_path / "a.wav").is_fifo()


def test_what_a_library_writes_for_its_owner_alone_may_be_read_as_others_may(
    tmp_path: Path,
) -> None:
    for name in ("theirs", "plain"):
        with replacing(tmp_path / name) as unfinished:
            unfinished.write_text("C4")
            if name == "theirs":
                unfinished.chmod(0o600)
    theirs, plain = (tmp_path / name for name in ("theirs", "plain"))
    assert theirs.stat().st_mode == plain.stat().st_mode


def test_what_goes_while_it_is_looked_at_is_no_stream(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    assert is_stream(fifo)
    assert not is_stream(tmp_path)
    journal = tmp_path / "a-journal"
    assert not is_stream(journal)
    monkeypatch.setattr(Path, "exists", lambda self: True)  # it was there a moment ago
    assert not is_stream(journal)
