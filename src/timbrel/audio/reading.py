"""Audio files as tensors.

libsndfile decodes; everything that can be wrong with a file ends as one line in `BadAudio`. The
header is looked at before any sample is read, so that a file too large is refused at once.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.audio.resampling import check_rate, resample
from timbrel.errors import BadAudio
from timbrel.files import unreadable
from timbrel.units import amplitude_to_db

LONGEST_S = 1800.0
"""Longest file that is read whole; it bounds memory (half an hour of stereo at 48 kHz: 0.7 GB)."""

MOST_CHANNELS = 64
LOUDEST = 1e4
FORMATS = "WAV, FLAC, OGG, MP3 or AIFF"
SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff", ".opus")
"""Of files that are taken for recordings where a folder is searched."""

CANCELLED = 1e-6
"""Share of the power in the mean of channels that cancel; unlike ones keep 1 / `MOST_CHANNELS`."""

SHORTEST_S, QUIETEST_DB = 0.02, -70.0
"""What is shorter, or has a lower peak, holds no sound."""

_STREAMED = 0xF0000000
"""Chunk sizes from here up mean "unknown": what programs write that cannot seek back."""


@dataclass(frozen=True)
class AudioInfo:
    """What a file's header says.

    Attributes:
        path: of the file.
        sample_rate: in Hz.
        channels: how many.
        frames: samples in each channel.
        format: name of the container, such as `WAV`.
    """

    path: Path
    sample_rate: int
    channels: int
    frames: int
    format: str

    @property
    def duration_s(self) -> float:
        """How long it plays."""
        return self.frames / self.sample_rate


def probe(path: str | Path) -> AudioInfo:
    """What an audio file's header says; no samples are read.

    Raises:
        BadAudio: it is missing, a folder, empty, not audio, cut short or too long.
    """
    path = Path(path)
    _require_file(path)
    try:
        header = soundfile.info(os.fsencode(path), verbose=True)  # pyright: ignore[reportArgumentType]
    except (soundfile.LibsndfileError, RuntimeError, TypeError):
        raise BadAudio(f"{path} is not audio that can be read: give {FORMATS}") from None
    info = AudioInfo(path, header.samplerate, header.channels, header.frames, header.format)
    try:
        check_rate(info.sample_rate)
    except BadAudio as error:
        raise BadAudio(f"{path}: {error}") from None
    if info.channels > MOST_CHANNELS:
        raise BadAudio(f"{path} has {info.channels} channels, at most {MOST_CHANNELS} are read")
    if _is_cut_short(header.extra_info):
        raise BadAudio(f"{path} is cut short, its header promises more: copy or export it again")
    if info.frames < 1:
        raise BadAudio(f"{path} holds no samples: give a recording")
    if info.duration_s > LONGEST_S or info.frames * info.channels > LONGEST_S * 48000 * 4:
        raise BadAudio(
            f"{path} has {info.duration_s / 60:.0f} min of {info.channels} channels at "
            f"{info.sample_rate} Hz, the longest read is {LONGEST_S / 60:.0f} min: cut it"
        )
    return info


def read_channels(path: str | Path) -> tuple[Float[Tensor, "channels time"], int]:
    """All channels of an audio file in float32, full scale being 1, and its sample rate.

    Raises:
        BadAudio: see `probe`; also damaged data, or samples that are not finite.
    """
    info = probe(path)
    try:
        with soundfile.SoundFile(os.fsencode(path)) as file:  # pyright: ignore[reportArgumentType]
            frames = file.read(info.frames, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError):
        raise BadAudio(f"{path} is damaged or cut short: copy or export it again") from None
    require_all(len(frames), info)
    if not len(frames):
        raise BadAudio(f"{path} holds no samples: give a recording")
    require_sane(frames, info)
    return torch.from_numpy(np.ascontiguousarray(frames.T)), info.sample_rate


def read_audio(path: str | Path, sample_rate: int) -> Float[Tensor, " time"]:
    """An audio file as mono (the mean of its channels) at the wanted rate.

    Channels that cancel each other out, one of them upside down, are heard as the loudest alone.

    Raises:
        BadAudio: see `read_channels`.
    """
    audio, from_rate = read_channels(path)
    return resample(_mono(audio), from_rate, sample_rate)


def _mono(audio: Float[Tensor, "channels time"]) -> Float[Tensor, " time"]:
    if len(audio) == 1:
        return audio[0]
    mean, power = audio.mean(dim=0), audio.square().mean(dim=1)
    if float(mean.square().mean()) < CANCELLED * float(power.mean()):
        return audio[int(power.argmax())]
    return mean


def require_sound(
    audio: Float[Tensor, "*channels time"],
    sample_rate: int,
    *,
    name: str = "the sound",
    shortest_s: float = SHORTEST_S,
    quietest_db: float = QUIETEST_DB,
) -> Float[Tensor, "*channels time"]:
    """The audio itself, where there is something in it to hear.

    Args:
        audio: any number of channels.
        sample_rate: in Hz.
        name: what the message calls it, such as the file's path.
        shortest_s: least duration that is accepted.
        quietest_db: least peak level, in dB relative to full scale.

    Raises:
        BadAudio: it is too short, not finite, far beyond full scale, or silent.
    """
    require_length(audio.shape[-1], sample_rate, name, shortest_s)
    if not bool(audio.isfinite().all()):
        raise BadAudio(f"{name} holds NaN or infinity: export it again")
    peak = float(audio.abs().max())
    if peak > LOUDEST:
        raise BadAudio(f"{name} has a peak of {peak:g}, full scale is 1: export it again")
    require_level(peak, name, quietest_db)
    return audio


def require_length(count: int, sample_rate: int, name: str, shortest_s: float = SHORTEST_S) -> None:
    """Refuses so few samples that nothing can be heard in them.

    Raises:
        BadAudio: they are.
    """
    duration_s = count / sample_rate
    if duration_s < shortest_s:
        got = f"{count} samples ({duration_s * 1000:.1f} ms)"
        raise BadAudio(f"{name} has {got}, at least {shortest_s * 1000:.0f} ms are needed")


def require_level(peak: float, name: str, quietest_db: float = QUIETEST_DB) -> None:
    """Refuses a peak so low that nothing sounds.

    Raises:
        BadAudio: it is.
    """
    level_db = amplitude_to_db(max(peak, 1e-10))
    if level_db < quietest_db:
        got = "digital silence" if peak == 0 else f"its peak is {level_db:.0f} dB"
        raise BadAudio(f"{name} is silent ({got}): give a recording with a sound in it")


def require_note(audio: Any, sample_rate: int) -> Float[Tensor, " time"]:
    """What `encode` is given, in float32, where it is one channel of something to hear.

    Raises:
        BadAudio: it is not, or see `require_sound`.
    """
    if not isinstance(audio, Tensor) or not audio.is_floating_point() or audio.ndim != 1:
        kind = type(audio).__name__
        got = f"{audio.dtype} of {list(audio.shape)}" if isinstance(audio, Tensor) else kind
        raise BadAudio(f"the sound is {got}, wanted a tensor [time] of floats, as of read_audio")
    return require_sound(audio.detach().float(), sample_rate)


def _require_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise BadAudio(f"{path} is a folder: give one file ({FORMATS})")
        if not path.exists():
            raise BadAudio(f"no audio file at {path}: check the path")
        if not path.is_file():
            raise BadAudio(f"{path} is a pipe or a device: write it to a file, give that")
        if path.stat().st_size == 0:
            raise BadAudio(f"{path} is empty (0 bytes): give {FORMATS}")
        with path.open("rb"):
            pass
    except (OSError, ValueError) as error:
        raise BadAudio(unreadable(path, error, f"give one file ({FORMATS})")) from None


def _is_cut_short(parser_log: str) -> bool:
    """Whether libsndfile met a WAV or AIFF chunk that says it is longer than the file.

    It then reads what is there in silence; only its log tells: `data : 88200 (should be 58785)`.
    """
    chunks = re.findall(r"(?:data|SSND)\s*:\s*(\d+) \(should be (\d+)\)", parser_log)
    return any(int(found) < int(said) < _STREAMED for said, found in chunks)


def require_all(count: int, info: AudioInfo) -> None:
    """Refuses fewer samples than the header promises.

    Raises:
        BadAudio: there are.
    """
    if count < info.frames * 0.999 - info.sample_rate * 0.1:
        got = f"{count / info.sample_rate:.2f} of {info.duration_s:.2f} s"
        raise BadAudio(f"{info.path} is damaged or cut short ({got}): copy or export it again")


def require_sane(frames: np.ndarray, info: AudioInfo, begin: int = 0) -> None:
    """Refuses NaN, infinity and levels that overflow when they are squared.

    Args:
        frames: of a file, from `begin` on.
        info: what its header says.
        begin: number of the first of them.

    Raises:
        BadAudio: there are such.
    """
    if np.abs(frames).max(initial=0.0) <= LOUDEST:  # many times as quick as frame by frame
        return
    peaks = np.abs(frames).max(axis=1)
    first = begin + int((~(peaks <= LOUDEST)).argmax())
    what = "NaN or infinity" if not np.isfinite(peaks).all() else f"levels over {LOUDEST:g}"
    raise BadAudio(
        f"{info.path} holds {what} (first at {first / info.sample_rate:.3f} s), "
        "full scale is 1: export it again"
    )
