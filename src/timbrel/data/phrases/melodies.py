"""Melodies as recordings have them: heard once by a tracker, and kept beside the recordings.

A melody is kept under a name that says what was heard and by which tracker, so a file that changes
is heard again, and a run that was stopped, in whatever way, goes on where it was.
"""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from timbrel.audio import probe, read_audio
from timbrel.dsp.listening import FRAME_RATE, follow
from timbrel.dsp.pitch import track_pitch
from timbrel.dsp.trackers import Tracker
from timbrel.errors import BadAudio, BadInput
from timbrel.files import replacing, unreadable
from timbrel.sound import Performance
from timbrel.sound.notes import CURVES

_FOLDER = ".melodies"
_VERSION = 1


class Hearing(NamedTuple):
    """What is to be heard, where its melody is kept, who hears, and how many frames there are."""

    path: Path
    kept: Path
    tracker: Tracker
    n_frames: int


def hearing_of(path: Path, folder: Path, tracker: Tracker) -> Hearing:
    """How a recording of a folder is heard.

    Raises:
        BadAudio: it cannot be read.
    """
    info = probe(path)
    digest = hashlib.blake2b(f"{_VERSION} {tracker} ".encode(), digest_size=8)
    try:
        with path.open("rb") as file:
            hashlib.file_digest(file, lambda: digest)
    except OSError as error:
        raise BadAudio(unreadable(path, error, "copy it again")) from None
    name = f"{path.stem[:80]}-{digest.hexdigest()}.safetensors"
    n_frames = 1 + math.floor(info.frames / (info.sample_rate / FRAME_RATE))
    return Hearing(path, folder / _FOLDER / name, tracker, n_frames)


def kept_melody(hearing: Hearing) -> Performance | None:
    """What was heard before; None where nothing was, or it is damaged or another's."""
    if not hearing.kept.is_file():
        return None
    try:
        with safe_open(hearing.kept, "pt") as file:
            shapes = {name: file.get_slice(name).get_shape() for name in sorted(file.keys())}
            if shapes != {name: [hearing.n_frames] for name in CURVES}:
                return None
            curves = {name: file.get_tensor(name) for name in CURVES}
        if any(curve.dtype != torch.float32 for curve in curves.values()):
            return None
        return Performance(**curves, frame_rate=FRAME_RATE)
    except (OSError, SafetensorError, BadInput):
        return None


def hear(hearing: Hearing) -> tuple[Path, Performance | str]:
    """The melody, heard and kept, or why there is none."""
    path, kept, tracker, _ = hearing
    try:
        sample_rate = probe(path).sample_rate
        melody = hear_melody(read_audio(path, sample_rate), sample_rate, tracker)
    except BadAudio as error:
        return path, str(error)
    with replacing(kept) as temporary:
        save_file({name: getattr(melody, name) for name in CURVES}, temporary)
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
    f0_hz, confidence = track.nearest(torch.arange(len(light.f0_hz)) / FRAME_RATE)
    return Performance(f0_hz, light.loudness_db, confidence, FRAME_RATE)
