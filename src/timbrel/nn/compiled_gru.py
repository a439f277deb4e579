"""A GRU as compiled code, a frame at a time or a whole sequence.

Torch's own takes 5 times as long: it calls a product for every frame.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from timbrel.dsp.compiling import kernel, part
from timbrel.nn.compiled import Layer, copy, layer, layers_of, sigmoid, tanh, times


def gates_of(gru: nn.GRU) -> list[Layer]:
    """What comes in and what was, to all three gates: reset, update, new."""
    into, again, to_into, to_again = (
        weight.detach().cpu().float().numpy().T.copy() for weight in gru.parameters()
    )
    return [layer(into, to_into), layer(again, to_again)]


@part
def go_on(into, again, state):
    """A step of a GRU: its gates of what comes in and of what was, over which is written."""
    size = len(state)
    _add(again, into, 2 * size)
    sigmoid(into, 2 * size)
    _weigh(again[2 * size :], into, into[2 * size :], size)
    tanh(into[2 * size :], size)
    _move(into[size:], into[2 * size :], state, size)


@part(fastmath=True)
def _add(some, out, size):
    for j in range(np.uint64(size)):
        out[j] += some[j]


@part(fastmath=True)
def _weigh(past, share, out, size):
    for j in range(np.uint64(size)):
        out[j] += share[j] * past[j]


@part(fastmath=True)
def _move(share, new, state, size):
    for j in range(np.uint64(size)):
        state[j] = new[j] + share[j] * (state[j] - new[j])


def remember(
    gru: nn.GRU, asked: Float[Tensor, "batch frames width"]
) -> Float[Tensor, "batch frames state"]:
    """What the GRU returns from nothing, on the CPU and without gradients, 5 times as fast.

    The products of what comes in with the weights are torch's: they do not wait for one another.
    """
    weight, _, bias, _ = gru.parameters()
    into = nn.functional.linear(asked, weight, bias).contiguous()
    states = torch.empty(*asked.shape[:2], gru.hidden_size)
    _remember(layers_of(gates_of(gru)[1:]), into.numpy(), states.numpy())
    return states


@kernel(allocates=True)
def _remember(layers, into, states):
    n_melodies, n_frames, size = states.shape
    again = np.zeros((n_melodies, 3 * size), np.float32)
    state = np.zeros((n_melodies, size), np.float32)
    for t in range(n_frames):
        times(layers, 0, state, n_melodies, again)
        for i in range(n_melodies):
            go_on(into[i, t], again[i], state[i])
            copy(state[i], states[i, t], size)
