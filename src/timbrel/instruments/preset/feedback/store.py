"""Where what users said of patches is kept, for active learning.

What was heard of a sound is kept with it, so that models to come can be told where it lies, and can
be trained on it. Who changes their mind says it again: of one patch and one sound the last word
counts.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np
import platformdirs
import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.errors import BadInput
from timbrel.instruments.preset.feedback.feedback_file import VARIABLE, feedback_file, is_there
from timbrel.instruments.preset.feedback.judgement import JudgedSound, Judgement
from timbrel.instruments.preset.hearing.heard_bytes import (
    heard_from_bytes,
    heard_to_bytes,
    sound_id,
)
from timbrel.sound import Notes

T = TypeVar("T")

_MOST = 10_000
"""Judgements that are read, the newest."""

_LONGEST_NAME = 200
_NEWEST = (
    "SELECT * FROM judgements WHERE id IN (SELECT max(id) FROM judgements "
    "WHERE synth = ? OR ? IS NULL GROUP BY synth, sound, knobs, vector) ORDER BY id DESC LIMIT ?"
)


def user_feedback() -> Path:
    """The file in which a user's feedback is kept; `TIMBREL_FEEDBACK` names another."""
    named = os.environ.get(VARIABLE)
    return Path(named or Path(platformdirs.user_data_dir("timbrel")) / "feedback.sqlite")


class FeedbackStore:
    """Judgements in a file, which several programs may read and write at once.

    Args:
        path: of the file; the user's own by default. It is made by the first judgement.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = user_feedback() if path is None else Path(path)

    def add(
        self,
        judgement: Judgement,
        sound: JudgedSound,
        point: Float[Tensor, " size"] | None = None,
        model: str = "",
    ) -> None:
        """Keep a judgement, whole or not at all.

        Args:
            judgement: what is said.
            sound: of what.
            point: where it lies for a model's tone matcher.
            model: that model's fingerprint.

        Raises:
            BadInput: the file cannot be used.
        """
        note = judgement.note
        row = (
            judgement.made_at, judgement.synth, json.dumps(judgement.knobs),
            _to_bytes(judgement.vector), _name(judgement.patch), float(note.pitch),
            float(note.velocity), float(note.duration_s), judgement.sound,
            _name(judgement.sound_name), judgement.kind, judgement.liked,
        )  # fmt: skip
        heard = (judgement.sound, *heard_to_bytes(sound.heard), sound.level_db)
        with feedback_file(self.path, write=True) as database:
            database.execute("INSERT OR IGNORE INTO sounds VALUES (?, ?, ?, ?)", heard)
            holes = ", ".join("?" * len(row))
            database.execute(f"INSERT INTO judgements VALUES (NULL, {holes})", row)
            if point is not None:
                _place(database, {judgement.sound: point}, model)

    def judgements(self, synth: str | None = None) -> list[Judgement]:
        """The last words on patches of a synthesizer, or of all, oldest first.

        Raises:
            BadInput: the file cannot be used.
        """
        if not is_there(self.path):
            return []
        with feedback_file(self.path) as database:
            rows = database.execute(_NEWEST, (synth, synth, _MOST)).fetchall()
        return [_read(self.path, _judgement, row) for row in reversed(rows)]

    def sounds(self, ids: Iterable[str]) -> dict[str, JudgedSound]:
        """What is kept of sounds.

        Raises:
            BadInput: the file cannot be used, or lacks one.
        """
        kept = {}
        with feedback_file(self.path) as database:
            for each in dict.fromkeys(ids):
                row = database.execute("SELECT * FROM sounds WHERE id = ?", (each,)).fetchone()
                kept[each] = _read(self.path, _sound, row)
        return kept

    def points(self, model: str) -> dict[str, Float[Tensor, " size"]]:
        """Where sounds lie for a model, of those that it was told."""
        with feedback_file(self.path) as database:
            rows = database.execute("SELECT * FROM points WHERE model = ?", (model,)).fetchall()
        return {row["sound"]: _read(self.path, _point, row) for row in rows}

    def place(self, points: Mapping[str, Float[Tensor, " size"]], model: str) -> None:
        """Keep where sounds lie for a model."""
        with feedback_file(self.path, write=True) as database:
            _place(database, points, model)


def _place(database: sqlite3.Connection, points: Mapping[str, Tensor], model: str) -> None:
    rows = [(sound, model, _to_bytes(point)) for sound, point in points.items()]
    database.executemany("INSERT OR REPLACE INTO points VALUES (?, ?, ?)", rows)


def _read(path: Path, read: Callable[[sqlite3.Row], T], row: sqlite3.Row | None) -> T:
    """What a row says, if it is there and can be."""
    try:
        if row is None:
            raise ValueError("a sound is missing")
        return read(row)
    except (TypeError, ValueError, OverflowError, RecursionError, BadInput) as error:
        raise BadInput(
            f"{path} is damaged ({error}): move it, or name another by {VARIABLE}"
        ) from None


def _judgement(row: sqlite3.Row) -> Judgement:
    knobs = json.loads(row["knobs"])
    if not isinstance(knobs, list) or not all(isinstance(name, str) for name in knobs):
        raise ValueError("knobs have no names")
    return Judgement(
        synth=_name(row["synth"]),
        knobs=tuple(knobs),
        vector=_floats(row["vector"]),
        patch=_name(row["patch"]),
        note=Notes.of(*(float(row[name]) for name in ("pitch", "velocity", "held_s"))),
        sound=_name(row["sound"]),
        sound_name=_name(row["sound_name"]),
        kind=row["kind"],
        liked=float(row["liked"]),
        made_at=_name(row["made_at"]),
    )


def _sound(row: sqlite3.Row) -> JudgedSound:
    heard = heard_from_bytes(row["mel"], row["curves"])
    if sound_id(heard) != row["id"]:
        raise ValueError("a sound is another than it was")
    return JudgedSound(heard, float(row["level_db"]))


def _point(row: sqlite3.Row) -> Tensor:
    return _floats(row["point"])


def _name(text: object) -> str:
    """Text that a terminal may be shown."""
    if not isinstance(text, str):
        raise ValueError(f"a name is {type(text).__name__}")
    return "".join(c if c.isprintable() else "?" for c in text[:_LONGEST_NAME])


def _to_bytes(numbers: Float[Tensor, " size"]) -> bytes:
    return numbers.detach().cpu().contiguous().numpy().astype("<f4").tobytes()


def _floats(numbers: bytes) -> Float[Tensor, " size"]:
    found = torch.from_numpy(np.frombuffer(numbers, "<f4").astype(np.float32))
    if not bool(found.isfinite().all()):
        raise ValueError("a number is not finite")
    return found
