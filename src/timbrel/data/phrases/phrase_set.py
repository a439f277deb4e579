"""A phrase set: a folder of one instrument's recordings, and the melodies in them.

    folder/*.flac                           its phrases, or
    folder/train/ valid/ test/              the same, parted
    folder/.melodies/NAME-KEY.safetensors   f0, loudness and confidence of each, kept

What the recordings are does not matter: any rate, any number of channels, folders within folders.
Long ones need not be cut into phrases, since what trains takes crops.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.audio import SUFFIXES, probe, read_audio
from timbrel.data.notes.nsynth_layout import SPLITS
from timbrel.data.phrases.melodies import Hearing, hear, hearing_of, kept_melody
from timbrel.data.soundfonts.plan import Split
from timbrel.data.workers import each, worker_pool
from timbrel.dsp.trackers import Tracker
from timbrel.errors import BadAudio, BadInput
from timbrel.progress import Progress
from timbrel.sound import Performance

SETS = "phrases.toml"
"""What stands in a folder of several sets, one for each instrument."""

_HELD_OUT = 12
"""Of a folder without splits, every so many phrases are valid's, and as many test's."""


@dataclass(frozen=True)
class PhraseSet:
    """The recordings of one instrument.

    Attributes:
        folder: they lie in.
        paths: of its phrases.
    """

    folder: Path
    paths: tuple[Path, ...]

    @classmethod
    def open(cls, folder: str | Path, split: Split | None = None) -> PhraseSet:
        """The phrases of a folder, or those of one of its splits.

        A folder that is not parted is: by the hash of each name, so that a phrase stays where it
        is when others come.

        Raises:
            BadInput: there is no such folder, or no recording in it. (A split may be empty.)
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise BadInput(f"no folder of recordings at {folder}: check the path")
        found = [p for p in sorted(folder.rglob("*")) if _is_recording(p, folder)]
        if not found:
            raise BadInput(f"{folder} holds no recordings ({', '.join(s[1:] for s in SUFFIXES)})")
        is_parted = any((folder / each).is_dir() for each in SPLITS)
        split_of = _split_by_folder if is_parted else _split_by_name
        paths = [p for p in found if split is None or split_of(p.relative_to(folder)) == split]
        return cls(folder, tuple(paths))

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def name(self) -> str:
        """What the instrument is called: as its folder."""
        return self.folder.resolve().name

    @property
    def minutes(self) -> float:
        """Of all phrases together."""
        return sum(probe(path).duration_s for path in self.paths) / 60

    def audio(self, place: int, sample_rate: int) -> Float[Tensor, " time"]:
        """A phrase, mono."""
        return read_audio(self.paths[place], sample_rate)

    def melodies(
        self,
        tracker: Tracker = "light",
        *,
        processes: int | None = None,
        progress: Progress | None = None,
    ) -> list[Performance]:
        """The melody of each phrase, read from beside the set or heard and kept there.

        Args:
            tracker: who hears the pitch.
            processes: that hear; None is one a core, 0 this one.
            progress: told how many are done.

        Raises:
            BadAudio: a recording cannot be used.
        """
        heard = self.heard(tracker, processes=processes, progress=progress)
        for reason in heard.refused.values():
            raise BadAudio(reason)
        return list(heard.melodies)

    def heard(
        self,
        tracker: Tracker = "light",
        *,
        processes: int | None = None,
        progress: Progress | None = None,
    ) -> HeardSet:
        """The same, without the recordings that cannot be used."""
        melodies: dict[Path, Performance] = {}
        refused: dict[Path, str] = {}
        missing: list[Hearing] = []
        for path in self.paths:
            try:
                hearing = hearing_of(path, self.folder, tracker)
            except BadAudio as error:
                refused[path] = str(error)
                continue
            kept = kept_melody(hearing)
            if kept is None:
                missing.append(hearing)
            else:
                melodies[path] = kept
        if missing:
            with worker_pool(processes, torch.set_num_threads, (1,)) as pool:
                for path, melody in each(pool, hear, missing):
                    if isinstance(melody, str):
                        refused[path] = melody
                    else:
                        melodies[path] = melody
                    if progress is not None:
                        progress("hearing melodies", len(melodies) + len(refused), len(self))
        usable = tuple(path for path in self.paths if path in melodies)
        new = sum(hearing.path in melodies for hearing in missing)
        return HeardSet(
            PhraseSet(self.folder, usable), tuple(melodies[path] for path in usable), refused, new
        )


@dataclass(frozen=True)
class HeardSet:
    """A set whose melodies were heard.

    Attributes:
        phrases: those that can be used.
        melodies: of each of them.
        refused: why the others cannot.
        new: how many were not heard before.
    """

    phrases: PhraseSet
    melodies: tuple[Performance, ...]
    refused: dict[Path, str]
    new: int


def sets_in(folder: str | Path) -> list[PhraseSet]:
    """The set that a folder is, or those of several instruments that it holds.

    Raises:
        BadInput: there is no such folder, or no recording in it.
    """
    folder = Path(folder)
    if not (folder / SETS).is_file():
        return [PhraseSet.open(folder)]
    within = sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")
    if not within:
        raise BadInput(f"{folder} holds no instrument's recordings yet: render or fetch them")
    return [PhraseSet.open(path) for path in within]


def _is_recording(path: Path, folder: Path) -> bool:
    is_hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return path.suffix.lower() in SUFFIXES and not is_hidden and path.is_file()


def _split_by_folder(name: Path) -> str:
    return name.parts[0]


def _split_by_name(name: Path) -> str:
    digest = hashlib.blake2b(name.as_posix().encode(), digest_size=4).digest()
    place = int.from_bytes(digest, "little") % _HELD_OUT
    return "valid" if place == 0 else "test" if place == 1 else "train"
