"""What a sound is like, in figures that a musician would name: brightness, attack, decay, noise.

One figure a sound, batches welcome. Qualities ("bright", "percussive", "fast decay") and the
evaluation are built on them. None depends on level.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.stft import stft
from timbrel.units import amplitude_to_db, db_to_power

_N_FFT, _HOP_LENGTH = 1024, 256
_RMS_S, _RMS_STEP_S = 0.010, 0.002
_LOUD_DB = -40.0
_SPECTRUM_S = 0.064
_ATTACK_START, _ATTACK_TOP, _N_EFFORTS = 0.1, 0.9, 8
_MUCH_EFFORT, _SHORTEST_REST_S = 3.0, 0.05


def spectral_centroid_hz(
    audio: Float[Tensor, "*batch time"], sample_rate: int, *, highest_hz: float = math.inf
) -> Float[Tensor, "*batch"]:
    """Mean frequency of the magnitude spectrum over the sound: its brightness. 0 for silence.

    Frames weigh by their magnitude, so silence and tails say little.

    Args:
        audio: sounds.
        sample_rate: in Hz.
        highest_hz: what lies above is left out, so that sounds of several rates compare.

    >>> tone = torch.sin(torch.arange(16000) * (2 * torch.pi * 1000 / 16000))
    >>> round(spectral_centroid_hz(tone, 16000).item(), -2)
    1000.0
    """
    n_fft = 2 ** round(math.log2(_SPECTRUM_S * sample_rate))
    magnitude = _total_magnitude(audio, n_fft)
    frequency_hz = torch.arange(magnitude.shape[-1]).to(audio) * (sample_rate / n_fft)
    magnitude = magnitude * (frequency_hz <= highest_hz)
    return (magnitude @ frequency_hz) / magnitude.sum(-1).clamp_min(1e-12)


def _total_magnitude(
    audio: Float[Tensor, "*batch time"], n_fft: int
) -> Float[Tensor, "*batch bins"]:
    """The magnitude spectrum, summed over frames a quarter of a window apart.

    Sound by sound: the spectra of one fit into a core's cache, those of a batch take twice as long.
    """
    sounds = audio.reshape(-1, audio.shape[-1])
    total = audio.new_empty(len(sounds), n_fft // 2 + 1)
    for i, sound in enumerate(sounds):
        total[i] = stft(sound, n_fft, n_fft // 4).abs().sum(-1)
    return total.reshape(*audio.shape[:-1], n_fft // 2 + 1)


def spectral_flatness(audio: Float[Tensor, "*batch time"]) -> Float[Tensor, "*batch"]:
    """Geometric over arithmetic mean of the power spectrum, mean over loud frames.

    Near 0 for a tone, about 0.56 for white noise (e^-gamma, as its bins' powers are exponentially
    distributed), 0 for silence.

    >>> round(spectral_flatness(torch.randn(160000, generator=torch.manual_seed(0))).item(), 2)
    0.56
    """
    power = stft(audio, _N_FFT, _HOP_LENGTH).abs().square().clamp_min(1e-20)
    flatness = power.log().mean(-2).exp() / power.mean(-2)
    level = power.sum(-2)
    loud = (level > level.amax(-1, keepdim=True) * db_to_power(_LOUD_DB)) & (level > 1e-10)
    return (flatness * loud).sum(-1) / loud.sum(-1).clamp_min(1)


def rms_envelope(
    audio: Float[Tensor, "*batch time"],
    sample_rate: int,
    *,
    window_s: float = _RMS_S,
    step_s: float = _RMS_STEP_S,
) -> Float[Tensor, "*batch frames"]:
    """Root mean square in windows centred on every step.

    >>> rms_envelope(torch.ones(16000), 16000)[100:103]
    tensor([1., 1., 1.])
    """
    window, step = max(1, round(window_s * sample_rate)), max(1, round(step_s * sample_rate))
    padded = torch.nn.functional.pad(audio.square(), (window // 2, window - window // 2))
    return padded.unfold(-1, window, step).mean(-1).sqrt()


def attack_s(audio: Float[Tensor, "*batch time"], sample_rate: int) -> Float[Tensor, "*batch"]:
    """Seconds in which the level rises from 10 % of its maximum to where it is sustained.

    That is 90 % of the maximum, unless the note rests below on its way and swells later: the
    attack ends at the threshold that takes much longer than the others to pass. So with thresholds
    of 10, 20 ... 90 % Peeters et al. find it, by the "weakest effort" (The Timbre Toolbox, JASA
    130(5), 2011, sec. II C; "effort" is the time from one threshold to the next, much is 3 times
    the mean). Ours also wants a rest to last 50 ms, because the waves of a low note are none.

    The rise that leads to the first 90 % counts, from the last time before it that the level was
    under 10 %. A 10 ms window measures the level: no attack is shorter than about 6 ms.

    >>> seconds = torch.arange(32000) / 16000
    >>> ramp = (seconds / 0.5).clamp(max=1)
    >>> round(attack_s(ramp, 16000).item(), 2)
    0.4
    >>> swelling = 0.75 * (seconds / 0.1).clamp(max=1) + 0.25 * (seconds - 1).clamp(min=0)
    >>> round(attack_s(swelling, 16000).item(), 2)
    0.08
    """
    envelope = rms_envelope(audio, sample_rate)
    relative = envelope / envelope.amax(-1, keepdim=True).clamp_min(1e-20)
    place = torch.arange(envelope.shape[-1], device=audio.device)
    top = (relative >= _ATTACK_TOP).int().argmax(-1, keepdim=True)
    start = torch.where((relative < _ATTACK_START) & (place < top), place, 0).amax(-1, keepdim=True)
    thresholds = torch.linspace(_ATTACK_START, _ATTACK_TOP, _N_EFFORTS + 1).to(relative)[1:, None]
    passed = (relative[..., None, :] >= thresholds) & (place >= start[..., None])
    times = torch.cat([start, passed.int().argmax(-1)], dim=-1) * _steps_s(sample_rate)
    efforts = times.diff(dim=-1)
    most = (_MUCH_EFFORT * efforts.mean(-1, keepdim=True)).clamp_min(_SHORTEST_REST_S)
    last = (efforts <= most).int().cumprod(-1).sum(-1, keepdim=True)
    return (times.gather(-1, last) - times[..., :1])[..., 0]


def decay_db_per_s(
    audio: Float[Tensor, "*batch time"], sample_rate: int, *, held_s: float | None = None
) -> Float[Tensor, "*batch"]:
    """How fast the level falls after its peak while the key is held, in dB per second.

    A straight line through the level from the peak to key up, or to 40 dB under the peak if that
    comes first; 0 for a level that stays or rises, and where less than 50 ms are left to look at.

    Args:
        audio: notes.
        sample_rate: in Hz.
        held_s: when the key comes up; by default at the end of the audio.

    >>> seconds = torch.arange(32000) / 16000
    >>> round(decay_db_per_s(10 ** (-seconds * 12 / 20), 16000).item(), 1)
    12.0
    """
    envelope = rms_envelope(audio, sample_rate)
    level_db = amplitude_to_db(envelope.clamp_min(1e-9))
    peak_db, peak = level_db.max(-1, keepdim=True)
    time_s = torch.arange(level_db.shape[-1]).to(audio) * _steps_s(sample_rate)
    end_s = audio.shape[-1] / sample_rate if held_s is None else held_s
    after = (time_s >= time_s[peak] + _RMS_S) & (time_s <= end_s - _RMS_S)
    fallen = ((level_db < peak_db + _LOUD_DB) & after).int().cumsum(-1) > 0
    weight = (after & ~fallen).to(audio)
    count = weight.sum(-1).clamp_min(1)
    centred_s = time_s - ((weight * time_s).sum(-1) / count)[..., None]
    slope = (weight * centred_s * level_db).sum(-1) / (weight * centred_s.square()).sum(
        -1
    ).clamp_min(1e-9)
    return torch.where(count * _RMS_STEP_S >= 0.05, (-slope).clamp_min(0), 0.0)


def _steps_s(sample_rate: int) -> float:
    """Between two values of the default envelope."""
    return round(_RMS_STEP_S * sample_rate) / sample_rate
