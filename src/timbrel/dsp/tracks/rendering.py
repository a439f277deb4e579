"""Whole notes, played by compiled code: `synthesise` without gradients, some 60 times as fast."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from timbrel.dsp.tracks.kernel import play, push
from timbrel.dsp.tracks.state import NEVER, State, silent_voices
from timbrel.dsp.tracks.synthesis import Hear, flat, rows_of
from timbrel.dsp.tracks.tracks import SILENT_DB, Tracks, amplitude_of


def render_tracks(
    tracks: Tracks,
    sample_rate: int,
    *,
    length: int | None = None,
    start: Float[Tensor, "*#batch harmonics"] | None = None,
    noise_start: Int[Tensor, "*#batch"] | None = None,
    hear: Hear = "all",
) -> Float[Tensor, "*batch time"]:
    """What `synthesise` returns (within 2e-5), compiled: 0.2 ns for a harmonic and sample.

    On the CPU, one note after the other; gradients do not pass. Arguments as there.

    >>> from timbrel.dsp.tracks.tracks import silence
    >>> render_tracks(silence(2, frames=201, harmonics=3, bands=40), 16000).shape
    torch.Size([2, 16000])
    """
    length = round(tracks.duration_s * sample_rate) if length is None else length
    notes = flat(tracks).map(lambda curve: curve.detach().cpu().float().contiguous())
    rows = len(notes.f0_hz)
    audio = np.zeros((rows, length), np.float32)
    starts, takes = rows_of(start, tracks.batch), rows_of(noise_start, tracks.batch, 0)
    for row in range(rows):
        take = 0 if takes is None else int(takes[row])
        turn = None if starts is None else starts[row].detach().cpu().numpy()
        play(whole_note(notes[row], sample_rate, turn, take, hear), audio[row])
    return torch.from_numpy(audio).reshape(*tracks.batch, length).to(tracks.f0_hz)


def whole_note(
    note: Tracks, sample_rate: int, start: np.ndarray | None, noise_start: int, hear: Hear
) -> State:
    """One voice that has been given all of its frames."""
    state = silent_voices(
        1, sample_rate, note.frame_rate,
        n_harmonics=note.n_harmonics, n_bands=note.n_bands, n_frames=note.n_frames,
    )  # fmt: skip
    state.of["is_sounding"], state.of["fade_at"] = True, NEVER
    state.ratio[0] = np.arange(1, note.n_harmonics + 1) + note.offset.double().numpy()
    state.phase[0] = 0.0 if start is None else start
    state.noise_at[0] = noise_start % state.loops
    harmonic_db, noise_db = note.harmonic_db.numpy(), note.noise_db.numpy()
    if hear == "harmonic":
        noise_db = np.full_like(noise_db, SILENT_DB)
    else:
        burst = amplitude_of(note.transient_db).numpy()[:, : len(state.loops)]
        state.burst[0, :-1], state.of["has_burst"] = burst, bool((burst > 0).any())
    if hear == "noise":
        harmonic_db = np.full_like(harmonic_db, SILENT_DB)
    push(state, 0, note.f0_hz.numpy(), harmonic_db, noise_db, float(sample_rate))
    return state
