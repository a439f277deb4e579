"""The burst at an attack: noise that comes and goes faster than a frame.

Hammers, picks and tongues strike for a few milliseconds. Harmonics measured over three periods
and noise measured over eight smear that, and what a transient has too much power for is simply
missing. So the sound is compared with its own resynthesis in short windows, and the power that the
resynthesis lacks becomes the burst.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.tracks.bands import Bands
from timbrel.dsp.tracks.demodulation import frames_around
from timbrel.dsp.tracks.synthesis import synthesise
from timbrel.dsp.tracks.tracks import SILENT_DB, TRANSIENT_RATE, TRANSIENT_TICKS, Tracks
from timbrel.units import amplitude_to_db, db_to_power, power_to_db

_WINDOW_S = 0.008
_EXCESS = 4.0
_DEEPEST_DB = 70.0
_FADE_TICKS = 12


def burst_db(
    audio: Float[Tensor, " time"], sample_rate: int, tracks: Tracks
) -> Float[Tensor, "ticks bands"]:
    """Levels of the burst that a note has beyond its tracks, in each tick of 1.25 ms.

    Only what exceeds the resynthesis by 2 dB counts, for beats between partials rise and fall as
    well; the last 15 ms fade out.
    """
    length = round((TRANSIENT_TICKS / TRANSIENT_RATE + _WINDOW_S) * sample_rate)
    struck = torch.nn.functional.pad(audio[:length], (0, max(0, length - len(audio))))
    made = synthesise(tracks, sample_rate, length=length)
    real, known = (_power(sound, sample_rate) for sound in (struck, made))
    reach = math.ceil(TRANSIENT_RATE / float(tracks.f0_hz[0]))
    most = torch.nn.functional.max_pool1d(known.T[None], 2 * reach + 1, 1, reach)[0].T
    lacking = torch.where(real > _EXCESS * most, real - most, 0.0)
    least = real.sum(1).max() * db_to_power(-_DEEPEST_DB)
    level_db = power_to_db(lacking + 1e-20)
    fade = (torch.arange(TRANSIENT_TICKS).flip(0) / _FADE_TICKS).clamp(1e-3, 1)
    level_db = level_db + amplitude_to_db(fade)[:, None]
    return torch.where(lacking > least, level_db, SILENT_DB).clamp_min(SILENT_DB)


def _power(audio: Float[Tensor, " time"], sample_rate: int) -> Float[Tensor, "ticks bands"]:
    """Mean square in each band around each tick, as a note that begins at 0 s has it."""
    half = round(_WINDOW_S * sample_rate / 2)
    n_fft = 2 << (2 * half).bit_length()
    window = torch.hann_window(2 * half + 1, periodic=False)
    frames = frames_around(audio, sample_rate, half, TRANSIENT_RATE)[:TRANSIENT_TICKS]
    spectra = torch.fft.rfft(frames * window, n_fft).abs().square()
    return Bands(sample_rate).power(spectra.T, window)
