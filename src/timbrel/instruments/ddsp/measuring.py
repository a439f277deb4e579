"""The manner in which an instrument was played, measured on its melodies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.listening import FRAME_RATE
from timbrel.errors import BadAudio
from timbrel.instruments.ddsp.curves import FROM_DB, LEAST_RANGE_DB
from timbrel.instruments.ddsp.timbre_layout import Manner
from timbrel.sound import Performance
from timbrel.units import hz_to_midi

_SURE = 0.85
_HEARD_DB, _QUIET_DB = 40.0, 50.0
"""Under the loudest frame: what sounds, and what is silence."""

_RARE, _SELDOM = 0.02, 0.1
"""Shares of frames that are left out: at both ends of pitch and the loud one, at the soft one."""

_LEAST_SEMITONES = 12.0
"""A register is so wide at least: one note tells little of it."""

_STEADY = round(0.2 * FRAME_RATE)
_ATTACK = round(0.4 * FRAME_RATE)
_RELEASE = round(0.5 * FRAME_RATE)
_ENDS_DB, _LET_GO_DB = 30.0, 10.0
"""Ends of phrases that are louder tell of releases, from so far under their loudest on."""

_LEAST_FALL_DB_S = 8.0
"""What falls more slowly is held: swells and fades of who plays."""


def measured_manner(melodies: Sequence[Performance]) -> Manner:
    """Where an instrument was heard playing, and how its notes come and go.

    Raises:
        BadAudio: no pitch is sure in any of the melodies.
    """
    f0_hz = torch.cat([melody.f0_hz for melody in melodies])
    loudness_db = torch.cat([melody.loudness_db for melody in melodies])
    confidence = torch.cat([melody.confidence for melody in melodies])
    loudest = float(loudness_db.max())
    heard = (confidence >= _SURE) & (loudness_db > loudest - _HEARD_DB) & (f0_hz > 0)
    if not bool(heard.any()):
        raise BadAudio(
            "no melody is heard: give a recording of one voice or instrument, one note at a time"
        )
    lowest, highest = _wide(hz_to_midi(f0_hz[heard]), _RARE, _LEAST_SEMITONES)
    soft, loud = loudness_db[heard].quantile(torch.tensor([_SELDOM, 1 - _RARE])).tolist()
    soft = min(soft, loud - LEAST_RANGE_DB)
    falls = torch.cat([_falls(melody, loudest) for melody in melodies])
    fall_db_s = float(falls.median()) if len(falls) else 0.0
    attacks = [s for melody in melodies for s in _attacks_s(melody, loudest)]
    releases = [s for melody in melodies for s in _releases_s(melody, loudest)]
    numbers = (
        lowest, highest, soft, loud, _middle(attacks, 0.03),
        fall_db_s if fall_db_s > _LEAST_FALL_DB_S else 0.0, _middle(releases, 0.15),
    )  # fmt: skip
    return Manner(*torch.tensor(numbers))


def _wide(values: Tensor, rare: float, least: float) -> list[float]:
    low, high = values.quantile(torch.tensor([rare, 1 - rare])).tolist()
    missing = max(0.0, least - (high - low)) / 2
    return [low - missing, high + missing]


def _middle(values: list[float], otherwise: float) -> float:
    return float(torch.tensor(values).median()) if values else otherwise


def _falls(melody: Performance, loudest: float) -> Float[Tensor, " any"]:
    """DB a second by which it falls wherever the pitch stays for a while."""
    if len(melody.f0_hz) <= _STEADY:
        return torch.zeros(0)
    pitch = hz_to_midi(melody.f0_hz.clamp_min(1.0)).unfold(0, _STEADY, 1)
    level = melody.loudness_db.unfold(0, _STEADY, 1)
    sure = melody.confidence.unfold(0, _STEADY, 1).amin(1) >= _SURE
    stays = pitch.amax(1) - pitch.amin(1) < 0.5
    # a rise of one frame to the next is another note
    struck = level.diff(dim=1).amax(1) > 1.0
    chosen = sure & stays & ~struck & (level.amin(1) > loudest - _HEARD_DB)
    return (level[:, 0] - level[:, -1])[chosen] * (FRAME_RATE / (_STEADY - 1))


def _runs(melody: Performance, loudest: float) -> Iterator[tuple[int, int]]:
    """Where it sounds: first frame of each run, and the one behind its last."""
    sounds = (melody.loudness_db > loudest - _QUIET_DB).int()
    edges = torch.nn.functional.pad(sounds, (1, 1)).diff()
    begins, ends = ((edges == edge).nonzero()[:, 0].tolist() for edge in (1, -1))
    yield from zip(begins, ends, strict=True)


def _attacks_s(melody: Performance, loudest: float) -> Iterator[float]:
    """Seconds from silence to within 3 dB of what a note becomes."""
    for begin, end in _runs(melody, loudest):
        level = melody.loudness_db[begin : min(end, begin + _ATTACK)]
        if begin > 0 and len(level) > 4:
            up = int((level > level.max() - 3).nonzero()[0])
            yield max(1, up) / FRAME_RATE


def _releases_s(melody: Performance, loudest: float) -> Iterator[float]:
    """Seconds to fall by `-FROM_DB`, at the rate at which the ends of phrases go."""
    for begin, end in _runs(melody, loudest):
        level = melody.loudness_db[max(begin, end - _RELEASE) : end]
        if end < len(melody.loudness_db) and level.max() > loudest - _ENDS_DB:
            # what is plucked has fallen a little before its key comes up
            last = int((level > level.max() - _LET_GO_DB).nonzero()[-1])
            fell, frames = float(level[last] - level[-1]), len(level) - 1 - last
            if fell > 5:
                yield -FROM_DB / fell * frames / FRAME_RATE
