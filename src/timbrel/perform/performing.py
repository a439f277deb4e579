"""`perform`: a score becomes a file."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.audio import AudioWriter, Encoding, check_audio_path
from timbrel.dsp.limiter import Limiter
from timbrel.midi import Score, Track
from timbrel.perform.mixing import WINDOW_S, Mix
from timbrel.perform.parts import Part, cast
from timbrel.progress import Progress

_log = logging.getLogger(__name__)

THREADS = 1
"""Threads inside an operation wait for each other at its end. A note's operations are so short
that this gains little, and beside other work it is ruinous: on two busy cores mel_vae played half
a minute in 9 s on one thread, in 43 s with one batch on each of two, in 261 s with two in each
operation."""


@dataclass(frozen=True)
class Performed:
    """What was made.

    Attributes:
        path: of the mix.
        stems: a file for each track that was played, if they were asked for.
        sample_rate: of all of them.
        duration_s: the last tail included.
        n_notes: notes that were played.
        n_rendered: notes that an instrument had to render; equal ones are rendered once.
        skipped: tracks that nobody played.
    """

    path: Path
    stems: tuple[Path, ...]
    sample_rate: int
    duration_s: float
    n_notes: int
    n_rendered: int
    skipped: tuple[Track, ...]


def perform(
    score: Score,
    parts: Part | Sequence[Part | None],
    path: str | Path,
    *,
    sample_rate: int | None = None,
    stems: str | Path | None = None,
    gain_db: float = 0.0,
    encoding: Encoding | None = None,
    window_s: float = WINDOW_S,
    seed: int = 0,
    progress: Progress | None = None,
) -> Performed:
    """Plays a score into a stereo file, in bounded memory however long it is.

    The mix leaves headroom for its busiest moments and goes through a soft limiter, so it never
    clips. Until it is complete there is no file, and after an error or Ctrl-C there is none.

    Args:
        score: what is played.
        parts: one part for all tracks but drums, or a part (or None) for each track; see `cast`.
        path: ends in .wav or .flac.
        sample_rate: of the mix; None takes the highest of the instruments'.
        stems: a folder for one more file a track; float WAV stems add up to the mix before its
            limiter, FLAC stems are limited each for itself.
        gain_db: louder or softer than the headroom makes it.
        encoding: see `AudioWriter`.
        window_s: seconds of the score that are rendered at a time.
        seed: of what instruments do differently each time: with the same one a score becomes the
            same file, to the bit.
        progress: told how many notes are done.

    Raises:
        BadInput: the parts do not fit the score, or a file cannot be written.
    """
    suffix = {"WAV": ".wav", "FLAC": ".flac"}[check_audio_path(path)]
    cast_parts = cast(score, parts) if isinstance(parts, Part) else list(parts)
    mix = Mix(
        score, cast_parts, sample_rate, gain_db=gain_db, window_s=window_s,
        separate=stems is not None, seed=seed, progress=progress,
    )  # fmt: skip
    skipped = tuple(t for t, part in zip(score.tracks, cast_parts, strict=True) if part is None)
    if skipped:
        _log.warning("nobody plays %s", ", ".join(track.label for track in skipped))
    stem_paths = () if stems is None else _stem_paths(Path(stems), score, mix.playing, suffix)
    with ExitStack() as files:
        files.enter_context(_threads(THREADS))
        writer = files.enter_context(AudioWriter(path, mix.sample_rate, 2, encoding))
        stem_files = [
            _Stem(files.enter_context(AudioWriter(stem, mix.sample_rate, 2, encoding)))
            for stem in stem_paths
        ]
        for block, buses in mix.blocks():
            writer.write(block)
            for stem, bus in zip(stem_files, buses, strict=False):
                stem.write(bus)
        for stem in stem_files:
            stem.finish()
    duration_s = writer.frames / mix.sample_rate
    return Performed(
        Path(path), stem_paths, mix.sample_rate, duration_s, mix.n_notes, mix.rendered, skipped
    )


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _Stem:
    """A stem's file; where it is written in whole numbers, it goes through a limiter of its own."""

    def __init__(self, writer: AudioWriter) -> None:
        self._writer = writer
        is_exact = writer.encoding == "float"
        self._limiter = None if is_exact else Limiter(2, writer.sample_rate)
        self._late = 0 if self._limiter is None else self._limiter.delay

    def write(self, block: Float[Tensor, "2 time"]) -> None:
        """The track's next block, as late as the limiter makes it."""
        if self._limiter is not None:
            block = self._limiter.process(block)
        skipped = min(self._late, block.shape[1])
        self._late -= skipped
        self._writer.write(block[:, skipped:])

    def finish(self) -> None:
        """What the limiter still holds."""
        if self._limiter is not None:
            self._writer.write(self._limiter.flush()[:, self._late :])


def _stem_paths(
    folder: Path, score: Score, playing: Sequence[int], suffix: str
) -> tuple[Path, ...]:
    """A file name for each track that is played: `03-slow-strings.wav`."""
    paths = []
    for i in playing:
        label = re.sub(r"[^\w]+", "-", score.tracks[i].label.casefold()).strip("-")
        paths.append(folder / f"{i + 1:02d}-{label[:40]}{suffix}")
    return tuple(paths)
