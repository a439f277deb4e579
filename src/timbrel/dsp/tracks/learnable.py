"""Rendering through which levels are learned: compiled in both directions.

`synthesise` passes gradients to everything and costs 10 ns for a harmonic and sample, forth and
back several times that. Models that are told the pitch want them for levels alone.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from timbrel.dsp.tracks.adjoint import gather
from timbrel.dsp.tracks.kernel import play
from timbrel.dsp.tracks.rendering import whole_note
from timbrel.dsp.tracks.state import State
from timbrel.dsp.tracks.synthesis import below_nyquist, flat, rows_of
from timbrel.dsp.tracks.tracks import Tracks, amplitude_of


def render_levels(
    tracks: Tracks,
    sample_rate: int,
    *,
    length: int | None = None,
    start: Float[Tensor, "*#batch harmonics"] | None = None,
    noise_start: Int[Tensor, "*#batch"] | None = None,
) -> Float[Tensor, "*batch time"]:
    """What `render_tracks` returns; gradients reach the levels of partials and of steady noise.

    None reaches f0, the offsets and the burst. Computed on the CPU, a note on each of torch's
    threads; on another device `synthesise` is the way. Arguments as there.

    >>> from dataclasses import replace
    >>> from timbrel.dsp.tracks.tracks import silence
    >>> level_db = torch.full((201, 3), -20.0, requires_grad=True)
    >>> note = replace(silence(frames=201, harmonics=3, bands=40), harmonic_db=level_db)
    >>> render_levels(note, 16000).square().mean().backward()
    >>> level_db.grad.shape
    torch.Size([201, 3])
    """
    length = round(tracks.duration_s * sample_rate) if length is None else length
    notes = flat(tracks)
    rows, turns = rows_of(noise_start, tracks.batch, 0), rows_of(start, tracks.batch)
    takes = [0] * len(notes.f0_hz) if rows is None else rows.tolist()
    starts = None if turns is None else turns.detach().numpy()
    # dB and the fade below Nyquist are torch's to differentiate: amplitudes are what is rendered
    cycles = (torch.arange(1, notes.n_harmonics + 1) + notes.offset)[:, None] * (
        notes.f0_hz.nan_to_num(0.0).clamp_min(0.0)[..., None] / sample_rate
    )
    level = amplitude_of(notes.harmonic_db) * below_nyquist(cycles)
    gain = amplitude_of(notes.noise_db)
    audio = _Rendered.apply(level, gain, _Notes(notes, sample_rate, length, starts, takes))
    return audio.reshape(*tracks.batch, length)


class _Notes:
    """What a rendering is made of, its amplitudes apart; the same voices for both directions."""

    def __init__(
        self, notes: Tracks, sample_rate: int, length: int, starts: np.ndarray | None,
        takes: list[int],
    ) -> None:  # fmt: skip
        self.notes = notes.map(lambda curve: curve.detach().float().contiguous())
        self.sample_rate, self.length = sample_rate, length
        self.starts, self.takes = starts, takes

    def voice(self, row: int, level: np.ndarray, gain: np.ndarray) -> State:
        start = None if self.starts is None else self.starts[row]
        state = whole_note(self.notes[row], self.sample_rate, start, self.takes[row], "all")
        state.level[0], state.gain[0] = level[row], gain[row, :, : state.gain.shape[2]]
        return state

    def each(self, work: Callable[[int], None]) -> None:
        """Work done for every row, on as many threads as torch has."""
        rows, n_threads = range(len(self.takes)), torch.get_num_threads()
        if n_threads == 1 or len(rows) == 1:
            for row in rows:
                work(row)
            return
        with ThreadPoolExecutor(n_threads) as pool:
            list(pool.map(work, rows))


class _Rendered(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, level: Tensor, gain: Tensor, notes: _Notes) -> Tensor:
        ctx.save_for_backward(level, gain)
        ctx.notes = notes
        levels, gains = level.detach().numpy(), gain.detach().numpy()
        audio = np.zeros((len(levels), notes.length), np.float32)
        notes.each(lambda row: play(notes.voice(row, levels, gains), audio[row]))
        return torch.from_numpy(audio)

    @staticmethod
    def backward(ctx: Any, *wanted: Tensor) -> tuple[Tensor, Tensor, None]:
        level, gain = ctx.saved_tensors
        levels, gains, notes = level.numpy(), gain.numpy(), ctx.notes
        of_level, of_gain = np.zeros_like(levels), np.zeros_like(gains)
        sound = np.ascontiguousarray(wanted[0].numpy(), np.float32)
        notes.each(
            lambda row: gather(
                notes.voice(row, levels, gains), sound[row], of_level[row], of_gain[row]
            )
        )
        return torch.from_numpy(of_level), torch.from_numpy(of_gain), None
