"""GuitarSet from a small set of its layout: fetched, unpacked, parted by player."""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from timbrel.data.phrases.guitarset import collect_guitarset, download_guitarset
from timbrel.data.phrases.phrase_set import PhraseSet
from timbrel.errors import BadInput

from .test_nsynth import Server, running

PIECES = ("BN1-129-Eb", "Funk2-119-G", "SS1-100-C#")


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """Each player's solo and comp of each piece, with what else lies beside them."""
    folder = tmp_path / "GuitarSet" / "audio_mono-mic"
    folder.mkdir(parents=True)
    for player in range(6):
        for number, piece in enumerate(PIECES):
            time_s = np.arange(8000) / 16000
            sound = 0.3 * np.sin(2 * np.pi * (110 + 20 * number + player) * time_s)
            for kind in ("solo", "comp"):
                name = f"0{player}_{piece}_{kind}_mic.wav"
                soundfile.write(folder / name, sound, 16000)
    (folder / "00_BN1-129-Eb_solo_hex.wav").write_bytes(b"six strings")
    (folder / "._00_BN1-129-Eb_solo_mic.wav").write_bytes(b"a Mac was here")
    (folder.parent / "README.md").write_text("GuitarSet")
    return folder.parent


@pytest.fixture
def packed(unpacked: Path, tmp_path: Path) -> Path:
    path = tmp_path / "audio_mono-mic.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(unpacked.rglob("*.wav")):
            archive.write(file, f"audio_mono-mic/{file.name}")
        archive.writestr("../../evil_solo_mic.wav", b"x")
    return path


@pytest.fixture
def server(packed: Path):
    with running(packed.read_bytes()) as server:
        yield server


def fetch(server: Server, out: Path, **keys):
    md5 = hashlib.md5(server.content).hexdigest()
    return download_guitarset(out, url=f"{server.url}?download=1", md5=md5, pause_s=0.0, **keys)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*.wav")}


@pytest.mark.parametrize("kind", ["unpacked", "packed"])
def test_solos_are_taken_and_players_are_held_out(kind, request, tmp_path):
    report = collect_guitarset(request.getfixturevalue(kind), tmp_path / "guitar")
    assert report.takes == {"train": 12, "valid": 3, "test": 3}
    assert report.minutes == pytest.approx({"train": 0.1, "valid": 0.025, "test": 0.025})
    assert report.refused == {}
    sets = {s: PhraseSet.open(tmp_path / "guitar", s).paths for s in ("train", "valid", "test")}
    players = {split: {path.name[:2] for path in paths} for split, paths in sets.items()}
    assert players == {"train": {"00", "01", "02", "03"}, "valid": {"04"}, "test": {"05"}}
    assert all("_solo_mic" in path.name for paths in sets.values() for path in paths)
    assert not list(tmp_path.rglob("evil*"))


def test_chords_are_taken_where_they_are_asked_for(unpacked, tmp_path):
    collect_guitarset(unpacked, tmp_path / "comp", "comp")
    collect_guitarset(unpacked, tmp_path / "all", "all")
    assert len(names(tmp_path / "comp")) == 18
    assert all("_comp_" in name for name in names(tmp_path / "comp"))
    assert len(names(tmp_path / "all")) == 36
    with pytest.raises(BadInput, match=r"holds other takes \(guitarset.toml tells\)"):
        collect_guitarset(unpacked, tmp_path / "comp", "solo")


def test_it_is_fetched_once_and_the_archive_is_not_kept(server, tmp_path):
    told = []
    report = fetch(server, tmp_path / "guitar", progress=lambda *numbers: told.append(numbers))
    assert report.takes == {"train": 12, "valid": 3, "test": 3}
    assert {what for what, _, _ in told} == {
        "fetching audio_mono-mic.zip", "checking audio_mono-mic.zip", "unpacking GuitarSet",
    }  # fmt: skip
    assert fetch(server, tmp_path / "guitar") == report
    assert len(server.asked) == 1
    left = sorted(path.name for path in (tmp_path / "guitar").iterdir())
    assert left == ["guitarset.toml", "test", "train", "valid"]


