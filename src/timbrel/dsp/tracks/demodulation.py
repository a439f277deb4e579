"""The course of partials whose frequencies are known.

A Hann window T long turns a steady sine into a lobe that reaches 2 / T to either side and touches
zero at every further multiple of 1 / T. Over N periods of f0 those zeros fall on the neighbouring
harmonics for any whole N >= 2: three periods are enough to hear one harmonic alone, where peaks in
a spectrum would ask for ten. So attacks stay sharp, and all partials of a frame are one product of
matrices.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Complex, Float
from torch import Tensor


def demodulate(
    audio: Float[Tensor, " time"],
    sample_rate: int,
    frequency_hz: Float[Tensor, " partials"],
    window_s: float,
    frame_rate: float,
) -> Complex[Tensor, "frames partials"]:
    """Complex amplitude of each partial around each frame: the modulus is a sine's amplitude.

    The angle is the phase at the frame, as of a cosine. Beyond the ends there is silence.

    Args:
        audio: any sound.
        sample_rate: in Hz.
        frequency_hz: of the partials, steady over the whole sound.
        window_s: length of the Hann window.
        frame_rate: frames per second; frame t is centred on t / frame_rate.

    >>> tone = torch.cos(2 * torch.pi * 440 * torch.arange(16000) / 16000)
    >>> demodulate(tone, 16000, torch.tensor([440.0]), 0.02, 100.0)[50].abs()
    tensor([1.0000])
    """
    half = max(1, math.ceil(window_s * sample_rate / 2))
    around_s = torch.arange(-half, half + 1, dtype=torch.float64) / sample_rate
    # Exactly as long as said and not a whole number of samples: or its zeros miss the neighbours.
    window = 0.5 + 0.5 * (2 * math.pi * (around_s / window_s).clamp(-0.5, 0.5)).cos()
    turn = 2 * math.pi * around_s[:, None] * frequency_hz.double()
    kernel = torch.cat([turn.cos(), -turn.sin()], 1) * (2 * window / window.sum())[:, None]
    frames = frames_around(audio, sample_rate, half, frame_rate)
    real, imaginary = (frames @ kernel.float()).chunk(2, -1)
    return torch.complex(real, imaginary)


def frames_around(
    audio: Float[Tensor, " time"], sample_rate: int, half: int, frame_rate: float
) -> Float[Tensor, "frames window"]:
    """`half` samples to either side of each frame and the one it stands on.

    >>> frames_around(torch.arange(5.0), 2, 1, 1.0)
    tensor([[0., 0., 1.],
            [1., 2., 3.],
            [3., 4., 0.]])
    """
    padded = torch.nn.functional.pad(audio, (half, half))
    windows = padded.unfold(0, 2 * half + 1, 1)
    hop = sample_rate / frame_rate
    if hop == round(hop):
        return windows[:: round(hop)]
    places = torch.arange(math.floor((len(audio) - 1) / hop) + 1) * hop
    return windows[places.round().long()]


def share_heard(n_frames: int, window_s: float, frame_rate: float) -> Float[Tensor, " frames"]:
    """Share of each frame's window, by weight, that lies after 0 s: 1/2 in the first frame.

    What begins at 0 s with full strength is measured that much too weak.

    >>> share_heard(3, 0.01, 400.0)
    tensor([0.5000, 0.9092, 1.0000])
    """
    place = (torch.arange(n_frames) / frame_rate / window_s + 0.5).clamp(max=1.0)
    return place - (2 * math.pi * place).sin() / (2 * math.pi)
