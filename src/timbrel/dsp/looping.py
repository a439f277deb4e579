r"""How a recorded note can be held for as long as a key is down, and how it ends.

What a sampler needs to know of a note: a loop that nobody hears, how fast it dies away while it
is held, and the shape of its release.

    level |/\__________________
          |   begin          end\__       end joins begin, where the wave looks most alike
          +-----|=============|---+--> time
                 flattened: the decay, if any, is applied again when it is played
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Float64
from scipy.signal import correlate

from timbrel.dsp.sampler import RELEASE_RATE, TAPS, Looped
from timbrel.units import db_to_amplitude

_FADE_S = 0.12
_OVER_DB = -60.0
_STEADY_DB_PER_S = 1.0
_LEVEL_S = 0.05
_SHORTEST_RELEASE_S = 0.02
_RELEASE_UNKNOWN_S = 0.08


def make_looped(audio: Float32[np.ndarray, " time"], held: int, sample_rate: int) -> Looped:
    """A note made ready to be held and let go at any time.

    Args:
        audio: the note with its release.
        held: samples until the key went up.
        sample_rate: in Hz.

    >>> tone = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000).astype(np.float32)
    >>> looped = make_looped(tone, 16000, 16000)
    >>> begin, end = looped.loop
    >>> round((end - begin) * 440 / 16000, 2) % 1.0, looped.decay
    (0.0, 0.0)
    """
    held = min(held, len(audio))
    level = _levels(audio[:held], max(1, round(_LEVEL_S * sample_rate)))
    release = _release(audio, held, sample_rate)
    if len(level) < 8 or level[-1] <= level.max() * db_to_amplitude(_OVER_DB):
        return Looped(audio[:held].copy(), (0.0, 0.0), 0.0, release)
    decay = _decay(level) / sample_rate
    return Looped(*_loop(audio[:held], decay, round(_FADE_S * sample_rate)), decay, release)


def _levels(audio: Float32[np.ndarray, " time"], size: int) -> Float64[np.ndarray, " frames"]:
    frames = audio[len(audio) % size :].reshape(-1, size)
    return np.sqrt(np.square(frames, dtype=np.float64).mean(1))


def _decay(level: Float64[np.ndarray, " frames"]) -> float:
    """Nepers a second at which the second half dies away; 0 for what stays or grows."""
    half = np.log(np.maximum(level[len(level) // 2 :], 1e-9))
    slope = np.polyfit(np.arange(len(half)) * _LEVEL_S, half, 1)[0]
    return float(slope) if slope < -_STEADY_DB_PER_S * np.log(10) / 20 else 0.0


def _loop(
    audio: Float32[np.ndarray, " time"], decay: float, fade: int
) -> tuple[Float32[np.ndarray, " _"], tuple[float, float]]:
    """The audio with its end faded into what lies before the place most like it."""
    end = len(audio)
    fade = min(fade, end // 8)
    flat = audio * np.exp(-decay * (np.arange(end) - end // 2))
    search = flat[end * 3 // 8 - fade : end * 5 // 8]
    pattern = flat[end - fade :]
    alike = correlate(search, pattern, "valid", method="fft")
    energy = np.cumsum(np.append(0.0, np.square(search, dtype=np.float64)))
    alike /= np.sqrt(np.maximum(energy[fade:] - energy[:-fade], 1e-12))
    begin = end * 3 // 8 + int(alike.argmax())
    before = flat[begin - fade : begin]
    likeness = float(alike.max()) / max(float(np.linalg.norm(pattern)), 1e-9)
    rising = np.linspace(0.0, 1.0, fade)
    # the power of the sum stays what it was, however alike the two are
    power = rising**2 + (1 - rising) ** 2 + 2 * rising * (1 - rising) * np.clip(likeness, 0, 1)
    scale = np.exp(decay * (begin - end // 2))
    flat[end - fade :] = (rising * before + (1 - rising) * pattern) / np.sqrt(power)
    held = np.concatenate([audio[:begin], flat[begin:] * scale, flat[begin : begin + TAPS] * scale])
    return held.astype(np.float32), (float(begin), float(end))


def _release(
    audio: Float32[np.ndarray, " time"], held: int, sample_rate: int
) -> Float64[np.ndarray, " points"]:
    """The level after the key is up as a share of that before, never rising again."""
    size = max(1, round(_LEVEL_S / 2 * sample_rate))
    power = np.cumsum(np.append(0.0, np.square(audio, dtype=np.float64)))
    start = max(held - 2 * size, 0)
    before = np.sqrt((power[held] - power[start]) / max(held - start, 1))
    if len(audio) == held or before < 1e-5:
        return np.linspace(1.0, 0.0, round(_RELEASE_UNKNOWN_S * RELEASE_RATE))
    n_points = int((len(audio) - held) / sample_rate * RELEASE_RATE) + 1
    middle = held + np.arange(1, n_points + 1) * sample_rate / RELEASE_RATE
    low, high = ((middle + shift).clip(0, len(audio)).astype(int) for shift in (-size, size))
    level = np.sqrt((power[high] - power[low]) / (2 * size)) / before
    falling = np.minimum.accumulate(np.append(1.0, level.clip(0, 1)))
    falling = falling[falling > 1e-3]
    least = round(_SHORTEST_RELEASE_S * RELEASE_RATE)
    return np.append(falling, np.zeros(max(1, least - len(falling))))
