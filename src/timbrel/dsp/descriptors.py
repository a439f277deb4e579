"""What a sound is like, in figures that a musician would name: brightness, attack, decay, noise.

One figure a sound, batches welcome. Qualities ("bright", "percussive", "fast decay") and the
evaluation are built on them. None depends on level.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.stft import stft

_N_FFT, _HOP_LENGTH = 1024, 256
_RMS_S, _RMS_STEP_S = 0.010, 0.002
_LOUD_DB = -40.0


def spectral_centroid_hz(
    audio: Float[Tensor, "*batch time"], sample_rate: int
) -> Float[Tensor, "*batch"]:
    """Mean frequency of the magnitude spectrum over the sound: its brightness. 0 for silence.

    Frames weigh by their magnitude, so silence and tails say little.

    >>> tone = torch.sin(torch.arange(16000) * (2 * torch.pi * 1000 / 16000))
    >>> round(spectral_centroid_hz(tone, 16000).item(), -2)
    1000.0
    """
    magnitude = stft(audio, _N_FFT, _HOP_LENGTH).abs()
    frequency_hz = torch.arange(magnitude.shape[-2]).to(audio) * (sample_rate / _N_FFT)
    total = magnitude.sum((-2, -1))
    return (magnitude.sum(-1) @ frequency_hz) / total.clamp_min(1e-12)


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
    loud = (level > level.amax(-1, keepdim=True) * 10 ** (_LOUD_DB / 10)) & (level > 1e-10)
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
    """Seconds in which the level rises from 10 to 90 % of its maximum.

    The rise that leads to the first 90 % counts, from the last time before it that the level was
    under 10 %. A 10 ms window measures the level: no attack is shorter than about 6 ms.

    >>> ramp = (torch.arange(16000) / 8000).clamp(max=1) * torch.ones(16000)
    >>> round(attack_s(ramp, 16000).item(), 2)
    0.4
    """
    envelope = rms_envelope(audio, sample_rate)
    peak = envelope.amax(-1, keepdim=True)
    place = torch.arange(envelope.shape[-1], device=audio.device)
    top = (envelope >= 0.9 * peak).int().argmax(-1, keepdim=True)
    low = torch.where((envelope < 0.1 * peak) & (place < top), place, -1).amax(-1)
    return (top[..., 0] - low.clamp_min(0)) * round(_RMS_STEP_S * sample_rate) / sample_rate


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
    level_db = 20 * envelope.clamp_min(1e-9).log10()
    peak_db, peak = level_db.max(-1, keepdim=True)
    time_s = torch.arange(level_db.shape[-1]).to(audio) * (
        round(_RMS_STEP_S * sample_rate) / sample_rate
    )
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
