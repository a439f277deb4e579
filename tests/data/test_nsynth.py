from __future__ import annotations

import hashlib
import http.server
import io
import json
import re
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import soundfile

from timbrel.data import NoteSet
from timbrel.data.fetching import check_md5, download
from timbrel.data.notes.nsynth import ARCHIVES, Archive, download_nsynth, unpack
from timbrel.errors import BadConfig, BadInput

from .conftest import entry, tone


def add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def wav() -> bytes:
    file = io.BytesIO()
    soundfile.write(file, tone(60), 16000, format="WAV", subtype="PCM_16")
    return file.getvalue()


def packed(*extra: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    note = entry()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        directory = tarfile.TarInfo("nsynth-test/audio")
        directory.type = tarfile.DIRTYPE
        tar.addfile(directory)
        add(tar, f"nsynth-test/audio/{note['note_str']}.wav", wav())
        for name, content in extra:
            add(tar, name, content)
        add(tar, "nsynth-test/examples.json", json.dumps({note["note_str"]: note}).encode())
    return file.getvalue()


class Server(http.server.ThreadingHTTPServer):
    """Serves one file; can break off, ignore ranges, or answer with an error."""

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.content = content
        self.break_after: list[int] = []
        self.errors: list[int] = []
        self.knows_ranges = True
        self.asked: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/nsynth-test.jsonwav.tar.gz"

    def archive(self) -> Archive:
        return Archive("test", self.url, hashlib.md5(self.content).hexdigest())


class Answer(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server, asked = self.server, self.headers.get("Range")
        server.asked.append(asked)
        if server.errors:
            self.send_error(server.errors.pop(0))
            return
        start = int(re.findall(r"\d+", asked)[0]) if asked and server.knows_ranges else 0
        if start >= len(server.content):
            self.send_error(416)
            return
        content = server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: server.break_after.pop(0)] if server.break_after else content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def running(content: bytes) -> Iterator[Server]:
    server = Server(content)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def server():
    with running(packed()) as server:
        yield server


def fetch(server: Server, out: Path, **keys) -> list[Path]:
    return download_nsynth(out, ["test"], archives=[server.archive()], pause_s=0.0, **keys)


def test_a_split_is_fetched_unpacked_and_not_fetched_again(server, tmp_path):
    told = []
    folders = fetch(server, tmp_path, progress=lambda *progress: told.append(progress))
    assert folders == [tmp_path / "nsynth-test"]
    assert NoteSet.open(tmp_path).pitch.tolist() == [60]
    assert {what.split()[0] for what, _, _ in told} == {"fetching", "checking", "unpacking"}
    assert all(0 < done <= total == len(server.content) for _, done, total in told)
    assert fetch(server, tmp_path) == folders
    assert len(server.asked) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["nsynth-test"]


def test_a_broken_connection_is_continued_where_it_broke(server, tmp_path):
    server.break_after = [1000, 0, 500]
    fetch(server, tmp_path)
    assert server.asked == [None, "bytes=1000-", "bytes=1000-", "bytes=1500-"]
    assert len(NoteSet.open(tmp_path)) == 1


def test_a_stopped_download_is_continued_by_the_next_call(server, tmp_path):
    class StopError(Exception):
        pass

    def stop(what: str, done: int, total: int) -> None:
        raise StopError

    with pytest.raises(StopError):
        fetch(server, tmp_path, progress=stop)
    part = tmp_path / "nsynth-test.jsonwav.tar.gz.part"
    part.write_bytes(server.content[:700])
    fetch(server, tmp_path)
    assert server.asked[1:] == ["bytes=700-"]


def test_a_server_without_ranges_starts_over(server, tmp_path):
    server.knows_ranges = False
    server.break_after = [1000]
    fetch(server, tmp_path)
    assert server.asked == [None, "bytes=1000-"]
    assert len(NoteSet.open(tmp_path)) == 1


def test_a_whole_part_is_only_checked(server, tmp_path):
    (tmp_path / "nsynth-test.jsonwav.tar.gz.part").write_bytes(server.content)
    fetch(server, tmp_path)
    assert server.asked == [f"bytes={len(server.content)}-"]


def test_a_busy_server_is_asked_again_and_a_clear_no_is_not(server, tmp_path):
    server.errors = [503, 502]
    fetch(server, tmp_path / "a")
    assert len(server.asked) == 3
    server.errors = [404]
    with pytest.raises(BadInput, match=r"answers 404 Not Found; is the address right\?$"):
        fetch(server, tmp_path / "b")


def test_a_server_that_stays_away_is_given_up(server, tmp_path):
    server.errors = [503] * 9
    with pytest.raises(BadInput, match=r"\(the server answers 503 .*\): the same command goes on"):
        fetch(server, tmp_path)
    assert len(server.asked) == 6
    with pytest.raises(BadInput, match=r"cannot be fetched \(.*refused\)"):
        download("http://127.0.0.1:9/x", tmp_path / "x.part", pause_s=0.0)


def test_a_wrong_md5_deletes_the_part(server, tmp_path):
    good = server.archive()
    wrong = Archive("test", good.url, "0" * 32)
    with pytest.raises(BadInput, match=f"has md5 {good.md5}, wanted 0{{32}}: it was damaged"):
        download_nsynth(tmp_path, ["test"], archives=[wrong], pause_s=0.0)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_split_and_a_half_folder_are_refused(server, tmp_path):
    with pytest.raises(BadConfig, match=r"no split 'dev': choose from train, valid, test$"):
        download_nsynth(tmp_path, ["dev"])
    (tmp_path / "nsynth-test").mkdir()
    with pytest.raises(BadInput, match=r"is there without its examples.json: delete or rename it$"):
        fetch(server, tmp_path)


def test_a_disk_without_room_is_noticed_before_the_download(server, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10})())
    with pytest.raises(BadInput, match=r"needs 0.0 GB more and .* has 0.0 GB: make room"):
        fetch(server, tmp_path)


