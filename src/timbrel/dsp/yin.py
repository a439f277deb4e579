"""YIN: the period of a sound as the smallest lag at which it is nearly itself again.

de Cheveigné and Kawahara 2002, "YIN, a fundamental frequency estimator for speech and music",
JASA 111(4): its steps 1 to 5, all frames at once. Step 6, a second search around each estimate, is
left out: who asks for the pitch of a note takes the median over its frames.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

_FRAMES_AT_ONCE = 512
"""Bounds memory: 16 MB for each array of frames of 4096 samples."""


def yin(
    audio: Float[Tensor, "*batch time"],
    sample_rate: int,
    *,
    minimum_hz: float,
    maximum_hz: float,
    frame_length: int = 2048,
    hop_length: int = 256,
    threshold: float = 0.1,
) -> Float[Tensor, "*batch frames"]:
    """The fundamental in each frame, whether there is a pitch or not; frames are centred.

    Args:
        audio: of one melody each.
        sample_rate: in Hz.
        minimum_hz: lowest fundamental to look for; its period must be shorter than a frame.
        maximum_hz: highest.
        frame_length: samples that each estimate looks at.
        hop_length: samples from one estimate to the next.
        threshold: how much aperiodic power a period may leave, as a share; where every lag leaves
            more, the lag that leaves least is taken.

    >>> tone = torch.sin(torch.arange(16000) * (2 * torch.pi * 220 / 16000))
    >>> yin(tone, 16000, minimum_hz=40.0, maximum_hz=1000.0)[30:33]
    tensor([220.0, 220.0, 220.0])
    """
    shortest, longest = int(sample_rate / maximum_hz), math.ceil(sample_rate / minimum_hz)
    padded = torch.nn.functional.pad(audio.double(), (frame_length // 2, frame_length // 2))
    periods = []
    for frames in padded.unfold(-1, frame_length, hop_length).split(_FRAMES_AT_ONCE, dim=-2):
        difference = difference_function(frames, longest + 1)
        dip = _first_dip(cumulative_mean_normalised(difference), max(shortest, 1), threshold)
        periods.append(dip + _parabola(difference, dip))
    return (sample_rate / torch.cat(periods, dim=-1)).to(audio)


def difference_function(
    frames: Float[Tensor, "*batch time"], longest: int
) -> Float[Tensor, "*batch lags"]:
    """d(lag) = sum over j < W of (x[j] - x[j + lag])^2 for lags 0 to `longest` (eq. 6).

    W = time - longest, so every lag compares as many samples. Multiplied out it is (eq. 7)

        power of x[0 : W] + power of x[lag : lag + W] - 2 * correlation(lag)

    where the powers come from one running sum, and the correlations from a Fourier transform as
    long as the frame: W samples against the whole frame never wrap around.

    >>> difference_function(torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0, -1.0]), 3)
    tensor([ 0., 12., 0., 12.])
    """
    time = frames.shape[-1]
    window = time - longest
    running = torch.nn.functional.pad(frames.square().cumsum(-1), (1, 0))
    powers = running[..., window:] - running[..., : longest + 1]
    spectrum = torch.fft.rfft(frames) * torch.fft.rfft(frames[..., :window], time).conj()
    correlation = torch.fft.irfft(spectrum, time)[..., : longest + 1]
    return (powers[..., :1] + powers - 2 * correlation).clamp_min(0.0)


def cumulative_mean_normalised(
    difference: Float[Tensor, "*batch lags"],
) -> Float[Tensor, "*batch lags"]:
    """d(lag) over its mean for lags 1 to lag (eq. 8); 1 at lag 0, and all over silence.

    So lag 0, which always fits, is no dip, nor are the short lags near it.

    >>> cumulative_mean_normalised(torch.tensor([0.0, 1.0, 3.0, 0.0]))
    tensor([1.0, 1.0, 1.5, 0.0])
    """
    lag = torch.arange(1, difference.shape[-1]).to(difference)
    total = difference[..., 1:].cumsum(-1)
    normalised = torch.where(total > 0, difference[..., 1:] * lag / total, 1.0)
    return torch.nn.functional.pad(normalised, (1, 0), value=1.0)


def _first_dip(
    normalised: Float[Tensor, "*batch lags"], shortest: int, threshold: float
) -> Int[Tensor, "*batch"]:
    """The smallest lag that is a minimum below the threshold, or else the lag of the least value.

    The last lag is a neighbour only.
    """
    left, here, right = (normalised[..., shortest - 1 :][..., i:] for i in range(3))
    left, here = left[..., : right.shape[-1]], here[..., : right.shape[-1]]
    dips = (here < left) & (here <= right) & (here < threshold)
    first = torch.where(dips.any(-1), dips.int().argmax(-1), here.argmin(-1))
    return first + shortest


def _parabola(
    difference: Float[Tensor, "*batch lags"], lag: Int[Tensor, "*batch"]
) -> Float[Tensor, "*batch"]:
    """How far the minimum of the parabola through three neighbours lies from the middle one.

    It is fitted to d itself: the normalised function's slope would pull it aside (step 5).
    """
    left, here, right = (
        difference.gather(-1, (lag + i)[..., None])[..., 0] for i in (-1, 0, 1)
    )  # fmt: skip
    slope, curvature = (left - right) / 2, left - 2 * here + right
    return torch.where(slope.abs() < curvature, slope / curvature.clamp_min(1e-300), 0.0)
