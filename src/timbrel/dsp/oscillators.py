"""A bank of harmonics: a compiled kernel, and the same sum as tensors to check it by.

    phase(n) = sum of f0 up to n, in cycles, wrapped in double precision
    audio(n) = sum over k of a_k(n) sin(2 pi (k phase(n) + start_k))

Single precision loses a phase that runs on for seconds (an error of 2.5e-3 after four); wrapping
it in double precision keeps 5e-6. Harmonics at or above Nyquist are silent.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.compiling import kernel, part


def harmonic_bank(
    f0_hz: Float[Tensor, "*batch frames"],
    amplitude: Float[Tensor, "*batch frames harmonics"],
    sample_rate: int,
    hop_length: int,
    *,
    start: Float[Tensor, "*#batch harmonics"] | None = None,
    length: int | None = None,
) -> Float[Tensor, "*batch time"]:
    """The sum of the harmonics of `f0_hz`, both curves linear between frames.

    Frame t stands at sample t * hop_length; after the last frame its values hold on. On one core
    a harmonic costs about 0.2 ns a sample; gradients do not pass.

    Args:
        f0_hz: fundamental; where it is 0 or less nothing sounds.
        amplitude: of harmonic 1, 2, ...
        sample_rate: in Hz.
        hop_length: samples between frames.
        start: phase of each harmonic at sample 0, in cycles; 0 by default (sines).
        length: samples to return; by default hop_length * (frames - 1).

    >>> tone = harmonic_bank(torch.full((9,), 1000.0), torch.ones(9, 1), 8000, 100)
    >>> tone[:3]
    tensor([0.0000, 0.7071, 1.0000])
    """
    *batch, n_frames, _ = amplitude.shape
    length = hop_length * (n_frames - 1) if length is None else length
    f0, levels, phases = (
        x.detach().cpu().contiguous().numpy()
        for x in _prepared(f0_hz, amplitude, sample_rate, start)
    )
    audio = np.zeros((len(f0), length), np.float32)
    for row in range(len(f0)):
        _bank(f0[row] / sample_rate, levels[row], phases[row], hop_length, audio[row])
    return torch.from_numpy(audio).reshape(*batch, length).to(amplitude)


def harmonic_bank_by_definition(
    f0_hz: Float[Tensor, "*batch frames"],
    amplitude: Float[Tensor, "*batch frames harmonics"],
    sample_rate: int,
    hop_length: int,
    *,
    start: Float[Tensor, "*#batch harmonics"] | None = None,
    length: int | None = None,
) -> Float[Tensor, "*batch time"]:
    """What `harmonic_bank` computes, written as its formula: slow, and hungry for memory."""
    *batch, n_frames, n_harmonics = amplitude.shape
    length = hop_length * (n_frames - 1) if length is None else length
    f0, levels, phases = _prepared(f0_hz, amplitude, sample_rate, start)
    place = torch.arange(length, dtype=torch.float64) / hop_length
    left = place.floor().long().clamp(max=n_frames - 1)
    right, share = (left + 1).clamp(max=n_frames - 1), place - left
    f0_curve = torch.lerp(f0[:, left], f0[:, right], share)
    phase = torch.cumsum(f0_curve / sample_rate, 1) - f0_curve / sample_rate
    order = torch.arange(1, n_harmonics + 1, dtype=torch.float64)
    turn = (phase[:, :, None] * order + phases[:, None]) % 1.0
    level = torch.lerp(levels[:, left].double(), levels[:, right].double(), share[:, None])
    level = level * (order * torch.maximum(f0[:, left], f0[:, right])[..., None] < sample_rate / 2)
    return (level * (turn * 2 * math.pi).sin()).sum(-1).reshape(*batch, length).to(amplitude)


def _prepared(
    f0_hz: Tensor, amplitude: Tensor, sample_rate: int, start: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Flat f0 in double precision, levels without what cannot sound, phases of every row."""
    *batch, n_frames, n_harmonics = amplitude.shape
    rows = math.prod(batch)
    f0 = f0_hz.double().nan_to_num(0.0).clamp_min(0.0).reshape(rows, n_frames)
    order = torch.arange(1, n_harmonics + 1, device=f0.device)
    sounds = (f0[..., None] > 0) & (f0[..., None] * order < sample_rate / 2)
    levels = amplitude.float().reshape(rows, n_frames, n_harmonics) * sounds
    if start is None:
        start = torch.zeros(n_harmonics, device=f0.device)
    phases = start.double().expand(*batch, n_harmonics).reshape(rows, n_harmonics)
    return f0, levels, phases


@kernel(allocates=True, fastmath=True)
def _bank(f0, levels, starts, hop_length, audio):
    """One note, hop by hop; f0 in cycles per sample."""
    n_frames, n_harmonics = levels.shape
    first = np.empty((2, hop_length), np.float32)
    running = np.empty((2, hop_length), np.float32)
    phase = 0.0
    for begin in range(0, len(audio), hop_length):
        left = min(begin // hop_length, n_frames - 1)
        right = min(left + 1, n_frames - 1)
        piece = audio[begin : begin + hop_length]
        phase = _fill_first(first, phase, f0[left], f0[right])
        running[0], running[1] = 1.0, 0.0
        highest, fit = max(f0[left], f0[right]), 0
        for k in range(n_harmonics):
            if (k + 1) * highest < 0.5 and (levels[left, k] > 0 or levels[right, k] > 0):
                fit = k + 1
        for k in range(fit):
            _add_harmonic(piece, first, running, levels[left, k], levels[right, k], starts[k])


@part(allocates=True, fastmath=True)
def _fill_first(first, phase, f0_left, f0_right):
    """Cosine and sine of the fundamental over one hop; the phase in cycles at its end."""
    hop_length = first.shape[1]
    slope = (f0_right - f0_left) / hop_length
    turn = 2 * np.pi * phase
    re, im = np.cos(turn), np.sin(turn)
    step_re, step_im = np.cos(2 * np.pi * f0_left), np.sin(2 * np.pi * f0_left)
    for n in range(hop_length):
        if slope == 0:
            # turning on costs a tenth of a sine; in double precision, and for one hop only
            first[0, n], first[1, n] = re, im
            re, im = re * step_re - im * step_im, re * step_im + im * step_re
        else:
            turn = 2 * np.pi * (phase + n * f0_left + 0.5 * n * (n - 1) * slope)
            first[0, n], first[1, n] = np.cos(turn), np.sin(turn)
    phase += hop_length * f0_left + 0.5 * hop_length * (hop_length - 1) * slope
    return phase - np.floor(phase)


@part(allocates=True, fastmath=True)
def _add_harmonic(audio, first, running, left, right, start):
    """Turns `running` from harmonic k to k + 1 and adds that to `audio`.

    exp(i (k + 1) theta) = exp(i k theta) exp(i theta) for all samples of the hop at once: sine and
    cosine are computed for the fundamental alone, and the loop vectorises.
    """
    turn = 2 * np.pi * (start - np.floor(start))
    cosine, sine = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    level, grow = np.float32(left), np.float32((right - left) / first.shape[1])
    for n in range(len(audio)):
        re = running[0, n] * first[0, n] - running[1, n] * first[1, n]
        im = running[0, n] * first[1, n] + running[1, n] * first[0, n]
        running[0, n], running[1, n] = re, im
        audio[n] += (level + grow * np.float32(n)) * (cosine * im + sine * re)
