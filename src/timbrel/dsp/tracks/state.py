"""What voices know of their notes, and the arrays that compiled code finds it in."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from timbrel.dsp.tracks.noise import AHEAD_S, noise_bank
from timbrel.dsp.tracks.tracks import TRANSIENT_RATE, TRANSIENT_TICKS

FADE_S = 0.01
"""A voice that is ended fades for so long."""

NEVER = np.iinfo(np.int64).max // 2

VOICE = np.dtype([
    ("is_sounding", "?"), ("has_burst", "?"), ("pushed", "i8"),
    ("at", "i8"), ("hops", "i8"), ("until", "i8"), ("left", "i8"), ("right", "i8"),
    ("fade_at", "i8"), ("rise", "i8"), ("n_heard", "i8"),
    ("hop", "f8"), ("tick", "f8"), ("fade_length", "f8"),
], align=True)  # fmt: skip
"""What is known of a voice.

| field           | what                                                               |
|-----------------|--------------------------------------------------------------------|
| `pushed`        | frames known so far                                                |
| `at`            | samples since the note began                                       |
| `hops`, `until` | hops begun; the sample at which this one ends                      |
| `left`, `right` | frames at the hop's beginning and at its end                       |
| `fade_at`       | sample from which the voice fades                                  |
| `rise`          | samples in which the voice comes in                                |
| `n_heard`       | partials that sound in this hop                                    |
| `hop`, `tick`   | samples between frames, and between ticks of the burst; not always whole |
| `fade_length`   | samples of a fade                                                  |
"""

SOUND, PSI, SHARE = range(3)
"""Rows of the desk: one voice; cycles of f0 from the piece's middle; part of the hop passed."""


class State(NamedTuple):
    """All that voices know, one row for each. Few arrays: each costs time to compile.

    Curves are a ring of frames. The arrays `c_*` hold what sounds in the hop, closed up.
    """

    of: np.ndarray  # [voices] what `VOICE` says
    step: np.ndarray  # [voices frames] f0 in cycles per sample
    level: np.ndarray  # [voices frames harmonics] amplitudes
    gain: np.ndarray  # [voices frames bands]
    burst: np.ndarray  # [voices ticks + 1 bands] ends with silence
    ratio: np.ndarray  # [voices harmonics] of a partial to f0
    phase: np.ndarray  # [voices harmonics] cycles at the hop's beginning
    noise_at: np.ndarray  # [voices + 1 bands] place in each band's loop; then where a burst reads
    c_ratio: np.ndarray  # [voices harmonics + 1]
    c_phase: np.ndarray  # [voices harmonics + 1]
    c_level: np.ndarray  # [voices 2 harmonics + 1] amplitude at the beginning, and what it gains
    bank: np.ndarray  # [bands time] noise
    loops: np.ndarray  # [bands] its lengths
    desk: np.ndarray  # [3 hop] `SOUND`, `PSI`, `SHARE`
    turn: np.ndarray  # [harmonics + 1] phases in the piece's middle


def silent_voices(
    n_voices: int,
    sample_rate: int,
    frame_rate: float,
    *,
    n_harmonics: int,
    n_bands: int,
    n_frames: int,
) -> State:
    """Voices that can hold so many frames; bands that the rate has no room for are left out."""
    noise = noise_bank(sample_rate)
    n_bands = min(n_bands, len(noise.lengths))
    of = np.zeros(n_voices, VOICE)
    of["hop"], of["tick"] = sample_rate / frame_rate, sample_rate / TRANSIENT_RATE
    of["fade_length"] = max(1.0, math.floor(FADE_S * sample_rate))

    def single(*shape: int) -> np.ndarray:
        return np.zeros(shape, np.float32)

    return State(
        of=of,
        step=np.zeros((n_voices, n_frames)),
        level=single(n_voices, n_frames, n_harmonics),
        gain=single(n_voices, n_frames, n_bands),
        burst=single(n_voices, TRANSIENT_TICKS + 1, n_bands),
        ratio=np.zeros((n_voices, n_harmonics)),
        phase=np.zeros((n_voices, n_harmonics)),
        noise_at=np.zeros((n_voices + 1, n_bands), np.int64),
        c_ratio=np.zeros((n_voices, n_harmonics + 1)),
        c_phase=np.zeros((n_voices, n_harmonics + 1)),
        c_level=single(n_voices, 2, n_harmonics + 1),
        bank=noise.samples,
        loops=noise.lengths[:n_bands],
        desk=single(3, math.ceil(sample_rate * min(1 / frame_rate, AHEAD_S))),
        turn=single(n_harmonics + 1),
    )
