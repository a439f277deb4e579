"""A phrase set: a folder of one instrument's recordings, and the melodies in them.

    folder/*.flac                           its phrases, or
    folder/train/ valid/ test/              the same, parted
    folder/.melodies/NAME-KEY.safetensors   f0, loudness and confidence of each, kept

A melody is kept under a name that says what was heard and by which tracker, so a file that changes
is heard again, and a run that was stopped goes on where it was.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from jaxtyping import Float
from safetensors.torch import load_file, save_file
from torch import Tensor

from timbrel.audio import SUFFIXES, probe, read_audio
from timbrel.data.nsynth_layout import SPLITS
from timbrel.data.soundfont_plan import Split
from timbrel.data.workers import each, worker_pool
from timbrel.dsp.listening import FRAME_RATE, follow
from timbrel.dsp.pitch import track_pitch
from timbrel.errors import BadInput
from timbrel.files import replacing
from timbrel.progress import Progress
from timbrel.sound import Performance

Tracker = Literal["light", "swift", "pyin", "crepe"]
"""Who hears the pitch: the one that hears live as well, or one of `timbrel.dsp.pitch`."""

_FOLDER = ".melodies"
_VERSION = 1
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
        found = [p for p in sorted(folder.rglob("*")) if _is_recording(p.relative_to(folder))]
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
        """
        heard: dict[Path, Performance] = {}
        missing: list[tuple[Path, Path, Tracker]] = []
        for path in self.paths:
            kept = self._kept(path, tracker)
            if kept.is_file():
                heard[path] = _read(kept)
            else:
                missing.append((path, kept, tracker))
        if missing:
            with worker_pool(processes, torch.set_num_threads, (1,)) as pool:
                for path, melody in each(pool, _hear, missing):
                    heard[path] = melody
                    if progress is not None:
                        progress("hearing melodies", len(heard), len(self))
        return [heard[path] for path in self.paths]

    def _kept(self, path: Path, tracker: Tracker) -> Path:
        digest = hashlib.blake2b(f"{_VERSION} {tracker} ".encode(), digest_size=8)
        digest.update(path.read_bytes())
        return self.folder / _FOLDER / f"{path.stem}-{digest.hexdigest()}.safetensors"


def _is_recording(name: Path) -> bool:
    is_hidden = any(part.startswith(".") for part in name.parts)
    return name.suffix.lower() in SUFFIXES and not is_hidden


def _split_by_folder(name: Path) -> str:
    return name.parts[0]


def _split_by_name(name: Path) -> str:
    digest = hashlib.blake2b(name.as_posix().encode(), digest_size=4).digest()
    place = int.from_bytes(digest, "little") % _HELD_OUT
    return "valid" if place == 0 else "test" if place == 1 else "train"


def _read(path: Path) -> Performance:
    return Performance(**load_file(path), frame_rate=FRAME_RATE)


def _hear(task: tuple[Path, Path, Tracker]) -> tuple[Path, Performance]:
    path, kept, tracker = task
    sample_rate = probe(path).sample_rate
    melody = hear_melody(read_audio(path, sample_rate), sample_rate, tracker)
    curves = {"f0_hz": melody.f0_hz, "loudness_db": melody.loudness_db}
    kept.parent.mkdir(parents=True, exist_ok=True)
    with replacing(kept) as temporary:
        save_file(curves | {"confidence": melody.confidence}, temporary)
    return path, melody


def hear_melody(
    audio: Float[Tensor, " time"], sample_rate: int, tracker: Tracker = "light"
) -> Performance:
    """A recording's f0, loudness and confidence, `FRAME_RATE` frames a second.

    Args:
        audio: one melody, mono.
        sample_rate: in Hz.
        tracker: who hears the pitch; the light one is as good as swift on single notes and causal,
            the others look ahead.

    >>> tone = torch.sin(torch.arange(16000) * (2 * torch.pi * 220 / 16000))
    >>> hear_melody(tone, 16000, "pyin").f0_hz[100].round()
    tensor(220.)
    """
    light = follow(audio, sample_rate)
    if tracker == "light":
        return light
    track = track_pitch(audio, sample_rate, method=tracker)
    time_s = torch.arange(len(light.f0_hz)) / FRAME_RATE
    place = (time_s * track.frame_rate).clamp(max=len(track.f0_hz) - 1)
    near = place.round().long()
    return Performance(track.f0_hz[near], light.loudness_db, track.confidence[near], FRAME_RATE)
