"""The decoder as compiled code: the same weights, without a tensor, a thread or an allocation.

What torch does in some forty small operations is one call here. A product of matrices goes through
eight rows of weights at a time and through all rows of input with them, so that weights are read
once; each row's sum runs in one order, so that what is said of a moment does not depend on what
else is asked at the same time. Layer norms' own weights are folded into what follows them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from torch import nn

from timbrel.dsp.compiling import part
from timbrel.instruments.harmonic.network import (
    CENTRE_DB,
    FALL_DB,
    SCALE_DB,
    SHORTEST_FALL_S,
    Decoder,
)
from timbrel.nn.features import N_PITCH_FEATURES
from timbrel.nn.field import DECAYS_S, LONGEST_S, SHORTEST_S, TURNS, MomentField

ROWS = 32
"""Moments that are said at once: the weights are read once for all of them."""

_EPSILON = np.float32(1e-5)
_ONE = np.float32(1.0)
_DECAYS, _TURNS = np.array(DECAYS_S), np.pi * np.array(TURNS)
_SPREAD = math.log1p(LONGEST_S / SHORTEST_S)
_SERIES = tuple(np.float32(1 / math.factorial(n)) for n in range(6))
_PART = np.float32(-1 / 64)
_I = tuple(np.uint64(i) for i in range(8))


class Weights(NamedTuple):
    """A decoder's: all numbers in a row, and where each layer's begin, its inputs, its outputs.

    A layer's matrix, inputs by outputs, is followed by what is added. First stand the layers of
    the condition, then those of the sustain, which says dB, then those of the release.
    """

    numbers: np.ndarray
    layers: np.ndarray


_SUSTAIN = 2
_SCALE, _SHIFT, _RELEASE_SCALE, _RELEASE_SHIFT = range(4)
N_CONDITIONS = 4
"""Rows of numbers that bend the fields' input, for each note."""

_FEATURES, _X, _Y, _BENT, SAID, FALLEN = range(6)
"""Where on the desk the numbers of each step stand."""


def weights_of(decoder: Decoder) -> Weights:
    """The weights of a decoder, copied."""
    sustain, release = _field(decoder.sustain), _field(decoder.release)
    matrix, added = sustain[-1]
    centre = np.zeros(len(added), np.float32)
    centre[: decoder.slots.n_slots + decoder.bands.n_bands] = CENTRE_DB
    sustain[-1] = matrix * np.float32(SCALE_DB), added * np.float32(SCALE_DB) + centre
    layers = [_linear(decoder.condition[0]), _linear(decoder.condition[2]), *sustain, *release]
    sizes = [matrix.size + added.size for matrix, added in layers]
    places = np.cumsum([0, *sizes[:-1]])
    return Weights(
        np.concatenate([part.reshape(-1) for layer in layers for part in layer]),
        np.array([(at, *m.shape) for at, (m, _) in zip(places, layers, strict=True)], np.int64),
    )


def conditions(count: int, weights: Weights) -> np.ndarray:
    """Room for the conditions of so many notes."""
    return np.zeros((count, N_CONDITIONS, weights.layers[_SUSTAIN, 2]), np.float32)


def desk(weights: Weights) -> np.ndarray:
    """Room for `ROWS` moments."""
    return np.zeros((6, ROWS, weights.layers[:, 1:].max()), np.float32)


def _linear(layer: nn.Module) -> tuple[np.ndarray, np.ndarray]:
    assert isinstance(layer, nn.Linear)
    weight, bias = (part.detach().cpu().float() for part in (layer.weight, layer.bias))
    return weight.T.contiguous().numpy().copy(), bias.numpy().copy()


def _normed(norm: nn.Module, layer: nn.Module) -> tuple[np.ndarray, np.ndarray]:
    """A linear layer that is fed by a norm, for input of which only mean and size are normed."""
    assert isinstance(norm, nn.LayerNorm)
    weight, bias = _linear(layer)
    scale, shift = (part.detach().cpu().float().numpy() for part in (norm.weight, norm.bias))
    return np.ascontiguousarray(scale[:, None] * weight), bias + shift @ weight


