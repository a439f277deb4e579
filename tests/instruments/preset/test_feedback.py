"""Judgements are kept whole or not at all, and what is no store of them is one line."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

from timbrel.errors import BadInput
from timbrel.instruments.preset.feedback.judgement import JudgedSound, Judgement
from timbrel.instruments.preset.feedback.store import FeedbackStore, user_feedback
from timbrel.instruments.preset.hearing.heard_bytes import sound_id
from timbrel.instruments.preset.hearing.target import Target, target_of
from timbrel.sound import Notes
from timbrel.synths import Synth


@pytest.fixture(scope="module")
def target() -> Target:
    time_s = torch.arange(22050) / 44100
    return target_of(0.3 * torch.sin(2 * torch.pi * 220.0 * time_s))


@pytest.fixture
def store(tmp_path: Path) -> FeedbackStore:
    return FeedbackStore(tmp_path / "new" / "feedback.sqlite")


def said(synth: Synth, target: Target, slope: float = 1.0, **changes: object) -> Judgement:
    facts = {
        "synth": synth.name, "knobs": synth.parameters.names,
        "vector": synth.parameters.vector({"slope": slope}), "patch": "soft",
        "note": Notes.of(57.3, 0.7, 0.5), "sound": sound_id(target.heard),
        "sound_name": "flute.wav", "kind": "rating", "liked": 0.5,
    }  # fmt: skip
    return Judgement(**(facts | changes))  # pyright: ignore[reportArgumentType]


def test_what_is_said_is_kept_as_it_was(synth: Synth, target: Target, store: FeedbackStore) -> None:
    point = torch.nn.functional.normalize(torch.randn(8), dim=0)
    assert store.judgements() == []
    assert not store.path.parent.exists()
    ours = said(synth, target)
    store.add(ours, JudgedSound.of(target), point, "a model")
    (back,) = store.judgements("plain")
    assert (back.knobs, back.patch, back.sound_name) == (ours.knobs, "soft", "flute.wav")
    assert (back.kind, back.liked, back.made_at) == ("rating", 0.5, ours.made_at)
    torch.testing.assert_close(back.vector, ours.vector, rtol=0, atol=0)
    torch.testing.assert_close(back.note.pitch, torch.tensor([57.3]), rtol=0, atol=0)
    torch.testing.assert_close(store.points("a model")[back.sound], point, rtol=0, atol=0)
    assert store.points("another") == {}
    sound = store.sounds([back.sound])[back.sound]
    torch.testing.assert_close(sound.heard.mel, target.heard.mel, rtol=0, atol=0.5 / 127.5)
    torch.testing.assert_close(sound.heard.curves, target.heard.curves, rtol=0, atol=2e-3)
    rms_db = 10 * float((target.audio.square().sum() / (4 * 44100)).log10())
    assert sound.level_db == pytest.approx(rms_db, abs=0.01)
    assert store.judgements("other") == []


def test_the_last_word_counts(synth: Synth, target: Target, store: FeedbackStore) -> None:
    sound = JudgedSound.of(target)
    for kind, slope, liked in (("correction", 1.0, 1.0), ("rating", 2.0, 0.5), ("rating", 1.0, -1)):
        store.add(said(synth, target, slope, kind=kind, liked=float(liked)), sound)
    assert [(j.kind, j.liked) for j in store.judgements()] == [("rating", 0.5), ("rating", -1.0)]
    with sqlite3.connect(store.path) as database:
        assert database.execute("SELECT count(*) FROM judgements").fetchone() == (3,)
        assert database.execute("SELECT count(*) FROM sounds").fetchone() == (1,)
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert database.execute("PRAGMA user_version").fetchone() == (1,)
    database.close()


def test_a_louder_copy_is_the_same_sound(target: Target) -> None:
    other = target_of(0.3 * target.audio)
    assert sound_id(other.heard) == sound_id(target.heard)


def test_many_write_at_once(synth: Synth, target: Target, store: FeedbackStore) -> None:
    sound, failed = JudgedSound.of(target), []

    def write(number: int) -> None:
        try:
            for i in range(5):
                store.add(said(synth, target, number / 10 + i / 100), sound)
        except Exception as error:
            failed.append(error)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failed == []
    assert len(store.judgements()) == 40


def test_who_is_killed_leaves_no_half_of_a_row(
    synth: Synth, target: Target, store: FeedbackStore
) -> None:
    store.add(said(synth, target), JudgedSound.of(target))
    program = (
        "import sqlite3, sys, time\n"
        "database = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "database.execute('BEGIN IMMEDIATE')\n"
        "database.execute(\"INSERT INTO sounds VALUES ('half', x'00', x'00', 0)\")\n"
        "print('begun', flush=True); time.sleep(60)\n"
    )
    command = [sys.executable, "-c", program, str(store.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "begun\n"
        assert len(store.judgements()) == 1  # who reads need not wait
        writer.send_signal(signal.SIGKILL)
    store.add(said(synth, target, 2.0), JudgedSound.of(target))
    assert len(store.judgements()) == 2
    with pytest.raises(BadInput, match="a sound is missing"):
        store.sounds(["half"])


def _empty(path: Path) -> None:
    path.touch()


def _text(path: Path) -> None:
    path.write_text("no database\n" * 100)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def _newer(path: Path) -> None:
    _run(path, "PRAGMA user_version=7")


def _view(path: Path) -> None:
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n"
    _run(path, "DROP TABLE judgements", f"CREATE VIEW judgements AS {endless}")


def _trigger(path: Path) -> None:
    _run(
        path,
        "CREATE TRIGGER gone AFTER INSERT ON judgements BEGIN DELETE FROM judgements; END",
    )


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _pipe_beside(path: Path) -> None:
    os.mkfifo(path.with_name(path.name + "-journal"))


def _run(path: Path, *statements: str) -> None:
    database = sqlite3.connect(path)
    for statement in statements:
        database.execute(statement)
    database.commit()
    database.close()


def _no_text(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"level_db REAL", b"level\x99db REAL"))


@pytest.mark.parametrize(
    "change",
    [_text, _cut, _newer, _view, _trigger, _folder, _pipe, _pipe_beside, _no_text],
)
def test_what_is_no_store_is_one_line(
    change: object, synth: Synth, target: Target, store: FeedbackStore
) -> None:
    store.add(said(synth, target), JudgedSound.of(target))
    change(store.path)  # pyright: ignore[reportCallIssue]
    for ask in (store.judgements, lambda: store.add(said(synth, target), JudgedSound.of(target))):
        with pytest.raises(BadInput, match=r"feedback\.sqlite") as caught:
            ask()
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "change",
    [
        "vector = x'00'",
        "vector = x'0000c07f0000c07f0000c07f0000c07f'",  # NaN
        "knobs = '{}'",
        "knobs = '[1, 2, 3, 4]'",
        "knobs = 'a'",
        "liked = 2.0",
        "liked = 'much'",
        "kind = 'bribe'",
        "pitch = 1e9",
        "held_s = NULL",
        "patch = x'ff'",
    ],
)
def test_a_row_that_cannot_be_is_one_line(
    change: str, synth: Synth, target: Target, store: FeedbackStore
) -> None:
    store.add(said(synth, target), JudgedSound.of(target))
    try:
        _run(store.path, f"UPDATE judgements SET {change}")
    except sqlite3.IntegrityError:
        return
    with pytest.raises(BadInput, match=r"feedback\.sqlite is damaged \(.+\): move it"):
        store.judgements()


def test_a_sound_that_was_changed_is_refused(
    synth: Synth, target: Target, store: FeedbackStore
) -> None:
    store.add(said(synth, target), JudgedSound.of(target))
    _run(store.path, "UPDATE sounds SET mel = zeroblob(length(mel))")
    with pytest.raises(BadInput, match="a sound is another than it was"):
        store.sounds([sound_id(target.heard)])
    _run(store.path, "UPDATE sounds SET mel = zeroblob(7)")
    with pytest.raises(BadInput, match="is damaged"):
        store.sounds([sound_id(target.heard)])


def test_whatever_is_damaged_is_one_line_or_unharmed(
    synth: Synth, target: Target, store: FeedbackStore
) -> None:
    for slope in (0.5, 1.0, 2.0):
        store.add(said(synth, target, slope), JudgedSound.of(target), torch.rand(8), "a model")
    _run(store.path, "PRAGMA wal_checkpoint(TRUNCATE)")
    whole, draw = store.path.read_bytes(), random.Random(0)
    for _ in range(60):
        damaged = bytearray(whole)
        for _ in range(draw.choice((1, 10, 200))):
            damaged[draw.randrange(draw.choice((100, 4096, len(whole))))] = draw.randrange(256)
        for ending in ("-wal", "-shm"):
            Path(f"{store.path}{ending}").unlink(missing_ok=True)
        store.path.write_bytes(damaged)
        with contextlib.suppress(BadInput):
            store.judgements()
            store.points("a model")
            store.sounds([sound_id(target.heard)])


def test_a_name_that_is_no_utf_8_is_kept_as_it_can_be_shown(
    synth: Synth, target: Target, store: FeedbackStore
) -> None:
    store.add(
        said(synth, target, sound_name="fl\udcffte.wav", patch="\ud800"), JudgedSound.of(target)
    )
    (back,) = store.judgements()
    assert (back.sound_name, back.patch) == ("fl?te.wav", "?")


def _refuse(*_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied")


ALLOW = r"\(Permission denied\): let it and its folder be written, or name another by TIMBREL_FEEDB"
LOOP = r"\(Too many levels of symbolic links\): move it, or name another by TIMBREL_FEEDBACK"


@pytest.mark.parametrize("link", ["feedback.sqlite", "."])
def test_a_link_to_itself_is_one_line(
    synth: Synth, target: Target, store: FeedbackStore, link: str
) -> None:
    place = store.path.parent / link
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(place.name)
    for ask in (store.judgements, lambda: store.add(said(synth, target), JudgedSound.of(target))):
        with pytest.raises(BadInput, match=LOOP):
            ask()


def test_a_folder_that_lets_nobody_in_is_one_line(
    synth: Synth, target: Target, store: FeedbackStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "stat", _refuse)
    for ask in (store.judgements, lambda: store.add(said(synth, target), JudgedSound.of(target))):
        with pytest.raises(BadInput, match=ALLOW):
            ask()


@pytest.mark.parametrize("locked", ["folder", "file"])
def test_what_may_be_read_alone_is_one_line(
    synth: Synth, target: Target, store: FeedbackStore, monkeypatch: pytest.MonkeyPatch, locked: str
) -> None:
    store.add(said(synth, target), JudgedSound.of(target))

    def connect(*_: object, **__: object) -> None:  # as SQLite does, which does not say why
        raise sqlite3.OperationalError("unable to open database file")

    monkeypatch.setattr(sqlite3, "connect", connect)
    with pytest.raises(BadInput, match=r"\(unable to open database file\): move it"):
        store.judgements()
    if locked == "folder":
        monkeypatch.setattr(Path, "write_bytes", _refuse)
    else:
        monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(BadInput, match=ALLOW):
        store.judgements()


def test_an_empty_file_is_a_new_one(synth: Synth, target: Target, tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path / "empty.sqlite")
    _empty(store.path)
    assert store.judgements() == []
    store.add(said(synth, target, patch="a\x1b[2Jb"), JudgedSound.of(target))
    assert store.judgements()[0].patch == "a?[2Jb"


def test_where_it_lies_can_be_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TIMBREL_FEEDBACK", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert user_feedback().name == "feedback.sqlite"
    monkeypatch.setenv("TIMBREL_FEEDBACK", str(tmp_path / "mine.db"))
    assert user_feedback() == tmp_path / "mine.db"


def test_a_judgement_that_cannot_be_is_refused(synth: Synth, target: Target) -> None:
    with pytest.raises(BadInput, match=r"liked is 1\.5: wanted a number from -1 to 1"):
        said(synth, target, liked=1.5)
    with pytest.raises(BadInput, match="a patch of 3 numbers for 4 knobs"):
        said(synth, target, vector=torch.zeros(3))
