"""How loud a sound is to the ear: A-weighted levels over time, and one figure in LUFS.

Both filter by second-order sections in double precision. The A curve's two poles at 12.2 kHz lie
above Nyquist at 16 kHz, where the bilinear transform is 26 dB off at 7.6 kHz; here the poles are
mapped exactly (matched z-transform) and one zero brings the top of the curve back in place, which
leaves 0.5 dB.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from scipy import signal
from torch import Tensor

from timbrel.errors import BadAudio
from timbrel.units import amplitude_to_db, db_to_power, power_to_db

SILENCE_DB = -120.0

_A_POLES_HZ = (20.598997, 20.598997, 107.65265, 737.86223, 12194.217, 12194.217)
_BLOCK_S, _BLOCK_STEP_S = 0.4, 0.1
_ABSOLUTE_GATE_LUFS, _RELATIVE_GATE_LU = -70.0, -10.0
_K_WEIGHTED_DB = -0.691
"""Undoes the K curve's gain at 1 kHz."""

_SURROUND_WEIGHT = 1.41


def a_weighted_db(
    audio: Float[Tensor, "*batch time"],
    sample_rate: int,
    *,
    hop_length: int = 256,
    win_length: int = 1024,
) -> Float[Tensor, "*batch frames"]:
    """A-weighted level in each frame, in dB; a sine of amplitude 1 at 1 kHz has -3.01 dB.

    Frames are centred on every `hop_length`-th sample and Hann-weighted, like `stft`'s.

    >>> a_weighted_db(torch.zeros(2, 16000), 16000)[0, :2]
    tensor([-120., -120.])
    """
    weighted = a_weighting(audio, sample_rate)
    window = torch.hann_window(win_length, dtype=torch.float64)
    half = win_length // 2
    power = torch.nn.functional.pad(weighted.double().square(), (half, half))
    frames = power.unfold(-1, win_length, hop_length) @ (window / window.sum())
    return power_to_db(frames.clamp_min(1e-20)).clamp_min(SILENCE_DB).to(audio)


def a_weighting(
    audio: Float[Tensor, "*batch time"], sample_rate: int
) -> Float[Tensor, "*batch time"]:
    """The sound through an A-weighting filter (IEC 61672-1), gain 1 at 1 kHz.

    >>> a_weighting(torch.randn(2, 100), 16000).shape
    torch.Size([2, 100])
    """
    filtered = signal.sosfilt(a_sections(sample_rate), audio.detach().cpu().double().numpy())
    return torch.from_numpy(filtered).to(audio)


