"""From a recorded note to tracks: what synthesis needs to play it again.

    tuning       f0 and its wandering, which is undone before anything else is measured
    stiffness    partials that are not where harmonics would be
    noise floor  what sounds between the partials, and is taken off their own power
    partials     through a long window (8 periods) where the note is steady, which hears little
                 noise, and through a short one (3 periods) where it moves
    burst        what the attack has more of, in steps of 1.25 ms, than all the above

A note that is steady for its first 30 ms and silent after comes back as such. What is lost: the
phases, and what stands half-way between harmonics (organs with a 16' stop), which counts as noise.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.tracks.attack import burst_db
from timbrel.dsp.tracks.bands import Bands
from timbrel.dsp.tracks.demodulation import demodulate, share_heard
from timbrel.dsp.tracks.noise_floor import noise_density
from timbrel.dsp.tracks.stiffness import partial_offsets
from timbrel.dsp.tracks.tracks import FRAME_RATE, SILENT_DB, Tracks, silence
from timbrel.dsp.tracks.tuning import straightened, tuning_of
from timbrel.errors import BadAudio
from timbrel.units import power_to_db

MOST_HARMONICS = 400

_SHORT_PERIODS, _SHORTEST_S = 3.0, 0.008
_LONG_PERIODS, _LONG_S, _LONGEST_S = 8.0, 0.04, 0.128
_NOISE_IN_WINDOW = 3.0
_NOISE_TAKEN_OFF = 1.3
_STEADY_DB, _MOVING_DB = 2.0, 6.0
_HIGHEST = 0.495


def analyse(
    audio: Float[Tensor, " time"], sample_rate: int, f0_hz: float, *, burst: bool = True
) -> Tracks:
    """Tracks of one note, 200 frames a second; some 20 ms for 4 s at 16 kHz.

    Args:
        audio: the note, from its onset.
        sample_rate: in Hz.
        f0_hz: its pitch to within half a semitone.
        burst: whether to look for a burst at the attack.

    Raises:
        BadAudio: the audio is empty or not finite, or f0 does not lie between 0 and Nyquist.

    >>> tone = torch.sin(2 * torch.pi * 220 * torch.arange(16000) / 16000)
    >>> analyse(tone, 16000, 220.0).harmonic_db[100, :1]
    tensor([-0.0])
    """
    if audio.ndim != 1 or not len(audio) or not bool(audio.isfinite().all()):
        raise BadAudio(f"analysis wants finite mono audio, got shape {tuple(audio.shape)}")
    if not 0 < f0_hz < _HIGHEST * sample_rate:
        raise BadAudio(f"f0 is {f0_hz:g} Hz, wanted above 0 and below {sample_rate / 2:g}")
    audio = audio.float()
    tuning = tuning_of(audio, sample_rate, f0_hz)
    straight = audio if tuning.is_steady else straightened(audio, sample_rate, tuning.wander)
    steady = _steady_tracks(straight, sample_rate, tuning.f0_hz)
    n_frames = min(steady.n_frames, len(tuning.wander))
    tracks = steady.map(lambda x: x[:n_frames] if len(x) == steady.n_frames else x)
    tracks = replace(tracks, f0_hz=tuning.f0_hz * (1 + tuning.wander[:n_frames]))
    return replace(tracks, transient_db=burst_db(audio, sample_rate, tracks)) if burst else tracks


def _steady_tracks(audio: Float[Tensor, " time"], sample_rate: int, f0_hz: float) -> Tracks:
    """Tracks of a note whose pitch does not wander."""
    n_partials = max(1, min(int(_HIGHEST * sample_rate / f0_hz), MOST_HARMONICS))
    offset = partial_offsets(audio, sample_rate, f0_hz, n_partials)
    partials_hz = (torch.arange(1, n_partials + 1) + offset) * f0_hz
    short_s = max(_SHORT_PERIODS / f0_hz, _SHORTEST_S)
    long_s = min(max(_LONG_PERIODS / f0_hz, _LONG_S), max(_LONGEST_S, 2 * _SHORT_PERIODS / f0_hz))
    density = noise_density(audio, sample_rate, partials_hz, f0_hz, long_s)
    bands = Bands(sample_rate)
    around = density @ bands.shares(partials_hz)
    short, long = (
        _partial_power(audio, sample_rate, partials_hz, window_s) for window_s in (short_s, long_s)
    )
    moving = _moving(short, round(long_s * FRAME_RATE / 2) + 1)[:, None]
    power = torch.lerp(
        _less_noise(long, around, long_s), _less_noise(short, around, short_s), moving
    )
    blank = silence(frames=len(power), harmonics=n_partials, bands=bands.n_bands)
    return replace(
        blank,
        f0_hz=torch.full((len(power),), f0_hz),
        harmonic_db=_level_db(power),
        offset=offset,
        noise_db=_level_db(density * bands.widths_hz()),
    )


def _partial_power(
    audio: Tensor, sample_rate: int, partials_hz: Float[Tensor, " partials"], window_s: float
) -> Float[Tensor, "frames partials"]:
    """Squared amplitudes through one window, as a note that begins at 0 s has them."""
    heard = demodulate(audio, sample_rate, partials_hz, window_s, FRAME_RATE)
    return (heard.abs() / share_heard(len(heard), window_s, FRAME_RATE)[:, None]).square()


def _less_noise(power: Tensor, density: Tensor, window_s: float) -> Tensor:
    """A partial's power without the noise that the window lets through: 3 / T of its density."""
    return (power - _NOISE_TAKEN_OFF * _NOISE_IN_WINDOW / window_s * density).clamp_min(0)


def _moving(power: Float[Tensor, "frames partials"], reach: int) -> Float[Tensor, " frames"]:
    """0 where the level is steady over the long window, 1 where it moves by 6 dB or more."""
    level_db = power_to_db(power.sum(1) + 1e-12)[None]
    pooled = torch.nn.functional.pad(level_db, (reach, reach), mode="replicate")
    highest = torch.nn.functional.max_pool1d(pooled, 2 * reach + 1, 1)
    lowest = -torch.nn.functional.max_pool1d(-pooled, 2 * reach + 1, 1)
    return ((highest - lowest)[0] - _STEADY_DB).div(_MOVING_DB - _STEADY_DB).clamp(0, 1)


def _level_db(power: Tensor) -> Tensor:
    return power_to_db(power + 1e-20).clamp_min(SILENT_DB)