@pytest.mark.parametrize(
    "name",
    ["../evil.wav", "/tmp/evil.wav", "nsynth-test/audio/../../evil.wav", "nsynth-test/audio/.wav",
     "nsynth-test/run.sh", "nsynth-test/audio/a/b.wav"],
)  # fmt: skip
def test_an_archive_with_foreign_names_is_refused(tmp_path, name):
    path = tmp_path / "a.tar.gz"
    path.write_bytes(packed((name, b"x")))
    with pytest.raises(BadInput, match=f"holds '{re.escape(name)}', which NSynth does not"):
        unpack(path, tmp_path / "nsynth-test")
    assert [found.name for found in tmp_path.rglob("*")] == ["a.tar.gz"]


def test_an_archive_with_a_link_is_refused(tmp_path):
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        link = tarfile.TarInfo("nsynth-test/audio/a.wav")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(BadInput, match=r"holds 'nsynth-test/audio/a\.wav', which NSynth does not"):
        unpack(path, tmp_path / "nsynth-test")


@pytest.mark.parametrize("keep", [0, 5, 200, 0.5])
def test_a_damaged_archive_leaves_nothing(tmp_path, keep):
    path = tmp_path / "a.tar.gz"
    whole = packed()
    kept = round(keep * len(whole)) if keep < 1 else keep
    path.write_bytes(whole[:kept] if kept else b"not a tar")
    with pytest.raises(BadInput, match=r"cannot be unpacked .*: delete it and fetch it again$"):
        unpack(path, tmp_path / "nsynth-test")
    assert [found.name for found in tmp_path.rglob("*")] == ["a.tar.gz"]


def test_md5_is_of_the_whole_file(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"abc" * 1_000_000)
    check_md5(path, hashlib.md5(path.read_bytes()).hexdigest())
    assert path.exists()


def test_the_three_archives_are_named():
    assert [archive.split for archive in ARCHIVES] == ["train", "valid", "test"]
    assert all(re.fullmatch(r"[0-9a-f]{32}", archive.md5) for archive in ARCHIVES)
    assert ARCHIVES[0].url.endswith("/nsynth-train.jsonwav.tar.gz")
