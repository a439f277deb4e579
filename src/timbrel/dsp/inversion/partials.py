"""How loud each partial of a note is, read from its mel powers.

A sine of amplitude 1 at frequency f puts a known power `line(f)` into the bands around it, and the
powers of partials that lie apart add up. So every frame is a small non-negative problem,

    P[b]  ~  sum over partials of a_j^2 line(f_j)[b]  +  noise[b],

which multiplicative updates for the Kullback-Leibler divergence solve (Lee & Seung 2001). The noise
starts 40 dB under the mel: partials take what they can explain, noise what is left over. Begun
at -20 dB, the noise kept so much that the result was 1.1 dB further from the original.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from timbrel.dsp.compiling import kernel, part
from timbrel.dsp.mel import MelScale
from timbrel.dsp.mel_lines import mel_lines

POINTS_PER_BIN = 8

_N_UPDATES = 8
_NOISE_START = 1e-4
_STRAY_LEAST = 1e-4
_STRAY_GAP_BINS = 4.5
_MOST_STRAYS = 8
_SILENCE = 1e-12


@dataclass(frozen=True)
class Lines:
    """Mel powers of a sine of amplitude 1 at every eighth of an STFT bin, without the zeros.

    Attributes:
        weights: [points width], power in `width` neighbouring bands.
        first: [points], the lowest of these bands.
        gaps: [points], how many bins away from other partials a stray must be to be told apart.
    """

    weights: np.ndarray
    first: np.ndarray
    gaps: np.ndarray


@lru_cache(maxsize=8)
def lines_of(scale: MelScale) -> Lines:
    """The lines of a mel scale; of frequencies near its ends, which it hardly hears, none."""
    points = torch.arange(scale.n_fft // 2 * POINTS_PER_BIN + 1) / POINTS_PER_BIN
    dense = mel_lines(points * scale.bin_hz, scale).numpy()
    heard = mel_lines(scale.centres_hz()[-1:], scale).sum().item()
    # a level read from the foot of the last triangle would be a guess, and often a loud one
    dense[dense.sum(1) < 0.3 * heard] = 0
    dense[dense < 1e-3 * dense.max(1, keepdims=True)] = 0
    some = dense > 0
    lowest = np.where(some.any(1), some.argmax(1), 0)
    highest = np.where(some.any(1), scale.n_mels - 1 - some[:, ::-1].argmax(1), 0)
    width = int((highest - lowest).max()) + 1
    first = np.minimum(lowest, scale.n_mels - width)
    weights = np.take_along_axis(dense, first[:, None] + np.arange(width), 1)
    return Lines(np.ascontiguousarray(weights), first, _gaps(points.numpy(), scale))


def _gaps(points: np.ndarray, scale: MelScale) -> np.ndarray:
    """Two bands, or the reach of two main lobes: closer by, a pair would only beat."""
    centres = scale.centres_hz().double().numpy() / scale.bin_hz
    bands = np.interp(points, centres, np.gradient(centres))
    return np.maximum(_STRAY_GAP_BINS, 2 * bands)


def read_partials(
    power: np.ndarray, f0_bins: np.ndarray, ratios: np.ndarray, lines: Lines
) -> tuple[np.ndarray, np.ndarray]:
    """Amplitudes [frames partials] and the noise's mel power [frames mels] of one note.

    Args:
        power: mel power [frames mels].
        f0_bins: fundamental in STFT bins; where it is 0 all is noise.
        ratios: frequency of each partial over the fundamental.
        lines: of the mel scale.
    """
    amplitude = np.zeros((len(power), len(ratios)), np.float32)
    noise = power.copy()
    _solve(power, f0_bins, ratios, lines.weights, lines.first, amplitude, noise)
    return np.sqrt(amplitude), noise


def find_strays(noise: np.ndarray, power: np.ndarray, f0_bins: float, lines: Lines) -> np.ndarray:
    """Frequencies in bins of steady partials between the harmonics: bells, drawbars, a fifth.

    Looks in the mean over time of what the harmonics left over for bands that one line explains,
    the strongest first, like matching pursuit. A hump of noise is wider than a line and stays.

    Args:
        noise: mel power that harmonics did not explain, [frames mels].
        power: mel power of the whole note.
        f0_bins: its fundamental in STFT bins.
        lines: of the mel scale.
    """
    rest = noise.mean(0).astype(np.float64)
    least = _STRAY_LEAST * float(power.mean(0).sum())
    return _pursue(rest, lines.weights, lines.first, lines.gaps, f0_bins, least)


@part(allocates=True)
def _draw_lines(places, weights, first, drawn, drawn_first):
    """The lines of partials at places in bins, each between its two neighbouring points."""
    for j in range(len(places)):
        place = places[j] * POINTS_PER_BIN
        point = int(place)
        drawn[j] = 0
        drawn_first[j] = 0
        if point + 1 >= len(weights):
            continue
        share = np.float32(place - point)
        drawn_first[j] = low = min(first[point], first[point + 1])
        for side in range(2):
            part = share if side else np.float32(1) - share
            shift = first[point + side] - low
            for i in range(weights.shape[1]):
                if weights[point + side, i] > 0 and shift + i < drawn.shape[1]:
                    drawn[j, shift + i] += part * weights[point + side, i]


@kernel(allocates=True, fastmath=True, error_model="numpy")
def _solve(power, f0_bins, orders, weights, first, levels, noise):
    """Fills `levels` (amplitudes squared) and `noise` frame by frame."""
    n_partials, n_mels = len(orders), power.shape[1]
    width = weights.shape[1] + 2
    drawn = np.zeros((n_partials, width), np.float32)
    low = np.zeros(n_partials, np.int64)
    # lines that start near the top band reach into this margin, where all is 0
    frame = np.zeros(n_mels + width, np.float32)
    ratio = np.zeros(n_mels + width, np.float32)
    totals = np.ones(n_partials, np.float32)
    drawn_at = -1.0
    for t in range(len(power)):
        if not f0_bins[t] > 0:
            continue
        if f0_bins[t] != drawn_at:
            drawn_at = f0_bins[t]
            _draw_lines(orders * drawn_at, weights, first, drawn, low)
            for j in range(n_partials):
                totals[j] = max(drawn[j].sum(), np.float32(1e-20))
        frame[:n_mels] = power[t]
        if frame.max() > _SILENCE:
            _solve_frame(frame, drawn, low, totals, ratio, levels[t], noise[t])


@part(allocates=True, fastmath=True, error_model="numpy")
def _solve_frame(frame, lines, low, totals, model, levels, noise):
    n_mels, floor = len(noise), frame.max() * np.float32(1e-10)
    # as if all partials around were equally loud
    levels[:] = 1
    noise[:] = floor
    _explain(frame, lines, low, model, levels, noise)
    _update(lines, low, totals, model, levels)
    noise[:] = frame[:n_mels] * np.float32(_NOISE_START) + floor
    for _ in range(_N_UPDATES):
        _explain(frame, lines, low, model, levels, noise)
        noise *= model[:n_mels]
        _update(lines, low, totals, model, levels)


@part(allocates=True, fastmath=True, error_model="numpy")
def _explain(frame, lines, low, ratio, levels, noise):
    """Fills `ratio` with frame / (sum of level_j line_j + noise)."""
    ratio[:] = noise[0]
    ratio[: len(noise)] = noise
    for j in range(len(lines)):
        part = ratio[low[j] : low[j] + lines.shape[1]]
        for i in range(lines.shape[1]):
            part[i] += levels[j] * lines[j, i]
    for b in range(len(frame)):
        ratio[b] = frame[b] / ratio[b]


@part(allocates=True, fastmath=True, error_model="numpy")
def _update(lines, low, totals, ratio, levels):
    """level_j *= sum of line_j * ratio over the sum of line_j."""
    for j in range(len(lines)):
        part = ratio[low[j] : low[j] + lines.shape[1]]
        wanted = np.float32(0)
        for i in range(lines.shape[1]):
            wanted += lines[j, i] * part[i]
        levels[j] *= wanted / totals[j]


@kernel(allocates=True)
def _pursue(rest, weights, first, gaps, f0_bins, least):
    found = np.zeros(_MOST_STRAYS)
    count = 0
    while count < _MOST_STRAYS:
        best, best_point, best_level = least, -1, 0.0
        for point in range(2 * POINTS_PER_BIN, len(weights)):
            place = point / POINTS_PER_BIN
            if _is_taken(place, gaps[point], f0_bins, found[:count]):
                continue
            level, explained = _fit_line(rest, weights[point], first[point])
            if explained > best:
                best, best_point, best_level = explained, point, level
        if best_point < 0:
            break
        found[count] = best_point / POINTS_PER_BIN
        count += 1
        for i in range(weights.shape[1]):
            b = first[best_point] + i
            rest[b] = max(rest[b] - best_level * weights[best_point, i], 0.0)
    return found[:count]


@part(allocates=True)
def _is_taken(place, gap, f0_bins, found):
    """Whether a harmonic or a stray already found is nearer than the gap."""
    order = place / f0_bins
    if abs(order - np.round(order)) * f0_bins < gap:
        return True
    return bool((np.abs(found - place) < gap).any())


@part(allocates=True)
def _fit_line(rest, line, first):
    """The loudest such line that fits under the rest, and its power; 0 if the hump is wider."""
    top = line.max()
    if top <= 0:
        return 0.0, 0.0
    level, inside = np.inf, 0.0
    for i in range(len(line)):
        if line[i] > 0.2 * top:
            inside += line[i]
            level = min(level, rest[first + i] / line[i])
    # a hump of noise goes on in the bands beside
    around = rest[max(first - 1, 0) : first + len(line) + 1].sum()
    return (level, level * inside) if level * inside > 0.6 * around else (0.0, 0.0)
