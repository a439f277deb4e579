"""Phases from magnitudes alone, in one pass: phase gradient heap integration.

For a Gaussian window the phase's slope along time is the slope of the log-magnitude along
frequency, and the other way round (Cauchy-Riemann). Integrating these slopes from the loudest cell
outwards, loudest neighbours first, gives every cell a phase before errors can build up (Prusa,
Balazs & Sondergaard 2017, "A Noniterative Method for Reconstruction of Phase from STFT Magnitude").
A Hann window comes close enough to the Gaussian of the same width.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.compiling import kernel, part
from timbrel.dsp.stft import istft

HANN_WIDTH = 0.25645
"""gamma / n_fft^2 of the Gaussian exp(-pi t^2 / gamma) nearest to a Hann window of n_fft."""


def pghi(
    magnitude: Float[Tensor, "*batch bins frames"],
    hop_length: int,
    *,
    length: int | None = None,
    tolerance: float = 1e-5,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "*batch time"]:
    """Audio with these STFT magnitudes and the phases that they imply.

    Args:
        magnitude: of STFT bins.
        hop_length: samples between frames.
        length: samples to return; by default hop_length * (frames - 1).
        tolerance: cells below this share of the loudest get a random phase.
        generator: of those phases; by default the same every time.

    >>> pghi(torch.rand(513, 9), 256).shape
    torch.Size([2048])
    """
    if length is None:
        length = hop_length * (magnitude.shape[-1] - 1)
    phase = pghi_phase(magnitude, hop_length, tolerance=tolerance, generator=generator)
    return istft(torch.polar(magnitude, phase), hop_length, length)


def pghi_phase(
    magnitude: Float[Tensor, "*batch bins frames"],
    hop_length: int,
    *,
    tolerance: float = 1e-5,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "*batch bins frames"]:
    """The phases that STFT magnitudes imply, as `stft` would measure them.

    >>> pghi_phase(torch.rand(513, 9), 256).shape
    torch.Size([513, 9])
    """
    flat = magnitude.detach().cpu().float().reshape(-1, *magnitude.shape[-2:]).transpose(1, 2)
    shape = flat.shape if generator else flat.shape[1:]
    turn = torch.rand(shape, generator=generator or torch.Generator().manual_seed(0))
    phase = (turn * (2 * math.pi)).expand_as(flat).contiguous().numpy()
    for row, spectrum in zip(phase, flat.contiguous().numpy(), strict=True):
        along_time, along_frequency = phase_slopes(spectrum, hop_length)
        floor = tolerance * float(spectrum.max())
        _integrate(spectrum, along_time, along_frequency, floor, row)
    # frames are measured from their first sample, the slopes from their centre: half a frame late
    phase[..., 1::2] += math.pi
    return torch.from_numpy(phase).transpose(1, 2).reshape(magnitude.shape).to(magnitude)


def phase_slopes(spectrum: np.ndarray, hop_length: int) -> tuple[np.ndarray, np.ndarray]:
    """Radians per frame and radians per bin, both [frames bins], of magnitudes [frames bins]."""
    n_bins = spectrum.shape[1]
    n_fft = 2 * (n_bins - 1)
    log = np.log(np.maximum(spectrum, 1e-7 * spectrum.max() + 1e-30))
    ratio = HANN_WIDTH * n_fft / hop_length
    along_time = _central(log, 1) / ratio
    along_time += (2 * math.pi * hop_length / n_fft) * np.arange(n_bins, dtype=np.float32)
    return along_time, _central(log, 0) * -ratio


def _central(log: np.ndarray, axis: int) -> np.ndarray:
    """Central differences, one-sided at the ends."""
    return np.gradient(log, axis=axis) if log.shape[axis] > 1 else np.zeros_like(log)


@kernel(allocates=True)
def _integrate(spectrum, along_time, along_frequency, floor, phase):
    """Fills `phase` wherever `spectrum` is above the floor; all arrays [frames bins]."""
    n_frames, n_bins = spectrum.shape
    level = spectrum.ravel()
    done = level <= floor
    order = np.argsort(-level)
    heap = np.empty(level.size + 1, np.int32)
    flat_phase = phase.ravel()
    time_slope, frequency_slope = along_time.ravel(), along_frequency.ravel()
    for seed in order:
        if level[seed] <= floor:
            break
        if done[seed]:
            continue
        done[seed] = True
        flat_phase[seed] = 0.0
        size = _push(heap, 0, level, seed)
        while size:
            here = heap[0]
            size = _pop(heap, size, level)
            frame, bin_ = here // n_bins, here % n_bins
            for side in range(4):
                ahead = side % 2 == 0
                place, count = (frame, n_frames) if side < 2 else (bin_, n_bins)
                if (ahead and place + 1 == count) or (not ahead and place == 0):
                    continue
                slope = time_slope if side < 2 else frequency_slope
                stride = (n_bins if side < 2 else 1) * (1 if ahead else -1)
                there = here + stride
                if done[there]:
                    continue
                done[there] = True
                step = 0.5 * (slope[here] + slope[there]) * (1.0 if ahead else -1.0)
                flat_phase[there] = (flat_phase[here] + step) % (2 * np.pi)
                size = _push(heap, size, level, there)


@part(allocates=True, inline="always")
def _push(heap, size, level, cell):
    place = size
    while place > 0:
        parent = (place - 1) // 2
        if level[heap[parent]] >= level[cell]:
            break
        heap[place] = heap[parent]
        place = parent
    heap[place] = cell
    return size + 1


@part(allocates=True, inline="always")
def _pop(heap, size, level):
    size -= 1
    cell = heap[size]
    place = 0
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size and level[heap[child + 1]] > level[heap[child]]:
            child += 1
        if level[heap[child]] <= level[cell]:
            break
        heap[place] = heap[child]
        place = child
    heap[place] = cell
    return size
