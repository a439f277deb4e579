"""Whether a recording's melody can be believed: figures of one clip, and what is doubtful in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.clearness import (
    blurred_share,
    hollow_share,
    loud,
    pitched,
    pitched_share,
    sounding,
)
from timbrel.sound import Performance
from timbrel.units import amplitude_to_db, hz_to_midi

_FULL_SCALE = 0.999
_CLIPPED_RUN = 3
"""So many samples in a row at full scale are clipped: one is a peak."""

_JUMPS, _NEAR_SEMITONES = (12.0, 19.02, 24.0), 0.7
"""Trackers err by a factor of 2, 3 or 4."""

_BACK_S, _TOGETHER_S = 0.2, 0.05
"""Leaps that go back so soon nobody plays; what lies farther apart is no leap."""

_APART_SEMITONES = 0.5
_LEAST_PITCHED, _MOST_BLURRED, _MOST_HOLLOW, _MOST_LEAPS_PER_S = 0.7, 0.3, 0.1, 0.5
_MOST_CLIPPED, _MOST_APART, _SILENT_DB = 1e-4, 0.1, -60.0


@dataclass(frozen=True)
class ClipFigures:
    """What was measured in one clip.

    Attributes:
        duration_s: of all of it.
        peak_db: re full scale.
        loudness_db: A-weighted, the median of what sounds.
        sounding_share: of the frames.
        lowest, highest: MIDI numbers between which nine tenths of the melody lie; None without one.
        pitched_share: of the loud frames have a pitch that is sure.
        blurred_share: of the loud frames have a bad period, as chords have.
        hollow_share: of the loud frames have a period, but nothing sounds at it, as in chords too.
        leaps: to an octave or the like and back at once.
        clipped_share: of the samples.
        apart_share: of the frames in which both trackers are sure differ by over 50 cents; None
            where one tracker was asked.
    """

    duration_s: float
    peak_db: float
    loudness_db: float
    sounding_share: float
    lowest: float | None
    highest: float | None
    pitched_share: float
    blurred_share: float
    hollow_share: float
    leaps: int
    clipped_share: float
    apart_share: float | None = None

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why the melody may not be what was played, worst first; nothing where it is clear."""
        if self.peak_db < _SILENT_DB or not self.sounding_share:
            return ("silent",)
        leaps_per_s = self.leaps / (self.duration_s * self.sounding_share)
        apart = self.apart_share or 0.0
        several = max(self.blurred_share, self.hollow_share)
        is_several = self.blurred_share > _MOST_BLURRED or self.hollow_share > _MOST_HOLLOW
        found = {
            f"hardly any pitch ({self.pitched_share:.0%})": self.pitched_share < _LEAST_PITCHED,
            f"several notes at once ({several:.0%})": is_several,
            f"octave leaps ({self.leaps})": leaps_per_s > _MOST_LEAPS_PER_S,
            f"trackers disagree ({apart:.0%})": apart > _MOST_APART,
            f"clipped ({self.clipped_share:.2%})": self.clipped_share > _MOST_CLIPPED,
        }
        return tuple(doubt for doubt, is_so in found.items() if is_so)


def measure_clip(
    audio: Float[Tensor, " time"],
    sample_rate: int,
    melody: Performance,
    other: Performance | None = None,
) -> ClipFigures:
    """Figures of a clip.

    Args:
        audio: mono.
        sample_rate: in Hz.
        melody: heard in it.
        other: the same, heard by a second tracker.
    """
    sounds = sounding(melody)
    pitch = hz_to_midi(melody.f0_hz[pitched(melody) & sounds])
    span = pitch.quantile(torch.tensor([0.05, 0.95])).tolist() if len(pitch) else (None, None)
    levels_db = melody.loudness_db[sounds] if bool(sounds.any()) else melody.loudness_db
    return ClipFigures(
        duration_s=len(audio) / sample_rate,
        peak_db=amplitude_to_db(max(float(audio.abs().max()), 1e-10)),
        loudness_db=float(levels_db.median()),
        sounding_share=float(sounds.float().mean()),
        lowest=span[0],
        highest=span[1],
        pitched_share=pitched_share(melody),
        blurred_share=blurred_share(melody),
        hollow_share=hollow_share(melody, audio, sample_rate),
        leaps=octave_leaps(melody),
        clipped_share=_clipped_share(audio.numpy()),
        apart_share=None if other is None else _apart_share(melody, other),
    )


def octave_leaps(melody: Performance) -> int:
    """How often the pitch leaps by two, three or four times, and back within 0.2 s."""
    sure = (pitched(melody) & loud(melody)).numpy()
    at = np.flatnonzero(sure)
    step = np.diff(hz_to_midi(melody.f0_hz.double()).numpy()[at])
    together = np.diff(at) <= _TOGETHER_S * melody.frame_rate
    near = np.abs(np.abs(step)[:, None] - np.array(_JUMPS)).min(1, initial=99.0) < _NEAR_SEMITONES
    leaps = np.flatnonzero(near & together)
    soon = np.diff(at[leaps]) <= _BACK_S * melody.frame_rate
    back = np.sign(step[leaps[1:]]) == -np.sign(step[leaps[:-1]])
    return int((soon & back).sum())


def _apart_share(melody: Performance, other: Performance) -> float:
    both = loud(melody) & pitched(melody) & pitched(other)
    if not bool(both.any()):
        return 0.0
    apart = hz_to_midi(melody.f0_hz[both]) - hz_to_midi(other.f0_hz[both])
    return float((apart.abs() > _APART_SEMITONES).float().mean())


def _clipped_share(audio: np.ndarray) -> float:
    """Share of samples in runs at full scale, or at whatever level the recording is cut off."""
    full = np.abs(audio) >= _FULL_SCALE
    edges = np.flatnonzero(np.diff(full, prepend=False, append=False))
    runs = edges[1::2] - edges[::2]
    return float(runs[runs >= _CLIPPED_RUN].sum() / len(audio))
