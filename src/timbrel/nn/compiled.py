"""Layers as compiled code: the same weights, without a tensor, a thread or an allocation.

A product of matrices goes through eight rows of weights at a time and through all rows of input
with them, so that weights are read once; each row's sum runs in one order, so that what is said to
one does not depend on who else asks. Exponentials are series of a root: unlike calls of exp they
are vectorised.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from torch import nn

from timbrel.dsp.compiling import part

_EPSILON = np.float32(1e-5)
_ONE = np.float32(1.0)
_I = tuple(np.uint64(i) for i in range(8))
_ALIGNED = 16
"""Numbers in a line of the cache: rows that begin within one are read a third slower."""

_QUICK = {"fastmath": {"contract", "reassoc", "arcp", "nsz", "nnan"}, "error_model": "numpy"}
"""Whoever watches for a division by zero cannot divide by eight numbers at once."""
AT, INS, OUTS = range(3)
"""What `Layers.places` tells of a layer."""


class Layers(NamedTuple):
    """Linear layers: all numbers in a row, and where each one's begin, its inputs, its outputs.

    A layer's matrix, inputs by outputs, is followed by what is added, and by the scale and the
    shift of a norm behind it: 1 and 0 where there is none.
    """

    numbers: np.ndarray
    places: np.ndarray


class Layer(NamedTuple):
    """One linear layer and the norm behind it."""

    matrix: np.ndarray
    added: np.ndarray
    scale: np.ndarray
    shift: np.ndarray


def layer_of(weight: nn.Module, norm: nn.Module | None = None) -> Layer:
    """A copy of a layer's weights."""
    assert isinstance(weight, nn.Linear)
    matrix, added = _numbers(weight.weight).T, _numbers(weight.bias)
    if norm is None:
        return layer(matrix, added)
    assert isinstance(norm, nn.LayerNorm)
    return Layer(matrix, added, _numbers(norm.weight), _numbers(norm.bias))


def layer(matrix: np.ndarray, added: np.ndarray) -> Layer:
    """A layer without a norm, of inputs by outputs."""
    return Layer(matrix, added, np.ones_like(added), np.zeros_like(added))


def layers_of(layers: Sequence[Layer]) -> Layers:
    """Layers side by side, each known by its number."""
    rows = [np.concatenate([part.reshape(-1) for part in each]) for each in layers]
    places = np.cumsum([0, *(-(-len(row) // _ALIGNED) * _ALIGNED for row in rows)])
    numbers = _aligned(int(places[-1]))
    for at, row in zip(places, rows, strict=False):
        numbers[at : at + len(row)] = row
    shapes = np.array([each.matrix.shape for each in layers])
    return Layers(numbers, np.column_stack([places[:-1], shapes]))


def _aligned(size: int) -> np.ndarray:
    numbers = np.zeros(size + _ALIGNED, np.float32)
    first = -(numbers.ctypes.data // numbers.itemsize) % _ALIGNED
    return numbers[first : first + size]


def _numbers(weight: object) -> np.ndarray:
    assert isinstance(weight, nn.Parameter)
    return weight.detach().cpu().float().numpy().copy()


@part
def times(layers, number, x, count, out):
    """Writes x times a layer's matrix, and what is added, for the first `count` rows."""
    at, ins, outs = layers.places[number]
    end = at + ins * outs
    matrix, added = layers.numbers[at:end].reshape(ins, outs), layers.numbers[end : end + outs]
    for r in range(count):
        copy(added, out[r], outs)
    eights = ins - ins % 8
    for i in range(0, eights, 8):
        for r in range(count):
            _add_eight(out[r], x[r], i, matrix)
    for i in range(eights, ins):
        for r in range(count):
            _add_one(out[r], outs, x[r, i], matrix[i])


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


@part(fastmath=True)
def _add_one(out, length, a, row):
    for j in range(np.uint64(length)):
        out[j] += a * row[j]


@part
def copy(source, out, count):
    """Writes some numbers elsewhere; slices would first be copied to a new array."""
    for j in range(np.uint64(count)):
        out[j] = source[j]


@part
def times_silu(layers, number, x, count, out):
    """Writes SiLU(x times a layer) for the first `count` rows."""
    times(layers, number, x, count, out)
    for r in range(count):
        silu(out[r], layers.places[number, OUTS])


@part
def times_normed_silu(layers, number, x, count, out):
    """Writes SiLU(norm(x times a layer)) for the first `count` rows."""
    times(layers, number, x, count, out)
    at, ins, outs = layers.places[number]
    scale = layers.numbers[at + (ins + 1) * outs :]
    for r in range(count):
        normalise(out[r], outs, out[r])
        _scale(out[r], scale, outs)
        silu(out[r], outs)


@part(fastmath=True)
def normalise(x, width, out):
    """Writes some numbers less their mean, over their deviation: a layer norm without weights."""
    size, total, square = np.uint64(width), np.float32(0.0), np.float32(0.0)
    for j in range(size):
        total += x[j]
    mean = total / np.float32(width)
    for j in range(size):
        square += (x[j] - mean) * (x[j] - mean)
    whole = _ONE / np.sqrt(square / np.float32(width) + _EPSILON)
    for j in range(size):
        out[j] = (x[j] - mean) * whole


@part(fastmath=True)
def _scale(x, scale, width):
    """Behind the scales stand the shifts."""
    size = np.uint64(width)
    for j in range(size):
        x[j] = x[j] * scale[j] + scale[size + j]


@part(**_QUICK)
def silu(x, width):
    """X / (1 + e^-x), of each of some numbers in their place."""
    for j in range(np.uint64(width)):
        x[j] = x[j] / (1.0 + _exp(-x[j]))


@part(**_QUICK)
def sigmoid(x, width):
    """1 / (1 + e^-x), of each of some numbers in their place."""
    for j in range(np.uint64(width)):
        x[j] = 1.0 / (1.0 + _exp(-x[j]))


@part(**_QUICK)
def tanh(x, width):
    """The same for the hyperbolic tangent."""
    for j in range(np.uint64(width)):
        x[j] = 2.0 / (1.0 + _exp(-2.0 * x[j])) - 1.0


@part(**_QUICK)
def _exp(x):
    """In double precision: what the root is off by counts 32 times."""
    s = min(max(np.float64(x), -60.0), 60.0) * (1 / 32)
    root = 1 + s * (1 + s / 2 * (1 + s / 3 * (1 + s / 4 * (1 + s / 5 * (1 + s / 6 * (
        1 + s / 7 * (1 + s / 8 * (1 + s / 9))))))))  # fmt: skip
    power = root * root
    power *= power
    power *= power
    power *= power
    return power * power
