"""From tracks to audio, as tensors: the definition, and the way along which gradients flow.

With hop = sample_rate / frame_rate samples between frames (it need not be whole), and u = n - t hop
the samples since frame t, f0 is linear from frame to frame and its integral is exact:

    cycles(n) = cycles_t + (f_t u + (f_t+1 - f_t) u^2 / (2 hop)) / sample_rate
    cycles_t+1 = cycles_t + hop (f_t + f_t+1) / (2 sample_rate)

    harmonic(n) = sum over k of a_k(n) sin 2 pi (start_k + (k + offset_k) cycles(n))
    noise(n)    = sum over b of g_b(n) bank_b(n + noise_start)
    burst(n)    = the same with gains that move each tick, read half a loop away

a, g are linear between frames in amplitude, not in dB: a fade to silence is a ramp to 0. A partial
fades over the last 5 % below Nyquist and is silent from there on. After the last frame all values
hold on, but for the burst, which ends one tick after its last.

A partial's phase is needed to 1e-6 of a cycle after 1e5 cycles: more than single precision has. It
is summed over frames, not samples, in double precision, partial by partial (an offset is not whole,
so the fundamental's own phase may not be wrapped first), and wrapped at each frame. Where a device
has no double precision the few numbers per frame are summed on the CPU; what is left to add within
a frame is small.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from timbrel.dsp.tracks.noise import noise_bank
from timbrel.dsp.tracks.tracks import TRANSIENT_RATE, Tracks, amplitude_of

Hear = Literal["all", "harmonic", "noise"]

FADE_FROM = 0.475
"""Cycles per sample at which a partial begins to fade; at 0.5 it is silent."""


def synthesise(
    tracks: Tracks,
    sample_rate: int,
    *,
    length: int | None = None,
    start: Float[Tensor, "*#batch harmonics"] | None = None,
    noise_start: Int[Tensor, "*#batch"] | None = None,
    hear: Hear = "all",
) -> Float[Tensor, "*batch time"]:
    """Audio of tracks; gradients reach f0, all levels and the offsets.

    The slow way (some 10 ns for a harmonic and sample): `render_tracks` is the fast one. With
    gradients, each partial is computed twice instead of being kept: memory is a few times the
    audio's, not the harmonics'.

    Args:
        tracks: notes; bands that the sample rate has no room for are left out.
        sample_rate: of the audio, in Hz.
        length: samples to return; by default up to the last frame.
        start: phase of each partial at 0 s in cycles; 0 by default (sines).
        noise_start: sample of the noise bank that each note begins at; 0 by default. Another one
            gives another take.
        hear: all, the harmonics alone, or noise and burst alone.

    >>> from timbrel.dsp.tracks.tracks import silence
    >>> synthesise(silence(2, frames=201, harmonics=3, bands=40), 16000).shape
    torch.Size([2, 16000])
    """
    length = round(tracks.duration_s * sample_rate) if length is None else length
    notes = flat(tracks)
    audio = notes.f0_hz.new_zeros(len(notes.f0_hz), length)
    if hear != "noise":
        audio = audio + _harmonics(notes, sample_rate, rows_of(start, tracks.batch), audio)
    if hear != "harmonic":
        audio = audio + _noise(notes, sample_rate, rows_of(noise_start, tracks.batch, 0), audio)
    return audio.reshape(*tracks.batch, length)


def flat(tracks: Tracks) -> Tracks:
    """The batch as one axis."""
    dims = len(tracks.batch)
    return tracks.map(lambda x: x.reshape(math.prod(x.shape[:dims]), *x.shape[dims:]))


def rows_of(values: Tensor | None, batch: tuple[int, ...], own: int = 1) -> Tensor | None:
    """Values that spread over the batch, one row a note; `own` axes are not the batch's."""
    if values is None:
        return None
    shape = values.shape[values.ndim - own :]
    return values.expand((*batch, *shape)).reshape(math.prod(batch), *shape)