def a_curve_db(frequency_hz: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """The A curve itself, 0 dB at 1 kHz: what a tone's level counts for (IEC 61672-1).

    >>> a_curve_db(torch.tensor([100.0, 1000.0, 10000.0])).round(decimals=1)
    tensor([-19.1,   0.0,  -2.5])
    """
    gain = _a_curve(frequency_hz.double().numpy()) / _a_curve(np.array([1000.0]))
    return amplitude_to_db(torch.from_numpy(gain).clamp_min(1e-30)).to(frequency_hz)


def lufs(audio: Float[Tensor, "*channels time"], sample_rate: int) -> float:
    """Integrated loudness in LUFS, gated, as ITU-R BS.1770-4 has it; -inf for silence.

    Args:
        audio: mono [time] or [channels time]; channels in the order L R C Ls Rs;
            any more count like L.
        sample_rate: in Hz.

    Raises:
        BadAudio: shorter than one block of 0.4 s.

    >>> tone = torch.sin(torch.arange(48000) * (2 * torch.pi * 997 / 48000))
    >>> round(lufs(tone, 48000), 2)
    -3.01
    """
    channels = audio.reshape(-1, audio.shape[-1]).detach().cpu().double().numpy()
    block, step = round(_BLOCK_S * sample_rate), round(_BLOCK_STEP_S * sample_rate)
    if channels.shape[1] < block:
        seconds = channels.shape[1] / sample_rate
        raise BadAudio(f"loudness needs {_BLOCK_S} s of audio, got {seconds:.2f} s")
    weighted = np.square(signal.sosfilt(_k_sections(sample_rate), channels))
    blocks = np.lib.stride_tricks.sliding_window_view(weighted, block, axis=1)[:, ::step]
    weight = np.ones(len(channels))
    weight[3:5] = _SURROUND_WEIGHT
    power = weight @ blocks.mean(-1)
    power = power[power > _of_lufs(_ABSOLUTE_GATE_LUFS)]
    if not len(power):
        return -math.inf
    gate = db_to_power(_RELATIVE_GATE_LU) * power.mean()
    return power_to_db(float(power[power > gate].mean())) + _K_WEIGHTED_DB


def _of_lufs(loudness_lufs: float) -> float:
    """Mean square, K-weighted, of sound that loud."""
    return db_to_power(loudness_lufs - _K_WEIGHTED_DB)


@lru_cache(maxsize=8)
def a_sections(sample_rate: int) -> np.ndarray:
    """The A curve as second-order sections, as scipy has them."""
    poles = np.exp(-2 * np.pi * np.array(_A_POLES_HZ) / sample_rate)
    top_hz, reference_hz = 0.45 * sample_rate, 1000.0
    at_dc = (1.0, 1.0, 1.0, 1.0)
    top, reference = (_gain(at_dc, poles, hz / sample_rate) for hz in (top_hz, reference_hz))
    curve = _a_curve(np.array([top_hz, reference_hz])).tolist()
    missing = curve[0] / curve[1] / (top / reference)
    zeros = (*at_dc, _mending_zero(top_hz / sample_rate, reference_hz / sample_rate, missing))
    return signal.zpk2sos(zeros, poles, 1 / _gain(zeros, poles, reference_hz / sample_rate))


def _mending_zero(top: float, reference: float, ratio: float) -> float:
    """The real zero whose gain at `top` is `ratio` times that at `reference` (cycles/sample).

    |e^iw - c|^2 = 1 - 2 c cos(w) + c^2 makes it a quadratic in c; of its two roots, which are
    each other's inverse, the smaller is the minimum-phase one.
    """
    square = ratio * ratio
    middle = math.cos(2 * math.pi * top) - square * math.cos(2 * math.pi * reference)
    roots = np.roots([1 - square, -2 * middle, 1 - square])
    return float(roots[np.abs(roots).argmin()].real)


def _gain(zeros: tuple[float, ...], poles: np.ndarray, cycles: float) -> float:
    """Of a filter at a frequency in cycles per sample."""
    z = np.exp(2j * np.pi * cycles)
    return float(np.abs(np.prod(z - np.array(zeros)) / np.prod(z - poles)))


def _a_curve(frequency_hz: np.ndarray) -> np.ndarray:
    """The analogue A curve, unscaled: four zeros at 0 Hz over its poles."""
    distances = np.hypot(frequency_hz[..., None], np.array(_A_POLES_HZ))
    return frequency_hz**4 / distances.prod(-1)


@lru_cache(maxsize=8)
def _k_sections(sample_rate: int) -> np.ndarray:
    """K weighting at any rate: the analogue filters behind the standard's 48 kHz coefficients."""
    return np.stack([_head_shelf(sample_rate), _high_pass(sample_rate)])


def _head_shelf(sample_rate: int) -> np.ndarray:
    """+4 dB from about 1.7 kHz up: what a head does to sound."""
    k = math.tan(math.pi * 1681.974450955533 / sample_rate)
    q, high = 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    middle = high**0.4996667741545416
    a0 = 1 + k / q + k * k
    return np.array([
        (high + middle * k / q + k * k) / a0, 2 * (k * k - high) / a0,
        (high - middle * k / q + k * k) / a0, 1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0,
    ])  # fmt: skip


def _high_pass(sample_rate: int) -> np.ndarray:
    """The ear's deafness below 38 Hz."""
    k = math.tan(math.pi * 38.13547087602444 / sample_rate)
    q = 0.5003270373238773
    a0 = 1 + k / q + k * k
    return np.array([1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0])
