"""An audio file block by block, however long: what `read_audio` reads, in bounded memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr
from jaxtyping import Float32

from timbrel.audio.reading import (
    CANCELLED,
    probe,
    require_all,
    require_length,
    require_level,
    require_sane,
)
from timbrel.audio.resampling import check_rate
from timbrel.errors import BadAudio

_BLOCK = 1 << 15


class AudioBlocks:
    """An audio file as mono at the wanted rate, block by block, as often as it is asked for.

    The file is looked through once when this is made: what is wrong with it is said then.

    Attributes:
        path: of the file.
        sample_rate: of the blocks, in Hz.
        length: of all blocks together.

    Args:
        path: of the file.
        sample_rate: in Hz; None takes the file's own.

    Raises:
        BadAudio: see `read_channels`; also a sound that is too short, or silent.
    """

    def __init__(self, path: str | Path, sample_rate: int | None = None) -> None:
        self._info = probe(path)
        self.path = Path(path)
        self.sample_rate = sample_rate or self._info.sample_rate
        check_rate(self.sample_rate)
        self._frames, self._channel = self._survey()
        self.length = round(self._frames * self.sample_rate / self._info.sample_rate)

    @property
    def duration_s(self) -> float:
        """How long it plays."""
        return self._frames / self._info.sample_rate

    def __iter__(self) -> Iterator[Float32[np.ndarray, " time"]]:
        rates = self._info.sample_rate, self.sample_rate
        if rates[0] == rates[1]:
            yield from self._mono()
            return
        resampler, left = soxr.ResampleStream(*rates, 1, "float32", "HQ"), self.length
        for block in self._mono():
            made = resampler.resample_chunk(block)[:left]
            left -= len(made)
            yield made
        made = resampler.resample_chunk(np.zeros(0, np.float32), last=True)[:left]
        yield np.pad(made, (0, left - len(made)))

    def _mono(self) -> Iterator[Float32[np.ndarray, " time"]]:
        for frames in self._read():
            mixed = frames.mean(1) if self._channel is None else frames[:, self._channel]
            yield np.ascontiguousarray(mixed)

    def _read(self) -> Iterator[Float32[np.ndarray, "time channels"]]:
        try:
            with soundfile.SoundFile(os.fsencode(self.path)) as file:  # pyright: ignore[reportArgumentType]
                while len(frames := file.read(_BLOCK, dtype="float32", always_2d=True)):
                    yield frames
        except (soundfile.LibsndfileError, RuntimeError):
            raise BadAudio(
                f"{self.path} is damaged or cut short: copy or export it again"
            ) from None

    def _survey(self) -> tuple[int, int | None]:
        """How many frames there are, and which channel is heard; None is the mean of all.

        Channels that cancel each other out are heard as the loudest alone, as in `read_audio`.
        """
        count, peak, of_mean, of_each = 0, 0.0, 0.0, np.zeros(self._info.channels)
        for frames in self._read():
            require_sane(frames, self._info, count)
            count += len(frames)
            peak = max(peak, float(np.abs(frames).max()))
            of_mean += float(np.square(frames.mean(1), dtype=np.float64).sum())
            of_each += np.square(frames, dtype=np.float64).sum(0)
        require_all(count, self._info)
        require_length(count, self._info.sample_rate, str(self.path))
        require_level(peak, str(self.path))
        cancels = of_mean < CANCELLED * of_each.mean()
        return count, int(of_each.argmax()) if cancels else None