def _field(field: MomentField) -> list[tuple[np.ndarray, np.ndarray]]:
    """Moment, bend, wide and back of each block, out."""
    layers = [_linear(field.moment), _linear(field.bend)]
    for block in field.blocks:
        layers += [_normed(block.norm, block.wide), _linear(block.back)]  # pyright: ignore
    return [*layers, _normed(field.norm, field.out)]


@part
def condition(weights, desk, notes, pitch, velocity, rows, count, conditions):
    """Write the conditions of some notes, `ROWS` at most.

    Args:
        weights: of the decoder.
        desk: room to compute in.
        notes: timbres whose first numbers are the latents, a row each.
        pitch: MIDI numbers.
        velocity: 0..1.
        rows: which of the notes.
        count: how many of `rows`.
        conditions: where they are written, at the same rows.
    """
    x, n_latent = desk[_X], weights.layers[0, 1] - N_PITCH_FEATURES - 1
    for i in range(count):
        row = rows[i]
        for j in range(n_latent):
            x[i, j] = notes[row, j]
        _pitch_features(pitch[row], x[i, n_latent:])
        x[i, n_latent + N_PITCH_FEATURES] = 2 * velocity[row] - 1
    _times(weights, 0, x, count, desk[_Y])
    _silu(desk[_Y], count, weights.layers[0, 2])
    _times(weights, 1, desk[_Y], count, x)
    _silu(x, count, weights.layers[1, 2])
    for layer, scale in ((_SUSTAIN + 1, _SCALE), (_release(weights) + 1, _RELEASE_SCALE)):
        width, bent = weights.layers[layer, 2] // 2, desk[_BENT]
        _times(weights, layer, x, count, bent)
        for i in range(count):
            for j in range(width):
                conditions[rows[i], scale, j] = 1 + bent[i, j]
                conditions[rows[i], scale + 1, j] = bent[i, width + j]


@part
def _release(weights):
    """Number of the release's first layer: it has one block, and so five layers."""
    return len(weights.layers) - 5


@part
def _pitch_features(pitch, out):
    height = (np.float32(pitch) - 64.5) / 43.5
    out[0] = height
    for i in range(4):
        angle = height * np.pi * 0.5 * 2**i
        out[1 + i] = np.sin(angle)
        out[5 + i] = np.cos(angle)


@part
def say(weights, desk, conditions, notes, moment_s, count):
    """The sustain field at `ROWS` moments at most: source, noise, body at `SAID` on the desk."""
    n_blocks = (_release(weights) - _SUSTAIN - 3) // 2
    _say(weights, _SUSTAIN, n_blocks, desk, conditions, _SCALE, notes, moment_s, count, SAID)


@part
def say_fallen(weights, desk, conditions, notes, since_s, count):
    """How many dB notes have fallen so long after their release, at `FALLEN` on the desk."""
    first, fallen = _release(weights), desk[FALLEN]
    _say(weights, first, 1, desk, conditions, _RELEASE_SCALE, notes, since_s, count, FALLEN)
    for i in range(count):
        slowed = FALL_DB * (1 - np.exp(-since_s[i] / SHORTEST_FALL_S))
        for j in range(weights.layers[-1, 2]):
            x = fallen[i, j]
            fallen[i, j] = slowed * (max(x, 0.0) + np.log1p(np.exp(-abs(x))))


@part
def _say(weights, first, n_blocks, desk, conditions, scale, notes, moment_s, count, out):
    width = weights.layers[first, 2]
    x, y, bent = desk[_X], desk[_Y], desk[_BENT]
    for i in range(count):
        _moment_features(moment_s[i], desk[_FEATURES, i])
    _times(weights, first, desk[_FEATURES], count, x)
    for i in range(count):
        bend = conditions[notes[i]]
        for j in range(width):
            x[i, j] = x[i, j] * bend[scale, j] + bend[scale + 1, j]
    _silu(x, count, width)
    for block in range(n_blocks):
        _normalised(x, count, width, y)
        _times(weights, first + 2 + 2 * block, y, count, bent)
        _silu(bent, count, width)
        _times(weights, first + 3 + 2 * block, bent, count, y)
        for i in range(count):
            for j in range(width):
                x[i, j] += y[i, j]
    _normalised(x, count, width, y)
    _times(weights, first + 2 + 2 * n_blocks, y, count, desk[out])


