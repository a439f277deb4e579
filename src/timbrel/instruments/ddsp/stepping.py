"""The decoder asked frame by frame, by melodies that each have a past of their own.

Followers and players ask so: they do not know what comes. The GRU's answers come from compiled
code; a Transformer's from torch, which computes what is new alone, and keeps for each layer what
the last `looks_back` frames are looked up by.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from copy import deepcopy

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Int, Int64
from torch import Tensor, nn

from timbrel.instruments.ddsp.compiled_network import compiled, desk, say
from timbrel.instruments.ddsp.network import (
    HEADS,
    N_ASKED,
    Asked,
    Decoder,
    GruMemory,
    TransformerMemory,
    slopes,
)


class Stepper(ABC):
    """Answers some melodies, frame by frame.

    Args:
        decoder: its weights are copied.
        n_rows: melodies that it can keep apart.

    Attributes:
        latents: of each melody, to be written by whoever asks.
        asked: f0 in Hz, loudness in dB and voicing of each one's next frame, likewise.
        said: levels of slots, then of bands, that were last said to each.
    """

    def __init__(self, decoder: Decoder, n_rows: int) -> None:
        n_slots, n_bands = decoder.slots.n_slots, decoder.bands.n_bands
        self.latents: Float32[np.ndarray, "rows latent"] = np.zeros(
            (n_rows, n_latent_of(decoder)), np.float32
        )
        self.asked: Float64[np.ndarray, "rows 3"] = np.zeros((n_rows, 3))
        self.said: Float32[np.ndarray, "rows levels"] = np.zeros(
            (n_rows, n_slots + n_bands), np.float32
        )

    @abstractmethod
    def begin(self, row: int) -> None:
        """A melody's next frame is its first."""

    @abstractmethod
    def step(self, rows: Int64[np.ndarray, " rows"], count: int) -> None:
        """Say the next frame of the first `count` of some melodies."""


def stepper_of(decoder: Decoder, n_rows: int) -> Stepper:
    """The stepper of a decoder, ready to be asked."""
    memory = decoder.memory
    made = TransformerStepper if isinstance(memory, TransformerMemory) else GruStepper
    stepper = made(decoder, n_rows)
    # so that no later call compiles
    stepper.step(np.zeros(1, np.int64), 1)
    stepper.begin(0)
    return stepper


class GruStepper(Stepper):
    """Steps of a GRU: some 20 us for a frame of a `small` model, and less than that for others."""

    def __init__(self, decoder: Decoder, n_rows: int) -> None:
        super().__init__(decoder, n_rows)
        assert isinstance(decoder.memory, GruMemory)
        self._decoder = compiled(decoder)
        self._desk = desk(self._decoder)
        self._memory = np.zeros((n_rows, decoder.memory.gru.hidden_size), np.float32)

    def begin(self, row: int) -> None:
        """A melody's next frame is its first."""
        self._memory[row] = 0.0

    def step(self, rows: Int64[np.ndarray, " rows"], count: int) -> None:
        """Say the next frame of the first `count` of some melodies."""
        say(
            self._decoder, self._desk, self._memory, self.latents, self.asked, rows, count,
            self.said,
        )  # fmt: skip


class TransformerStepper(Stepper):
    """Steps of a Transformer: keys and values of the frames that it still looks back at."""

    def __init__(self, decoder: Decoder, n_rows: int) -> None:
        super().__init__(decoder, n_rows)
        self._decoder = deepcopy(decoder).eval().requires_grad_(requires_grad=False)
        assert isinstance(self._decoder.memory, TransformerMemory)
        self._memory = self._decoder.memory
        width = self._memory.norm.normalized_shape[0]
        shape = (len(self._memory.layers), n_rows, HEADS, self._memory.looks_back, width // HEADS)
        self._keys, self._values = torch.zeros(shape), torch.zeros(shape)
        self._age = torch.zeros(n_rows, dtype=torch.long)

    def begin(self, row: int) -> None:
        """A melody's next frame is its first."""
        self._age[row] = 0

    @torch.no_grad()
    def step(self, rows: Int64[np.ndarray, " rows"], count: int) -> None:
        """Say the next frame of the first `count` of some melodies."""
        some = torch.from_numpy(rows[:count])
        asked = Asked(*torch.from_numpy(self.asked[rows[:count]]).float().T[..., None])
        latents = torch.from_numpy(self.latents[rows[:count]])
        wanted = self._decoder.wanted(latents, asked)
        said = self._decoder.said(wanted, self._remember(wanted[:, 0], some)[:, None], asked)
        self.said[rows[:count]] = torch.cat([said.partial_db, said.noise_db], -1)[:, 0].numpy()
        self._age[some] += 1

    def _remember(
        self, wanted: Float[Tensor, "some width"], some: Int[Tensor, " some"]
    ) -> Float[Tensor, "some state"]:
        """As `TransformerMemory`, of the newest frame."""
        memory, age = self._memory, self._age[some, None]
        since = (age - torch.arange(memory.looks_back)) % memory.looks_back
        bias = -slopes()[:, None] * since[:, None]
        bias = bias.masked_fill((since > age)[:, None], -torch.inf)
        x = memory.enter(wanted)
        for layer, keys, values in zip(memory.layers, self._keys, self._values, strict=True):
            query, key, value = layer.looks(x)  # pyright: ignore[reportCallIssue]
            place = age[:, 0] % memory.looks_back
            keys[some, :, place], values[some, :, place] = key, value
            found = _found(query, keys[some], values[some], bias)
            x = layer.answer(x, found)  # pyright: ignore[reportCallIssue]
        return memory.norm(x)


def _found(query: Tensor, keys: Tensor, values: Tensor, bias: Tensor) -> Tensor:
    likeness = torch.einsum("nhd,nhld->nhl", query, keys) / query.shape[-1] ** 0.5 + bias
    return torch.einsum("nhl,nhld->nhd", likeness.softmax(-1), values)


def n_latent_of(decoder: Decoder) -> int:
    """Numbers in the latents that a decoder is told."""
    first = decoder.ask[0]
    assert isinstance(first, nn.Linear)
    return first.in_features - N_ASKED
