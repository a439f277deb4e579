"""How clear a melody is: whether what was heard has a pitch, and one at a time.

Judged where it is loud. A hiss has no pitch; notes that sound together share a period, but a bad
one, and what is heard as their melody was played by nobody.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from timbrel.dsp.stft import stft
from timbrel.sound import Performance

SURE = 0.5
"""Confidence from which a frame has a pitch."""

_SOUNDS_DB, _QUIETEST_DB = 40.0, -75.0
"""What sounds: so far under the loudest, and no softer than that."""

_LOUD_DB, _LOUDEST = 20.0, 0.95
"""Frames so far below the loudest are not judged: a room's echo of one note is under the next."""

_BLURRED_FROM, _BLURRED_TO = 0.35, 0.85
"""Clarity of several notes at once. One note is clearer, and noise has none."""

_SPECTRUM_S, _EVERY_S, _HARMONICS, _HOLLOW = 0.08, 0.02, 12, 0.01


def sounding(melody: Performance) -> Bool[Tensor, " frames"]:
    """Which frames sound, and are not the noise between them."""
    loudness_db = melody.loudness_db
    return loudness_db >= max(float(loudness_db.max()) - _SOUNDS_DB, _QUIETEST_DB)


def loud(melody: Performance) -> Bool[Tensor, " frames"]:
    """Which frames are judged."""
    sounds = sounding(melody)
    if not bool(sounds.any()):
        return sounds
    least_db = float(melody.loudness_db[sounds].quantile(_LOUDEST)) - _LOUD_DB
    return sounds & (melody.loudness_db >= least_db)


def pitched(melody: Performance) -> Bool[Tensor, " frames"]:
    """Which frames have a pitch that is sure.

    >>> curve = torch.tensor([220.0, 220.0, 0.0])
    >>> pitched(Performance(curve, -curve, torch.tensor([0.9, 0.4, 0.9]), 200.0)).tolist()
    [True, False, False]
    """
    return (melody.confidence >= SURE) & (melody.f0_hz > 0)


def pitched_share(melody: Performance) -> float:
    """Share of the loud frames that have a pitch."""
    return _share(pitched(melody), melody)


def blurred_share(melody: Performance) -> float:
    """Share of the loud frames whose period is a bad one: near 0 for a line, 0.5 for chords.

    Args:
        melody: heard by the light listener.
    """
    return _share((melody.confidence > _BLURRED_FROM) & (melody.confidence < _BLURRED_TO), melody)


def _share(which: Bool[Tensor, " frames"], melody: Performance) -> float:
    judged = loud(melody)
    return float(which[judged].float().mean()) if bool(judged.any()) else 0.0


def hollow_share(melody: Performance, audio: Float[Tensor, " time"], sample_rate: int) -> float:
    """Share of the loud, pitched frames with hardly any power at the pitch, nor at twice the pitch.

    Where the notes of a chord share a period, the pitch of that period is heard, which none of them
    plays: of a triad two octaves below its root, or at a third of it. A tone that is heard two
    octaves too low looks the same.

    Args:
        melody: heard in the audio.
        audio: mono.
        sample_rate: in Hz.
    """
    n_fft = round(_SPECTRUM_S * sample_rate)
    stride = round(_EVERY_S * melody.frame_rate)
    power = stft(audio, n_fft, round(stride * sample_rate / melody.frame_rate)).abs().square()
    places = torch.arange(0, len(melody.f0_hz), stride)[: power.shape[-1]]
    sure = pitched(melody) & loud(melody)
    chosen = sure[places]
    if not bool(chosen.any()):
        return 0.0
    f0_hz = melody.f0_hz[places][chosen]
    at = (f0_hz[:, None] * torch.arange(1, _HARMONICS + 1) * n_fft / sample_rate).round().long()
    near = at[..., None] + torch.tensor([-1, 0, 1])
    spectra = power.T[: len(places)][chosen]
    known = near.clamp(max=spectra.shape[1] - 1)
    levels = spectra.gather(1, known.flatten(1)).reshape(known.shape).amax(-1)
    return float((levels[:, :2].sum(1) < _HOLLOW * levels.sum(1)).float().mean())
