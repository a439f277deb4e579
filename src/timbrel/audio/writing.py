"""Tensors as audio files: WAV in float32 (nothing clips) or whole numbers, FLAC in 24 bits."""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Literal

import soundfile
from jaxtyping import Float
from torch import Tensor

from timbrel.audio.resampling import check_rate
from timbrel.errors import BadAudio
from timbrel.files import replacing
from timbrel.units import amplitude_to_db

_log = logging.getLogger(__name__)

Encoding = Literal["float", "pcm16", "pcm24"]

_SUBTYPES = {"float": "FLOAT", "pcm16": "PCM_16", "pcm24": "PCM_24"}
_BYTES = {"float": 4, "pcm16": 2, "pcm24": 3}
_FORMATS = {".wav": "WAV", ".flac": "FLAC"}
_LARGEST_WAV = 2**32 - 2**16
_MOST_CHANNELS = {"WAV": 64, "FLAC": 8}


def check_audio_path(path: str | Path) -> str:
    """The format that a file's name asks for, `WAV` or `FLAC`.

    Raises:
        BadAudio: the name ends otherwise.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _FORMATS:
        got = f"in {suffix!r}" if suffix else "in no extension"
        raise BadAudio(f"{path} ends {got}: end it in .wav or .flac")
    return _FORMATS[suffix]


def write_audio(
    path: str | Path,
    audio: Float[Tensor, " time"] | Float[Tensor, "channels time"],
    sample_rate: int,
    encoding: Encoding | None = None,
) -> Path:
    """Writes a WAV or FLAC file, whole or not at all, and returns its path; see `AudioWriter`."""
    channels = 1 if audio.ndim == 1 else audio.shape[0]
    with AudioWriter(path, sample_rate, channels, encoding) as writer:
        writer.write(audio)
    return Path(path)


class AudioWriter:
    """An audio file that is written block by block and appears when the last one is in.

        with AudioWriter("song.flac", 44100, channels=2) as writer:
            for block in blocks:
                writer.write(block)

    Leaving by an exception, Ctrl-C included, leaves no file and harms none that was there. Of a
    peak over full scale, which clips wherever the file is played, a warning is logged.

    Args:
        path: ends in .wav or .flac; missing folders are made.
        sample_rate: in Hz.
        channels: 1 for mono, 2 for stereo.
        encoding: `float` (WAV's default: exact, and levels above 1 survive), `pcm24` (FLAC's
            default) or `pcm16`.

    Raises:
        BadAudio: an extension, rate or encoding that cannot be, samples that are not finite, or
            that would clip.
        BadInput: the folder cannot be written, or the disk is full.
    """

    def __init__(
        self,
        path: str | Path,
        sample_rate: int,
        channels: int = 1,
        encoding: Encoding | None = None,
    ) -> None:
        self.path = Path(path)
        self.sample_rate = sample_rate
        self.channels = channels
        self.frames = 0
        self._peak = 0.0
        self._format = check_audio_path(path)
        self.encoding = encoding or ("float" if self._format == "WAV" else "pcm24")
        check_rate(sample_rate)
        if not 1 <= channels <= _MOST_CHANNELS[self._format]:
            raise BadAudio(f"{path}: {self._format} cannot hold {channels} channels")
        if self._format == "FLAC" and (self.encoding == "float" or sample_rate > 655350):
            raise BadAudio(f"{path}: FLAC holds no {self.encoding} at {sample_rate} Hz: use .wav")
        self._open_files = ExitStack()

    def __enter__(self) -> AudioWriter:
        with ExitStack() as stack:
            unfinished = stack.enter_context(replacing(self.path))
            self._file = stack.enter_context(
                soundfile.SoundFile(
                    os.fsencode(unfinished),  # pyright: ignore[reportArgumentType]
                    "w",
                    self.sample_rate,
                    self.channels,
                    _SUBTYPES[self.encoding],
                    format=self._format,
                )
            )
            self._open_files = stack.pop_all()
        return self

    def write(self, audio: Float[Tensor, " time"] | Float[Tensor, "channels time"]) -> None:
        """Appends a block."""
        block = audio.detach().cpu().float()
        block = block.reshape(1, -1) if block.ndim == 1 else block
        if block.shape[0] != self.channels:
            raise BadAudio(
                f"{self.path}: a block of {block.shape[0]} channels, wanted {self.channels}"
            )
        if not block.shape[1]:
            return
        peak = float(block.abs().max())  # a NaN among the samples wins
        if not peak < float("inf"):
            raise BadAudio(f"{self.path}: the audio to write holds NaN or infinity")
        if self.encoding != "float" and peak > 1.0:
            raise BadAudio(f"{self.path}: the peak {peak:.2f} would clip: use .wav or turn it down")
        self._peak = max(self._peak, peak)
        self.frames += block.shape[1]
        size = self.frames * self.channels * _BYTES[self.encoding]
        if self._format == "WAV" and size > _LARGEST_WAV:
            raise BadAudio(f"{self.path} would grow over 4 GB, too much for WAV: use .flac")
        self._file.write(block.T.numpy())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open_files.__exit__(kind, error, trace)
        if kind is None and self._peak > 1.0:
            _log.warning(
                "%s: the peak is %.1f dB over full scale, where players clip: divide by %.3g",
                self.path, amplitude_to_db(self._peak), self._peak,
            )  # fmt: skip
