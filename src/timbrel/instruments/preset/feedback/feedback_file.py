"""The file of feedback: an SQLite database, looked at before anybody trusts it.

    sounds      what was heard of each sound that was judged
    points      where it lies for the tone matchers of some models
    judgements  what was said of a patch and a sound

A write is one transaction, so a row is there or not, whoever is killed. What is in the file must be
these tables and nothing else: no view, no trigger, nothing that runs.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from timbrel.errors import BadInput
from timbrel.files import is_stream, obstacle_in

VERSION = 1
VARIABLE = "TIMBREL_FEEDBACK"

_TABLES = (
    "CREATE TABLE sounds (id TEXT PRIMARY KEY, mel BLOB NOT NULL, curves BLOB NOT NULL, "
    "level_db REAL NOT NULL)",
    "CREATE TABLE points (sound TEXT NOT NULL REFERENCES sounds (id), model TEXT NOT NULL, "
    "point BLOB NOT NULL, PRIMARY KEY (sound, model))",
    "CREATE TABLE judgements (id INTEGER PRIMARY KEY, made_at TEXT NOT NULL, synth TEXT NOT NULL, "
    "knobs TEXT NOT NULL, vector BLOB NOT NULL, patch TEXT NOT NULL, pitch REAL NOT NULL, "
    "velocity REAL NOT NULL, held_s REAL NOT NULL, sound TEXT NOT NULL REFERENCES sounds (id), "
    "sound_name TEXT NOT NULL, kind TEXT NOT NULL, liked REAL NOT NULL)",
)
_DENIED = tuple(map(os.strerror, (errno.EACCES, errno.EPERM, errno.EROFS)))
_PATIENCE_S = 30.0
_LARGEST_VALUE = 1 << 22
_BESIDE = ("-journal", "-wal", "-shm")
"""What SQLite opens beside a database, by its name."""


@contextmanager
def feedback_file(path: Path, *, write: bool = False) -> Iterator[sqlite3.Connection]:
    """A connection to the database; with `write` one transaction, kept if the block ends well.

    Raises:
        BadInput: the file is damaged, no such database, of a newer version, or cannot be written;
            or others have been writing for half a minute.
    """
    is_there(path)
    try:
        for one in (path, *(path.with_name(path.name + end) for end in _BESIDE)):
            if is_stream(one):
                raise BadInput(f"{one} is a pipe or a device: name a file by {VARIABLE}")
        if write:
            path.parent.mkdir(parents=True, exist_ok=True)
        with closing(_connected(path)) as connection:
            _prepare(connection, path)
            if not write:
                yield connection
                return
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise
    except (sqlite3.Error, OSError, UnicodeError) as error:
        denial = _denial(path) if isinstance(error, sqlite3.OperationalError) else None
        raise _unusable(path, denial or getattr(error, "strerror", None) or str(error)) from None


def is_there(path: Path) -> bool:
    """Whether there is such a file, or anything in its place.

    Raises:
        BadInput: that cannot be found out: its folder is locked, or it is a link to itself.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:  # ValueError: a name that no system can have
        raise _unusable(path, getattr(error, "strerror", None) or str(error)) from None
    return True


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(Path(path).absolute(), timeout=_PATIENCE_S, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST_VALUE)
    for pragma in ("trusted_schema=OFF", "cell_size_check=ON", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """See that the tables are ours, or make them in a new file."""
    if not _is_empty(connection):
        return _check(connection, path)
    connection.execute("BEGIN IMMEDIATE")
    if _is_empty(connection):  # nobody else was quicker
        for table in _TABLES:
            connection.execute(table)
        connection.execute(f"PRAGMA user_version={VERSION}")
    connection.execute("COMMIT")
    with suppress(sqlite3.OperationalError):  # another connection is open: it stays as it is
        connection.execute("PRAGMA journal_mode=WAL")
    return _check(connection, path)


def _is_empty(connection: sqlite3.Connection) -> bool:
    return not _version(connection) and not _schema(connection)


def _version(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA user_version").fetchone()[0]


def _schema(connection: sqlite3.Connection) -> set[str]:
    found = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL LIMIT 9")
    return {row[0] for row in found}


def _check(connection: sqlite3.Connection, path: Path) -> None:
    version = _version(connection)
    if version > VERSION:
        raise BadInput(
            f"{path} is feedback of version {version}, known is {VERSION}: update timbrel"
        )
    if version != VERSION or _schema(connection) != set(_TABLES):
        raise _unusable(path, "it is no feedback of timbrel's")


def _denial(path: Path) -> str | None:
    """Why the system lets nobody write the file, or beside it, where SQLite must; it does not say.

    Nothing is opened: to close it would take the locks away that SQLite has on it.
    """
    obstacle = obstacle_in(path.parent)
    if obstacle is not None:
        return obstacle.strerror
    is_ours = not path.exists() or os.access(path, os.R_OK | os.W_OK)
    return None if is_ours else os.strerror(errno.EACCES)


def _unusable(path: Path, reason: str) -> BadInput:
    if "locked" in reason:
        return BadInput(f"{path} is being written by others: try again")
    todo = "let it and its folder be written" if reason in _DENIED else "move it"
    return BadInput(f"{path} cannot be used ({reason[:80]}): {todo}, or name another by {VARIABLE}")
