"""The decoder with its GRU as compiled code: one frame for some melodies, each with its own past.

Torch takes some 60 small operations to a frame, and a call of its GRU for every one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from torch import nn

from timbrel.dsp.compiling import kernel, part
from timbrel.dsp.tracks.bands import MELS_APART
from timbrel.instruments.ddsp.network import (
    CENTRE_DB,
    LOUDNESS_AT_DB,
    LOUDNESS_OVER_DB,
    SCALE_DB,
    Decoder,
    GruMemory,
)
from timbrel.nn.compiled import (
    Layer,
    Layers,
    copy,
    layer,
    layer_of,
    layers_of,
    times,
    times_normed_silu,
)
from timbrel.nn.compiled_gru import gates_of, go_on
from timbrel.nn.features import N_PITCH_FEATURES

ROWS = 32
"""Melodies that are answered at once: the weights are read once for all of them."""

F0_HZ, LOUDNESS_DB, VOICING = range(3)
"""What is asked of a melody's frame: as in `Asked`."""

_ASK, _INTO, _AGAIN, _ANSWER, _SAY = 0, 2, 3, 4, 6
"""Numbers of the layers; to ask and to answer takes two each."""

_X, _Y, _GATES, _PAST = range(4)
"""Rows of the desk."""

_SOFTEST_DB = -100.0


class CompiledDecoder(NamedTuple):
    """A decoder's weights, copied.

    Attributes:
        layers: in the order in which they are asked.
        centres: harmonic number in the middle of each slot.
        n_bands: bands of noise.
    """

    layers: Layers
    centres: np.ndarray
    n_bands: int


def compiled(decoder: Decoder) -> CompiledDecoder:
    """The weights of a decoder whose memory is a GRU."""
    assert isinstance(decoder.memory, GruMemory)
    say = layer_of(decoder.say)
    centre = np.zeros_like(say.added)
    centre[: decoder.slots.n_slots + decoder.bands.n_bands] = CENTRE_DB
    scale = np.float32(SCALE_DB)
    layers = layers_of([
        *_mlp(decoder.ask), *gates_of(decoder.memory.gru), *_mlp(decoder.answer),
        layer(say.matrix * scale, say.added * scale + centre),
    ])  # fmt: skip
    return CompiledDecoder(layers, decoder.slots.centres.double().numpy(), decoder.bands.n_bands)


def desk(decoder: CompiledDecoder) -> np.ndarray:
    """Room for `ROWS` melodies' frames."""
    return np.zeros((4, ROWS, decoder.layers.places[:, 1:].max()), np.float32)


def _mlp(mlp: nn.Sequential) -> list[Layer]:
    return [layer_of(mlp[0], mlp[1]), layer_of(mlp[3], mlp[4])]


@kernel
def say(decoder, desk, memory, latents, asked, rows, count, said):
    """Write down levels of slots and bands at the next frame of some melodies.

    Args:
        decoder: its weights.
        desk: room to compute in.
        memory: states of the GRU, a row for each melody.
        latents: of each.
        asked: of each.
        rows: which melodies go on.
        count: how many of `rows`.
        said: where the levels are written, at the same rows.
    """
    for first in range(0, count, ROWS):
        some = rows[first : first + ROWS]
        _say(decoder, desk, memory, latents, asked, some, min(ROWS, count - first), said)


@part
def _say(decoder, desk, memory, latents, asked, rows, count, said):
    layers, x, y, gates, past = decoder.layers, desk[_X], desk[_Y], desk[_GATES], desk[_PAST]
    width, n_latent = layers.places[_INTO, 1], latents.shape[1]
    n_state = memory.shape[1]
    for i in range(count):
        first = _write_features(asked[rows[i]], x[i])
        copy(latents[rows[i]], x[i, first:], n_latent)
        copy(memory[rows[i]], past[i], n_state)
    times_normed_silu(layers, _ASK, x, count, y)
    times_normed_silu(layers, _ASK + 1, y, count, x)
    times(layers, _INTO, x, count, gates)
    times(layers, _AGAIN, past, count, y)
    for i in range(count):
        go_on(gates[i], y[i], memory[rows[i]])
        copy(memory[rows[i]], x[i, width:], n_state)
    times_normed_silu(layers, _ANSWER, x, count, y)
    times_normed_silu(layers, _ANSWER + 1, y, count, x)
    times(layers, _SAY, x, count, y)
    for i in range(count):
        _write_levels(decoder, asked[rows[i]], y[i], said[rows[i]])


@part
def _write_features(asked, out):
    """As `Asked.features`; how many they are."""
    pitch = 69 + 12 * np.log2(max(asked[F0_HZ], 1.0) / 440)
    height = np.float32((pitch - 64.5) / 43.5)
    out[0] = height
    for i in range(4):
        angle = np.float64(height) * np.pi * 0.5 * 2**i
        out[1 + i] = np.sin(angle)
        out[5 + i] = np.cos(angle)
    loudness_db = max(asked[LOUDNESS_DB], _SOFTEST_DB)
    out[N_PITCH_FEATURES] = (loudness_db - LOUDNESS_AT_DB) / LOUDNESS_OVER_DB
    out[N_PITCH_FEATURES + 1] = 2 * asked[VOICING] - 1
    return N_PITCH_FEATURES + 2


@part
def _write_levels(decoder, asked, answer, said):
    """What belongs to the harmonics' numbers, to their frequencies, and to the noise."""
    n_slots, n_bands = len(decoder.centres), decoder.n_bands
    body, last = answer[n_slots + n_bands :], n_bands - 1
    loudness_db = np.float32(asked[LOUDNESS_DB])
    for slot in range(n_slots):
        mel = 2595 * np.log10(1 + asked[F0_HZ] * decoder.centres[slot] / 700)
        place = min(max(mel / MELS_APART - 1, 0.0), last)
        left = min(np.int64(place), last - 1)
        share = np.float32(place - left)
        level = body[left] + (body[left + 1] - body[left]) * share
        said[slot] = answer[slot] + level + loudness_db
    for band in range(n_slots, n_slots + n_bands):
        said[band] = answer[band] + loudness_db
