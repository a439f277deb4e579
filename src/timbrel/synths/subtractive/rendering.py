"""Notes rendered by compiled code, as many at once as there are lanes."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int64
from torch import Tensor

from timbrel.sound import Notes
from timbrel.synths.subtractive.curves import TICK
from timbrel.synths.subtractive.lanes import begin, play
from timbrel.synths.subtractive.noise import first_number
from timbrel.synths.subtractive.shaping import dc_keep
from timbrel.synths.subtractive.state import LANES, OFF_S, State, silent
from timbrel.synths.subtractive.voicing import COLUMN


def render_lanes(
    voicing: Float64[Tensor, "notes columns"],
    notes: Notes,
    off: Int64[Tensor, " notes"],
    ends: Int64[Tensor, " notes"],
    sample_rate: int,
) -> Float32[Tensor, "notes time"]:
    """All notes, each to its end in ticks: those that end together are made together."""
    audio = torch.empty(len(notes), int(ends.max()) * TICK)
    order = _together(voicing, ends).argsort(descending=True, stable=True)
    points = None if notes.bend_semitones is None else notes.bend_semitones.numpy()
    state = silent(1, sample_rate, 1 if points is None else points.shape[1], dc_keep(sample_rate))
    off_s = off.numpy() * TICK / sample_rate
    numbers = _as_signed(first_number(notes.pitch).numpy())
    for some in order.split(LANES):
        rows = np.full(LANES, -1)
        rows[: len(some)] = some.numpy()
        for lane in range(LANES):
            # lanes that are left over play along, unheard
            number = int(some[min(lane, len(some) - 1)])
            bend = None if points is None else points[number]
            _prepare(state, lane, voicing[number].numpy(), off_s[number], bend)
            begin(state, 0, lane, numbers[number])
        length = int(ends[some].max()) * TICK
        play(state, 0, rows, audio.numpy(), length)
        audio[some, length:] = 0.0
    return audio


def _together(
    voicing: Float64[Tensor, "notes columns"], ends: Int64[Tensor, " notes"]
) -> Int64[Tensor, " notes"]:
    """Notes of which one number is near are best made together: what none needs is left out."""
    is_round = voicing[:, [COLUMN["triangle1"], COLUMN["sine1"]]].any(1)
    is_wet = voicing[:, COLUMN["wet"]] > 0
    return 4 * ends + 2 * is_wet + is_round


def _prepare(
    state: State,
    lane: int,
    voicing: np.ndarray,
    off_s: float,
    bend: np.ndarray | None,
) -> None:
    state.voicing[0, lane::LANES] = voicing
    state.slow[0, lane::LANES] = 0.0
    state.slow[0, int(OFF_S) + lane] = off_s
    if bend is not None:
        state.bends[lane] = bend


def _as_signed(numbers: np.ndarray) -> np.ndarray:
    return (numbers & 0xFFFFFFFF).astype(np.uint32).view(np.int32).astype(np.int64)
