"""Audio of a mel spectrogram whose pitch is known: harmonics where they must be, noise for the rest.

A mel band's power is what the harmonics' main lobes put into it, plus noise:

    P[b] = sum over k of (a_k^2 + noise) ...

so the levels follow from a small non-negative problem per frame, and the pitch is exact.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numba
import numpy as np
import torch

from timbrel.dsp.mel_lines import mel_lines
from timbrel.dsp.oscillators import harmonic_bank
from timbrel.dsp.stft import istft

N_HARMONICS = 240


def pitched(power, scale, f0_hz, *, length=None, generator=None):
    """Audio of mel powers whose fundamental is known."""
    *batch, n_mels, n_frames = power.shape
    length = scale.hop_length * (n_frames - 1) if length is None else length
    flat = power.reshape(-1, n_mels, n_frames)
    f0 = f0_hz.reshape(-1, n_frames)
    amplitude, noise = split(flat, f0, scale)
    starts = torch.rand(N_HARMONICS, generator=torch.Generator().manual_seed(1))[
        : amplitude.shape[-1]
    ]
    tones = harmonic_bank(
        f0, amplitude, scale.sample_rate, scale.hop_length, start=starts, length=length
    )
    hiss = shaped_noise(noise, scale, length, generator)
    return (tones + hiss).reshape(*batch, length)


def split(power, f0_hz, scale, n_updates=12):
    lowest = float(f0_hz[f0_hz > 0].min())
    n_harmonics = min(N_HARMONICS, int(scale.maximum_hz * 1.02 / lowest))
    table = _table(scale)
    P = power.transpose(1, 2).contiguous().numpy()
    amplitude = np.zeros((*P.shape[:2], n_harmonics), np.float32)
    noise = np.zeros_like(P)
    for i in range(len(P)):
        _solve(
            P[i],
            f0_hz[i].contiguous().numpy() / scale.bin_hz,
            table,
            n_updates,
            amplitude[i],
            noise[i],
        )
    return torch.from_numpy(amplitude), torch.from_numpy(noise).transpose(1, 2)


@lru_cache
def _table(scale):
    f = torch.arange(scale.n_fft // 2 * 8 + 1) / 8 * scale.bin_hz
    return mel_lines(f, scale).numpy()


@numba.njit(cache=True, fastmath=True)
def _solve(P, place, table, n_updates, amplitude, noise):
    n_frames, n_mels = P.shape
    n_h = amplitude.shape[1]
    width = 12
    L = np.zeros((n_h, width), np.float32)
    first = np.zeros(n_h, np.int64)
    total = np.zeros(n_h, np.float32)
    a = np.zeros(n_h, np.float32)
    V = np.zeros(n_mels, np.float32)
    R = np.zeros(n_mels, np.float32)
    comb = np.zeros(n_mels, np.float32)
    last = -1.0
    fit = 0
    for t in range(n_frames):
        if not place[t] > 0:
            noise[t] = P[t]
            continue
        if place[t] != last:
            last = place[t]
            comb[:] = 0
            fit = 0
            for k in range(n_h):
                x = (k + 1) * place[t] * 8
                i = int(x)
                if i + 1 >= len(table):
                    break
                w = np.float32(x - i)
                lo = -1
                total[k] = 0
                L[k] = 0
                for b in range(n_mels):
                    v = table[i, b] * (1 - w) + table[i + 1, b] * w
                    if v > 0 and lo < 0:
                        lo = b
                    if lo >= 0:
                        if b - lo >= width:
                            break
                        L[k, b - lo] = v
                        total[k] += v
                        comb[b] += v
                if lo < 0:
                    break
                first[k] = min(lo, n_mels - width)
                if first[k] != lo:
                    shift = lo - first[k]
                    for j in range(width - 1, -1, -1):
                        L[k, j] = L[k, j - shift] if j >= shift else 0
                fit = k + 1
        top = P[t].max()
        if top <= 0:
            continue
        floor = top * np.float32(1e-10)
        for k in range(fit):
            s = np.float32(0)
            for j in range(width):
                b = first[k] + j
                if L[k, j] > 0:
                    s += L[k, j] * P[t, b] / comb[b]
            a[k] = s / total[k]
        for b in range(n_mels):
            noise[t, b] = P[t, b] * np.float32(0.01) + floor
        for u in range(n_updates):
            for b in range(n_mels):
                V[b] = noise[t, b]
            for k in range(fit):
                for j in range(width):
                    V[first[k] + j] += a[k] * L[k, j]
            for b in range(n_mels):
                R[b] = P[t, b] / V[b]
            for k in range(fit):
                s = np.float32(0)
                for j in range(width):
                    s += L[k, j] * R[first[k] + j]
                a[k] *= s / total[k]
            for b in range(n_mels):
                noise[t, b] *= R[b]
        for k in range(fit):
            amplitude[t, k] = np.sqrt(a[k])


def shaped_noise(noise, scale, length, generator=None):
    bank = scale.filterbank()
    spread = (bank / bank.sum(0).clamp_min(1e-9)).T / bank.sum(1)
    level = (spread @ noise).clamp_min(0).sqrt() * math.sqrt(2.0)
    g = torch.randn(*level.shape, 2, generator=generator)
    return istft(torch.view_as_complex(g) * level, scale.hop_length, length)