def test_a_broken_connection_and_a_stopped_run_are_gone_on_with(server, tmp_path):
    class StopError(Exception):
        pass

    def stop(what: str, done: int, total: int) -> None:
        if what.startswith("unpacking") and done == 5:
            raise StopError

    server.break_after = [1000]
    with pytest.raises(StopError):
        fetch(server, tmp_path / "guitar", progress=stop)
    assert server.asked == [None, "bytes=1000-"]
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "guitar").rglob("*.wav")}
    assert len(before) == 5
    assert fetch(server, tmp_path / "guitar").takes == {"train": 12, "valid": 3, "test": 3}
    assert len(server.asked) == 2
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())


def test_another_archive_is_refused(server, tmp_path):
    with pytest.raises(BadInput, match=r"has md5 .* it was damaged on the way and is deleted"):
        download_guitarset(tmp_path / "guitar", url=server.url, md5="0" * 32, pause_s=0.0)
    assert not (tmp_path / "guitar").exists()


def test_what_is_no_guitarset_is_said(tmp_path, packed, unpacked):
    with pytest.raises(BadInput, match="no GuitarSet at none"):
        collect_guitarset("none", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match=r"empty holds no solo takes of GuitarSet \(00_BN1"):
        collect_guitarset(tmp_path / "empty", tmp_path / "out")
    packed.write_bytes(packed.read_bytes()[:5000])
    with pytest.raises(BadInput, match=r"cannot be unpacked \(File is not a zip file\)"):
        collect_guitarset(packed, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no such device here")
def test_what_never_ends_or_begins_is_not_read(unpacked, tmp_path):
    os.mkfifo(tmp_path / "pipe.zip")
    for stream in ("/dev/zero", tmp_path / "pipe.zip"):
        with pytest.raises(BadInput, match="is a pipe or a device: give GuitarSet's folder, or"):
            collect_guitarset(stream, tmp_path / "out")
    os.mkfifo(unpacked / "audio_mono-mic" / "00_Jazz1-200-B_solo_mic.wav")
    assert collect_guitarset(unpacked, tmp_path / "out").takes["train"] == 12


@pytest.mark.parametrize("told", [b"\xff\xfe", b"", b"x" * 100_000])
def test_a_folder_that_says_something_else_is_not_written_to(unpacked, tmp_path, told):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "guitarset.toml").write_bytes(told)
    with pytest.raises(BadInput, match=r"holds other takes \(guitarset.toml tells\)"):
        collect_guitarset(unpacked, tmp_path / "out")
    assert not names(tmp_path / "out")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_what_nobody_may_read_is_said(packed, tmp_path):
    packed.chmod(0)
    with pytest.raises(BadInput, match=r"cannot be read \(Permission denied\): copy it"):
        collect_guitarset(packed, tmp_path / "out")


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("place", [0.3, 0.5, 0.7])
def test_a_damaged_member_is_said(unpacked, tmp_path, method, place):
    packed = tmp_path / "packed.zip"
    (take,) = unpacked.rglob("02_BN1-129-Eb_solo_mic.wav")
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.write(take, take.name)
    content = bytearray(packed.read_bytes())
    begin = round(place * len(content))
    content[begin : begin + 20] = bytes(byte ^ 0xFF for byte in content[begin : begin + 20])
    packed.write_bytes(content)
    with pytest.raises(BadInput, match=r"packed.zip cannot be unpacked \(.*: fetch it again"):
        collect_guitarset(packed, tmp_path / "out", "all")
    assert not (tmp_path / "out" / "guitarset.toml").exists()


def test_a_take_that_cannot_be_read_is_named(unpacked, tmp_path):
    (unpacked / "audio_mono-mic" / "02_BN1-129-Eb_solo_mic.wav").write_bytes(b"no sound")
    report = collect_guitarset(unpacked, tmp_path / "guitar")
    assert report.takes["train"] == 11
    assert "is not audio" in report.refused["02_BN1-129-Eb_solo_mic.wav"]
