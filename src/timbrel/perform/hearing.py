"""A recording's melody, heard block by block: only its curves are kept.

The light listener hears pitch and loudness; another tracker may be asked for the pitch, which it
hears in stretches of half a minute. What makes a melody doubtful is said: a hiss has no pitch, and
of a chord the listener makes a melody that nobody played.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float32

from timbrel.audio import AudioBlocks
from timbrel.dsp.clearness import blurred_share, hollow_share, loud, pitched, pitched_share
from timbrel.dsp.leaps import without_leaps
from timbrel.dsp.listening import FRAME_RATE, follow_blocks
from timbrel.dsp.pitch import track_pitch
from timbrel.dsp.trackers import Method, Tracker
from timbrel.progress import Progress, silent
from timbrel.sound import Performance

_STRETCH_S, _MARGIN_S = 30.0, 0.5

_BLURRED_SHARE, _HOLLOW_SHARE, _PITCHED_SHARE = 0.3, 0.3, 0.35
"""Over the first two and under the third a melody is doubted. Lines with no more than half as much
echo as sound have 0.25 of the first; what chords have is in `bench/transfer.py`."""


class Heard(NamedTuple):
    """A recording that was heard.

    Attributes:
        melody: its curves, `FRAME_RATE` frames a second.
        doubt: why they may not be what was played, as one line; nothing where they are clear.
    """

    melody: Performance
    doubt: str


def hear_recording(
    recording: AudioBlocks, tracker: Tracker = "light", progress: Progress | None = None
) -> Heard:
    """The melody of a recording.

    Args:
        recording: what is heard.
        tracker: who hears the pitch: the light one is that of live play; the others look ahead.
        progress: told how many seconds are heard.

    Raises:
        MissingExtra: the tracker is not installed.
    """
    told = progress or silent
    light = follow_blocks(_counted(recording, "hearing", told), recording.sample_rate)
    melody = light if tracker == "light" else _heard_again(recording, light, tracker, told)
    return Heard(without_leaps(melody), _doubt(light, _hollow(recording, light)))


def _heard_again(
    recording: AudioBlocks, light: Performance, tracker: Method, told: Progress
) -> Performance:
    rate, f0_hz, confidence = recording.sample_rate, light.f0_hz.clone(), light.confidence.clone()
    blocks = _counted(recording, f"hearing with {tracker}", told)
    for begin, stop, first, audio in _stretches(blocks, rate):
        track = track_pitch(torch.from_numpy(audio), rate, method=tracker)
        frames = torch.arange(begin, min(stop, len(f0_hz))) - first
        f0_hz[begin:stop], confidence[begin:stop] = track.nearest(frames / FRAME_RATE)
    return Performance(f0_hz, light.loudness_db, confidence, FRAME_RATE)


def _doubt(heard: Performance, hollow: float) -> str:
    if pitched_share(heard) < _PITCHED_SHARE:
        return (
            "hardly any pitch is heard in it (noise, or many notes at once?): little but its "
            "loudness is followed"
        )
    if blurred_share(heard) > _BLURRED_SHARE or hollow > _HOLLOW_SHARE:
        return (
            "several notes seem to sound at once, or a long echo: one line is followed, and which "
            "is by chance; a dry recording of one voice is wanted"
        )
    return ""


def _hollow(recording: AudioBlocks, light: Performance) -> float:
    """`hollow_share`, a stretch at a time."""
    judged = loud(light) & pitched(light)
    total, rate = 0.0, recording.sample_rate
    for begin, stop, first, audio in _stretches(recording, rate):
        frames = slice(begin, min(stop, len(judged)))
        cut = round((begin - first) * rate / FRAME_RATE)
        part = Performance(
            *(curve[frames] for curve in (light.f0_hz, light.loudness_db, light.confidence)),
            frame_rate=FRAME_RATE,
        )
        weight = float(judged[frames].float().sum())
        if weight:
            total += weight * hollow_share(part, torch.from_numpy(audio[cut:]), rate)
    return total / max(float(judged.float().sum()), 1.0)


def _counted(
    recording: AudioBlocks, what: str, told: Progress
) -> Iterator[Float32[np.ndarray, " time"]]:
    done = 0
    for block in recording:
        yield block
        done += len(block)
        told(what, done / recording.sample_rate, recording.duration_s)


def _stretches(
    blocks: Iterable[np.ndarray], rate: int
) -> Iterator[tuple[int, int, int, Float32[np.ndarray, " time"]]]:
    """Frames from and to which a stretch is taken, the frame it begins with, and its samples.

    Stretches overlap, and are not taken where they begin and end: there a tracker sees too little.
    """
    hop, margin = rate / FRAME_RATE, round(_MARGIN_S * FRAME_RATE)
    step = round(_STRETCH_S * FRAME_RATE)
    held, first, begin = np.zeros(0, np.float32), 0, 0
    for block in blocks:
        held = np.concatenate([held, block])
        while first * hop + len(held) >= (begin + step + margin) * hop:
            stop = begin + step
            yield begin, stop, first, held[: math.ceil((stop + margin - first) * hop)]
            begin, skipped = stop, stop - margin - first
            held, first = held[round(skipped * hop) :], first + skipped
    if len(held):
        yield begin, first + 2 + math.ceil(len(held) / hop), first, held
