"""The decoder as compiled code: the same weights, without a tensor, a thread or an allocation.

What torch does in some forty small operations is one call here. What is said of a moment does not
depend on what else is asked at the same time. Layer norms' own weights are folded into what follows
them.
"""

from __future__ import annotations

import math

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
from timbrel.nn.compiled import (
    INS,
    OUTS,
    Layer,
    Layers,
    layer,
    layer_of,
    layers_of,
    normalise,
    silu,
    times,
    times_silu,
)
from timbrel.nn.features import N_PITCH_FEATURES
from timbrel.nn.field import DECAYS_S, LONGEST_S, SHORTEST_S, TURNS, MomentField

ROWS = 32
"""Moments that are said at once: the weights are read once for all of them."""

_DECAYS, _TURNS = np.array(DECAYS_S), np.pi * np.array(TURNS)
_SPREAD = math.log1p(LONGEST_S / SHORTEST_S)


_SUSTAIN = 2
"""Number of the sustain's first layer: before it stand the condition's, behind it the release's."""

_SCALE, _SHIFT, _RELEASE_SCALE, _RELEASE_SHIFT = range(4)
N_CONDITIONS = 4
"""Rows of numbers that bend the fields' input, for each note."""

_FEATURES, _X, _Y, _BENT, SAID, FALLEN = range(6)
"""Where on the desk the numbers of each step stand."""


def decoder_layers(decoder: Decoder) -> Layers:
    """The layers of a decoder, copied; those of the sustain say dB."""
    sustain, release = _field(decoder.sustain), _field(decoder.release)
    say = sustain[-1]
    centre = np.zeros_like(say.added)
    centre[: decoder.slots.n_slots + decoder.bands.n_bands] = CENTRE_DB
    scale = np.float32(SCALE_DB)
    sustain[-1] = layer(say.matrix * scale, say.added * scale + centre)
    ask = [layer_of(decoder.condition[0]), layer_of(decoder.condition[2])]
    return layers_of([*ask, *sustain, *release])


def conditions(count: int, layers: Layers) -> np.ndarray:
    """Room for the conditions of so many notes."""
    return np.zeros((count, N_CONDITIONS, layers.places[_SUSTAIN, OUTS]), np.float32)


def desk(layers: Layers) -> np.ndarray:
    """Room for `ROWS` moments."""
    return np.zeros((6, ROWS, layers.places[:, INS:].max()), np.float32)


def _normed(norm: nn.Module, fed: nn.Module) -> Layer:
    """A layer that is fed by a norm, for input of which only mean and size are normed."""
    assert isinstance(norm, nn.LayerNorm)
    weight = layer_of(fed)
    scale, shift = (part.detach().cpu().float().numpy() for part in (norm.weight, norm.bias))
    return layer(scale[:, None] * weight.matrix, weight.added + shift @ weight.matrix)


def _field(field: MomentField) -> list[Layer]:
    """Moment, bend, wide and back of each block, out."""
    layers = [layer_of(field.moment), layer_of(field.bend)]
    for block in field.blocks:
        layers += [_normed(block.norm, block.wide), layer_of(block.back)]  # pyright: ignore
    return [*layers, _normed(field.norm, field.out)]


@part
def condition(layers, desk, notes, pitch, velocity, rows, count, conditions):
    """Write the conditions of some notes, `ROWS` at most.

    Args:
        layers: `decoder_layers`.
        desk: room to compute in.
        notes: timbres whose first numbers are the latents, a row each.
        pitch: MIDI numbers.
        velocity: 0..1.
        rows: which of the notes.
        count: how many of `rows`.
        conditions: where they are written, at the same rows.
    """
    x, n_latent = desk[_X], layers.places[0, INS] - N_PITCH_FEATURES - 1
    for i in range(count):
        row = rows[i]
        for j in range(n_latent):
            x[i, j] = notes[row, j]
        _pitch_features(pitch[row], x[i, n_latent:])
        x[i, n_latent + N_PITCH_FEATURES] = 2 * velocity[row] - 1
    times_silu(layers, 0, x, count, desk[_Y])
    times_silu(layers, 1, desk[_Y], count, x)
    for number, scale in ((_SUSTAIN + 1, _SCALE), (_release(layers) + 1, _RELEASE_SCALE)):
        width, bent = layers.places[number, OUTS] // 2, desk[_BENT]
        times(layers, number, x, count, bent)
        for i in range(count):
            for j in range(width):
                conditions[rows[i], scale, j] = 1 + bent[i, j]
                conditions[rows[i], scale + 1, j] = bent[i, width + j]


@part
def _release(layers):
    """Number of the release's first layer: it has one block, and so five layers."""
    return len(layers.places) - 5


@part
def _pitch_features(pitch, out):
    height = (np.float32(pitch) - 64.5) / 43.5
    out[0] = height
    for i in range(4):
        angle = height * np.pi * 0.5 * 2**i
        out[1 + i] = np.sin(angle)
        out[5 + i] = np.cos(angle)


@part
def say(layers, desk, conditions, notes, moment_s, count):
    """The sustain field at `ROWS` moments at most: source, noise, body at `SAID` on the desk."""
    n_blocks = (_release(layers) - _SUSTAIN - 3) // 2
    _say(layers, _SUSTAIN, n_blocks, desk, conditions, _SCALE, notes, moment_s, count, SAID)


@part
def say_fallen(layers, desk, conditions, notes, since_s, count):
    """How many dB notes have fallen so long after their release, at `FALLEN` on the desk."""
    first, fallen = _release(layers), desk[FALLEN]
    _say(layers, first, 1, desk, conditions, _RELEASE_SCALE, notes, since_s, count, FALLEN)
    for i in range(count):
        slowed = FALL_DB * (1 - np.exp(-since_s[i] / SHORTEST_FALL_S))
        for j in range(layers.places[-1, OUTS]):
            x = fallen[i, j]
            fallen[i, j] = slowed * (max(x, 0.0) + np.log1p(np.exp(-abs(x))))


@part
def _say(layers, first, n_blocks, desk, conditions, scale, notes, moment_s, count, out):
    width = layers.places[first, OUTS]
    x, y, bent = desk[_X], desk[_Y], desk[_BENT]
    for i in range(count):
        _moment_features(moment_s[i], desk[_FEATURES, i])
    times(layers, first, desk[_FEATURES], count, x)
    for i in range(count):
        bend = conditions[notes[i]]
        for j in range(width):
            x[i, j] = x[i, j] * bend[scale, j] + bend[scale + 1, j]
        silu(x[i], width)
    for block in range(n_blocks):
        _normalise(x, count, width, y)
        times_silu(layers, first + 2 + 2 * block, y, count, bent)
        times(layers, first + 3 + 2 * block, bent, count, y)
        for i in range(count):
            for j in range(width):
                x[i, j] += y[i, j]
    _normalise(x, count, width, y)
    times(layers, first + 2 + 2 * n_blocks, y, count, desk[out])


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
def _normalise(x, count, width, out):
    for i in range(count):
        normalise(x[i], width, out[i])
