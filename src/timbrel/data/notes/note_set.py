"""A note data set: NSynth's own layout on disk, as columns in memory and audio on demand.

Everything in `examples.json` is checked once, when the set is opened; the audio is checked as it
is read. Nothing here writes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from timbrel.audio import resample
from timbrel.data.notes.note_audio import read_batch, read_note
from timbrel.data.notes.nsynth_layout import FAMILIES, HOLD_S, QUALITIES, SOURCES, SPLITS, UNKNOWN
from timbrel.errors import BadInput
from timbrel.files import read_json

# A name becomes a file name: nothing that could leave the folder.
_SAFE_NAME = re.compile(r"\w[\w.+# -]{0,199}")
_LONGEST_HOLD_S = 600.0


@dataclass(frozen=True)
class NoteRecord:
    """What is known of one note.

    Attributes:
        note_str: its name, unique in the set.
        instrument_str: the instrument that played it.
        family, source: NSynth's classes of that instrument ("keyboard", "acoustic").
        pitch: MIDI number.
        velocity: MIDI velocity, 0..127.
        qualities: names of NSynth's qualities that it has.
        hold_s: seconds that the key was held.
        path: its wav file.
    """

    note_str: str
    instrument_str: str
    family: str
    source: str
    pitch: int
    velocity: int
    qualities: tuple[str, ...]
    hold_s: float
    path: Path


@dataclass(frozen=True, eq=False, repr=False)
class NoteSet:
    """Notes of one folder, in the order of their names.

    Attributes:
        folder: holds `examples.json` and `audio/`.
        sample_rate: of every note, in Hz.
        names: note_str of each note.
        instruments: names of the instruments in the set, sorted.
        instrument: each note's place in `instruments`.
        family, source: each note's place in NSynth's tables (`family` 11 is "unknown").
        pitch, velocity: MIDI numbers, velocity 0..127.
        hold_s: seconds that each key was held.
        qualities: which of NSynth's ten qualities each note has.
    """

    folder: Path
    sample_rate: int
    names: tuple[str, ...]
    instruments: tuple[str, ...]
    instrument: Int[Tensor, " notes"]
    family: Int[Tensor, " notes"]
    source: Int[Tensor, " notes"]
    pitch: Int[Tensor, " notes"]
    velocity: Int[Tensor, " notes"]
    hold_s: Float[Tensor, " notes"]
    qualities: Bool[Tensor, "notes 10"]

    def __repr__(self) -> str:
        count = f"{len(self.names)} notes of {len(self.instruments)} instruments"
        return f"<NoteSet {self.folder}: {count}, {self.sample_rate} Hz>"

    @classmethod
    def open(cls, folder: str | Path, split: str | None = None) -> NoteSet:
        """The set in a folder, or in the `nsynth-{split}` folder below it.

        Args:
            folder: holds `examples.json`, or `nsynth-*` folders that do.
            split: which of several; needed only where there are several.

        Raises:
            BadInput: `examples.json` or a wav is missing, or an entry cannot be used.
        """
        home = _find(Path(folder), split)
        entries = _read_examples(home / "examples.json")
        names = sorted(entries)
        rows = [_Row.checked(name, entries[name], home) for name in names]
        _check_wavs(home, names)
        rates = {row.sample_rate for row in rows}
        if len(rates) > 1:
            raise BadInput(
                f"{home}: notes of {len(rates)} sample rates ({_listed(sorted(rates))} Hz): "
                "resample them to one"
            )
        instruments = sorted({row.instrument for row in rows})
        place = {name: i for i, name in enumerate(instruments)}
        return cls(
            home,
            rates.pop(),
            tuple(names),
            tuple(instruments),
            torch.tensor([place[row.instrument] for row in rows]),
            torch.tensor([row.family for row in rows]),
            torch.tensor([row.source for row in rows]),
            torch.tensor([row.pitch for row in rows]),
            torch.tensor([row.velocity for row in rows]),
            torch.tensor([row.hold_s for row in rows], dtype=torch.float32),
            torch.tensor([row.qualities for row in rows], dtype=torch.bool),
        )

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> NoteRecord:
        name = self.names[index]
        has = self.qualities[index].tolist()
        return NoteRecord(
            name,
            self.instruments[int(self.instrument[index])],
            (*FAMILIES, UNKNOWN)[int(self.family[index])],
            SOURCES[int(self.source[index])],
            int(self.pitch[index]),
            int(self.velocity[index]),
            tuple(quality for quality, there in zip(QUALITIES, has, strict=True) if there),
            round(float(self.hold_s[index]), 4),
            self.path(index),
        )

    def path(self, index: int) -> Path:
        """The wav file of a note."""
        return self.folder / "audio" / f"{self.names[index]}.wav"

    def audio(self, index: int, sample_rate: int | None = None) -> Float[Tensor, " time"]:
        """The sound of a note, at the set's sample rate or resampled to another.

        Raises:
            BadAudio: the wav is missing, damaged, not mono or of another rate than its set.
        """
        sound = read_note(self.path(index), self.sample_rate)
        return resample(sound, self.sample_rate, sample_rate or self.sample_rate)

    def audio_batch(
        self, indices: Sequence[int] | Int[Tensor, " notes"], length: int | None = None
    ) -> Float[Tensor, "notes time"]:
        """The sounds of several notes, cut or padded with silence to `length` (None: the longest).

        Raises:
            BadAudio: a wav cannot be used.
        """
        places = indices.tolist() if isinstance(indices, Tensor) else indices
        return read_batch([self.path(i) for i in places], self.sample_rate, length)

    def subset(self, indices: Sequence[int] | Int[Tensor, " notes"]) -> NoteSet:
        """The notes at `indices`, in that order; `instruments` are those that remain."""
        chosen = torch.as_tensor(indices, dtype=torch.long)
        present, instrument = self.instrument[chosen].unique(return_inverse=True)
        return NoteSet(
            self.folder,
            self.sample_rate,
            tuple(self.names[i] for i in chosen.tolist()),
            tuple(self.instruments[i] for i in present.tolist()),
            instrument,
            *(getattr(self, name)[chosen]
              for name in ("family", "source", "pitch", "velocity", "hold_s", "qualities")),
        )  # fmt: skip


@dataclass(frozen=True)
class _Row:
    """One checked entry of examples.json."""

    instrument: str
    family: int
    source: int
    pitch: int
    velocity: int
    hold_s: float
    qualities: list[int]
    sample_rate: int

    @classmethod
    def checked(cls, name: str, entry: Any, home: Path) -> _Row:
        where = f"{home / 'examples.json'}: note {name[:80]!r}"
        if not _SAFE_NAME.fullmatch(name):
            raise BadInput(f"{where} is no file name: use letters, digits and _ - . + #")
        if not isinstance(entry, dict):
            raise BadInput(f"{where} is {_shown(entry)}, wanted an object: make the set again")
        if entry.get("note_str", name) != name:
            raise BadInput(f"{where} calls itself {_shown(entry['note_str'])}: make the set again")
        instrument = entry.get("instrument_str", name.partition("-")[0])
        if not isinstance(instrument, str) or not instrument:
            raise BadInput(f"{where}: instrument_str is {_shown(instrument)}, wanted a name")
        return cls(
            instrument,
            _whole(entry, "instrument_family", 0, len(FAMILIES), where),
            _whole(entry, "instrument_source", 0, len(SOURCES) - 1, where),
            _whole(entry, "pitch", 0, 127, where),
            _whole(entry, "velocity", 0, 127, where),
            _hold_s(entry, where),
            _qualities(entry, where),
            _whole(entry, "sample_rate", 1000, 384000, where),
        )


def _whole(entry: dict[str, Any], key: str, low: int, high: int, where: str) -> int:
    value = entry.get(key)
    if type(value) is not int or not low <= value <= high:
        raise BadInput(f"{where}: {key} is {_shown(value)}, wanted a whole number {low} to {high}")
    return value


def _hold_s(entry: dict[str, Any], where: str) -> float:
    value = entry.get("hold_s", HOLD_S)
    if type(value) not in (int, float) or not 0 < value <= _LONGEST_HOLD_S:
        raise BadInput(f"{where}: hold_s is {_shown(value)}, wanted seconds above 0, at most 600")
    return float(value)


def _qualities(entry: dict[str, Any], where: str) -> list[int]:
    value = entry.get("qualities", [0] * len(QUALITIES))
    if (
        not isinstance(value, list)
        or len(value) != len(QUALITIES)
        or any(type(has) is not int or has not in (0, 1) for has in value)
    ):
        raise BadInput(f"{where}: qualities is {_shown(value)}, wanted ten numbers 0 or 1")
    return value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _listed(values: Sequence[Any], most: int = 5) -> str:
    shown = ", ".join(str(value) for value in values[:most])
    return shown if len(values) <= most else f"{shown} and {len(values) - most} more"


def _find(folder: Path, split: str | None) -> Path:
    if not folder.is_dir():
        raise BadInput(f"no note set at {folder}: no such folder; see `timbrel data --help`")
    if split is None and (folder / "examples.json").is_file():
        return folder
    found = sorted(path.parent.name for path in folder.glob("nsynth-*/examples.json"))
    if split is not None:
        found = [name for name in found if name == f"nsynth-{split}"]
    if len(found) == 1:
        return folder / found[0]
    if found:
        raise BadInput(f"{folder} holds {_listed(found)}: name one of them")
    unfinished = sorted(path.name for path in folder.glob("nsynth-*") if path.is_dir())
    wanted = f"nsynth-{split or '{' + ','.join(SPLITS) + '}'}/examples.json"
    state = (
        f" ({_listed(unfinished)} unfinished)" if unfinished or (folder / "audio").is_dir() else ""
    )
    raise BadInput(f"{folder} is no note set{state}: wanted examples.json or {wanted} in it")


def _read_examples(path: Path) -> dict[str, Any]:
    entries = read_json(path, "make the set again")
    if not isinstance(entries, dict) or not entries:
        raise BadInput(f"{path} holds {_shown(entries)}, wanted notes by name: make the set again")
    return entries


def _check_wavs(home: Path, names: Sequence[str]) -> None:
    audio = home / "audio"
    there = {path.name for path in audio.iterdir()} if audio.is_dir() else set()
    missing = [name for name in names if f"{name}.wav" not in there]
    if missing:
        raise BadInput(
            f"{home}: {len(missing)} of {len(names)} notes have no wav in audio/ "
            f"({_listed(missing, 1)}): make the set again"
        )
