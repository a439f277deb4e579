"""The room behind the notes: two all-passes, and four delays that feed one another.

Every note has a room of its own, so that whatever a patch says of it holds for its notes only. The
delays are the same for all rooms: what differs is how long they ring, and how dark.
"""

from __future__ import annotations

import torch
from jaxtyping import Float64
from torch import Tensor

from timbrel.synths.subtractive.shaping import Smoother
from timbrel.synths.subtractive.voicing import LINES_S

SPREADS_S = (0.0049, 0.0123)
"""The delays of the all-passes."""

SPREAD = 0.6

_Sound = Float64[Tensor, "notes time"]
_Number = Float64[Tensor, "notes 1"]


def delays(sample_rate: int) -> tuple[int, ...]:
    """Of the all-passes, then of the lines, in samples."""
    return tuple(max(32, round(delay_s * sample_rate)) for delay_s in (*SPREADS_S, *LINES_S))


def room(
    sound: _Sound, feedback: Float64[Tensor, "notes 4"], absorb: _Number, sample_rate: int
) -> _Sound:
    """What comes back.

    Args:
        sound: what is heard in the room.
        feedback: what is left after each line.
        absorb: share of a low-pass that each line's end goes through.
        sample_rate: in Hz.
    """
    *spreads, a, b, c, d = delays(sample_rate)
    for delay in spreads:
        sound = _all_pass(sound, delay)
    lines = [torch.zeros(len(sound), n, dtype=sound.dtype) for n in (a, b, c, d)]
    last = [torch.zeros(len(sound), 1, dtype=sound.dtype) for _ in lines]
    smoother, out = Smoother(absorb), []
    for block in sound.split(min(a, Smoother.SIZE), 1):
        n = block.shape[1]
        ends = [line[:, :n] for line in lines]
        damped = []
        for i, end in enumerate(ends):
            dull = smoother(end, last[i])
            last[i] = dull[:, -1:]
            damped.append(dull * feedback[:, i : i + 1])
        out.append(0.5 * (ends[0] - ends[1] + ends[2] - ends[3]))
        fed = [block + back for back in _mixed(*damped)]
        lines = [torch.cat([line[:, n:], new], 1) for line, new in zip(lines, fed, strict=True)]
    return torch.cat(out, 1)


def _mixed(a: _Sound, b: _Sound, c: _Sound, d: _Sound) -> tuple[_Sound, ...]:
    """Turned by a Hadamard matrix: what goes in comes out as loud."""
    s, t, u, v = a + b, a - b, c + d, c - d
    return 0.5 * (s + u), 0.5 * (t + v), 0.5 * (s - u), 0.5 * (t - v)


def _all_pass(sound: _Sound, delay: int) -> _Sound:
    late = torch.zeros(len(sound), delay, dtype=sound.dtype)
    out = []
    for block in sound.split(delay, 1):
        fed = block + SPREAD * late[:, : block.shape[1]]
        out.append(late[:, : block.shape[1]] - SPREAD * fed)
        late = fed
    return torch.cat(out, 1)