@part
def _moment_features(moment_s, out):
    since_s = min(max(moment_s, 0.0), LONGEST_S)
    place = np.log1p(since_s / SHORTEST_S) / _SPREAD
    out[0], out[1] = since_s / 2 - 1, 2 * place - 1
    n_turns = len(_TURNS)
    for i in range(n_turns):
        out[2 + i] = np.sin(place * _TURNS[i])
        out[2 + n_turns + i] = np.cos(place * _TURNS[i])
    for i in range(len(_DECAYS)):
        out[2 + 2 * n_turns + i] = np.exp(-since_s / _DECAYS[i])


@part
def _times(weights, layer, x, count, out):
    """Writes x times a layer's matrix, and what is added, for the first `count` rows."""
    at, n_in, n_out = weights.layers[layer, 0], weights.layers[layer, 1], weights.layers[layer, 2]
    end = at + n_in * n_out
    matrix = weights.numbers[at:end].reshape(n_in, n_out)
    added = weights.numbers[end:]
    for r in range(count):
        copy(added, out[r], n_out)
    eights = n_in - n_in % 8
    for i in range(0, eights, 8):
        for r in range(count):
            _add_eight(out[r], x[r], i, matrix)
    for i in range(eights, n_in):
        for r in range(count):
            _add_one(out[r], n_out, x[r, i], matrix[i])


@part(fastmath=True)
def _add_eight(out, x, i, weight):
    # one array and unsigned places: of eight rows, or of places that may count from the end, the
    # compiler makes code half as fast
    a, b, c, d = x[i], x[i + 1], x[i + 2], x[i + 3]
    e, f, g, h = x[i + 4], x[i + 5], x[i + 6], x[i + 7]
    p = np.uint64(i)
    q, r, s, t = p + _I[1], p + _I[2], p + _I[3], p + _I[4]
    u, v, w = p + _I[5], p + _I[6], p + _I[7]
    for j in range(np.uint64(weight.shape[1])):
        out[j] += (
            a * weight[p, j] + b * weight[q, j] + c * weight[r, j] + d * weight[s, j]
            + e * weight[t, j] + f * weight[u, j] + g * weight[v, j] + h * weight[w, j]
        )  # fmt: skip


@part
def copy(source, out, count):
    """Writes some numbers elsewhere; slices would first be copied to a new array."""
    for j in range(np.uint64(count)):
        out[j] = source[j]


@part(fastmath=True)
def _add_one(out, length, a, row):
    for j in range(np.uint64(length)):
        out[j] += a * row[j]


@part
def _silu(x, count, width):
    for i in range(count):
        _silu_of(x[i], width)


@part(fastmath=True)
def _silu_of(x, width):
    """X / (1 + e^-x), e^-x as a series for its 64th root: unlike exp this is vectorised."""
    for j in range(np.uint64(width)):
        s = x[j] * _PART
        root = _ONE + s * (_ONE + s * (_SERIES[2] + s * (_SERIES[3] + s * (
            _SERIES[4] + s * _SERIES[5]))))  # fmt: skip
        root *= root
        root *= root
        root *= root
        root *= root
        root *= root
        root *= root
        x[j] = x[j] / (_ONE + root)


@part
def _normalised(x, count, width, out):
    for i in range(count):
        _normalised_row(x[i], width, out[i])


@part(fastmath=True)
def _normalised_row(x, width, out):
    total = np.float32(0.0)
    for j in range(np.uint64(width)):
        total += x[j]
    mean = total / np.float32(width)
    square = np.float32(0.0)
    for j in range(np.uint64(width)):
        square += (x[j] - mean) * (x[j] - mean)
    scale = _ONE / np.sqrt(square / np.float32(width) + _EPSILON)
    for j in range(np.uint64(width)):
        out[j] = (x[j] - mean) * scale