def below_nyquist(cycles_per_sample: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """Gain of a partial: 1, from 0.475 on a raised cosine, from 0.5 on 0; 0 also at 0 and below.

    >>> below_nyquist(torch.tensor([0.0, 0.1, 0.4875, 0.5]))
    tensor([0.0000, 1.0000, 0.5000, 0.0000])
    """
    way = ((cycles_per_sample - FADE_FROM) / (0.5 - FADE_FROM)).clamp(0, 1)
    return (0.5 + 0.5 * (math.pi * way).cos()) * ((cycles_per_sample > 0) & (way < 1))


@dataclass(frozen=True, eq=False)
class _Between:
    """Where each sample stands between points of a curve."""

    left: Int[Tensor, " time"]
    right: Int[Tensor, " time"]
    since: Float[Tensor, " time"]  # samples since the left point
    apart: float  # samples between points

    def __call__(self, curve: Float[Tensor, "notes points"]) -> Float[Tensor, "notes time"]:
        share = (self.since / self.apart).to(curve)
        return torch.lerp(curve[:, self.left], curve[:, self.right], share)


def _between(length: int, apart: float, n_points: int, device: torch.device) -> _Between:
    time = torch.arange(length, dtype=torch.float64)
    left = (time / apart).floor().clamp(max=n_points - 1)
    since = (time - left * apart).to(_finest(device)).to(device)
    left = left.long().to(device)
    return _Between(left, (left + 1).clamp(max=n_points - 1), since, apart)


def _finest(device: torch.device) -> torch.dtype:
    """The widest floats of a device: Apple's GPUs have no double precision."""
    return torch.float32 if device.type == "mps" else torch.float64


def _harmonics(notes: Tracks, sample_rate: int, start: Tensor | None, audio: Tensor) -> Tensor:
    device = audio.device
    wide, hop = _finest(device), sample_rate / notes.frame_rate
    between = _between(audio.shape[1], hop, notes.n_frames, device)
    step = notes.f0_hz.nan_to_num(0.0).clamp_min(0.0).to(wide) / sample_rate
    order = torch.arange(1, notes.n_harmonics + 1, device=device, dtype=wide)
    ratio = order + notes.offset.to(wide)
    level = amplitude_of(notes.harmonic_db)
    level = level * below_nyquist(ratio[:, None] * step[..., None]).to(level)
    turn = _turns_at_frames(step, ratio, hop, start)
    grow = (step[:, between.right] - step[:, between.left]) / (2 * hop)
    cycles = (step[:, between.left] + grow * between.since) * between.since

    def partial(level: Tensor, turn: Tensor, ratio: Tensor, cycles: Tensor) -> Tensor:
        phase = (turn[:, between.left] + ratio[:, None] * cycles) % 1.0
        return between(level) * (2 * math.pi * phase).sin().to(level)

    sound = torch.zeros_like(audio)
    keep = torch.is_grad_enabled()
    for k in level.detach().amax((0, 1)).nonzero()[:, 0].tolist():
        curves = level[..., k], turn[..., k], ratio[:, k], cycles
        one = checkpoint(partial, *curves, use_reentrant=False) if keep else partial(*curves)
        sound = sound + one
    return sound


def _turns_at_frames(step: Tensor, ratio: Tensor, hop: float, start: Tensor | None) -> Tensor:
    """Phase of each partial at each frame, in cycles, wrapped: [notes frames harmonics]."""
    device, dtype = step.device, step.dtype
    if dtype != torch.float64:
        step, ratio = step.cpu().double(), ratio.cpu().double()
    passed = torch.cumsum((step[:, 1:] + step[:, :-1]) * (hop / 2), 1)
    passed = torch.cat([torch.zeros_like(step[:, :1]), passed], 1)
    turn = passed[..., None] * ratio[:, None]
    if start is not None:
        turn = turn + start.to(turn)[:, None]
    return (turn % 1.0).to(dtype).to(device)


def _noise(notes: Tracks, sample_rate: int, begin: Tensor | None, audio: Tensor) -> Tensor:
    length, device = audio.shape[1], audio.device
    bank, lengths = _bank_on(sample_rate, device)
    apart = sample_rate / TRANSIENT_RATE
    burst = torch.nn.functional.pad(amplitude_of(notes.transient_db), (0, 0, 0, 1))
    steady = amplitude_of(notes.noise_db)
    struck = min(length, math.ceil(apart * (burst.shape[1] - 1)))
    of_steady = _between(length, sample_rate / notes.frame_rate, notes.n_frames, device)
    of_burst = _between(struck, apart, burst.shape[1], device)
    begin = torch.zeros(len(audio), 1, device=device) if begin is None else begin[:, None]
    time = begin.long() + torch.arange(length, device=device)
    sound = torch.zeros_like(audio)
    for band in range(min(notes.n_bands, len(lengths))):
        loop = bank[band, : lengths[band]].to(audio)
        if bool((steady[..., band] > 0).any()):
            sound = sound + of_steady(steady[..., band]) * loop[time % len(loop)]
        if bool((burst[..., band] > 0).any()):
            place = time[:, :struck] + len(loop) // 2
            hit = of_burst(burst[..., band]) * loop[place % len(loop)]
            sound = sound + torch.nn.functional.pad(hit, (0, length - struck))
    return sound


@lru_cache(maxsize=4)
def _bank_on(sample_rate: int, device: torch.device) -> tuple[Tensor, list[int]]:
    bank = noise_bank(sample_rate)
    return torch.from_numpy(bank.samples).to(device), bank.lengths.tolist()
