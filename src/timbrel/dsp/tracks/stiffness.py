"""Partials that are no harmonics: where bells, bars and stiff strings have theirs."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.units import amplitude_to_db

_LONGEST_S = 0.5
_REACH = 0.45
_LEAST_OFFSET, _AGREE = 0.02, 0.03
_DEEPEST_DB = 45.0
_CLEAR_DB = 15.0
_MOST_PARTIALS = 64


def partial_offsets(
    audio: Float[Tensor, " time"], sample_rate: int, f0_hz: float, n_partials: int
) -> Float[Tensor, " partials"]:
    """How far partial k lies from k f0, in units of f0; 0 where it is a harmonic or unheard.

    The loudest peak within 0.45 f0 of each harmonic, in two spectra half a window apart. It counts
    where both agree on its place, it stands 15 dB out of its surroundings and within 45 dB of the
    loudest: offsets heard in noise make a sound worse, not better.

    >>> time = torch.arange(16000) / 16000
    >>> bell = torch.sin(2 * torch.pi * 400 * time) + torch.sin(2 * torch.pi * 1104 * time)
    >>> partial_offsets(bell, 16000, 400.0, 3)
    tensor([ 0.0000,  0.0000, -0.2400])
    """
    length = int(min(len(audio) / sample_rate / 2, _LONGEST_S) * sample_rate)
    offsets = torch.zeros(n_partials)
    n_heard = min(n_partials, _MOST_PARTIALS)
    if length < 4 * sample_rate / f0_hz:
        return offsets
    start = _loud_sample(audio, sample_rate, len(audio) - 2 * length)
    early, late = (
        _peaks(audio[begin : begin + length], sample_rate, f0_hz, n_heard)
        for begin in (start, start + length // 2)
    )
    level_db = torch.maximum(early[1], late[1])
    counts = (early[0] - late[0]).abs() < _AGREE
    counts &= torch.minimum(early[2], late[2]) > _CLEAR_DB
    counts &= level_db > level_db.max() - _DEEPEST_DB
    found = (early[0] + late[0]) / 2
    counts &= found.abs() > _LEAST_OFFSET
    offsets[:n_heard] = torch.where(counts, found, 0.0)
    return offsets


def _loud_sample(audio: Tensor, sample_rate: int, latest: int) -> int:
    """Where to begin listening: just after the sound first comes near its loudest."""
    width = round(0.02 * sample_rate)
    power = torch.nn.functional.avg_pool1d(audio.square()[None], width, width)[0]
    first = int((power > 0.25 * power.max()).int().argmax()) * width
    return max(0, min(first + round(0.03 * sample_rate), latest))


def _peaks(
    audio: Float[Tensor, " time"], sample_rate: int, f0_hz: float, n_partials: int
) -> tuple[Float[Tensor, " partials"], Float[Tensor, " partials"], Float[Tensor, " partials"]]:
    """Offset of the loudest peak in each harmonic's stretch, its level, its height above it."""
    n_fft = 4 << (len(audio) - 1).bit_length()
    bin_hz = sample_rate / n_fft
    spectrum = torch.fft.rfft(audio * torch.hann_window(len(audio)), n_fft).abs()
    level_db = amplitude_to_db(spectrum + 1e-9)
    width = round(2 * _REACH * f0_hz / bin_hz)
    firsts = ((torch.arange(1, n_partials + 1) - _REACH) * f0_hz / bin_hz).round().long()
    bins = (firsts[:, None] + torch.arange(width)).clamp(1, len(spectrum) - 2)
    stretch = level_db[bins]
    peak = bins.gather(1, stretch.argmax(1, keepdim=True))[:, 0]
    left, middle, right = (level_db[peak + step] for step in (-1, 0, 1))
    curvature = (left - 2 * middle + right).clamp(max=-1e-6)
    place = peak + (0.5 * (left - right) / curvature).clamp(-0.5, 0.5)
    offset = place * bin_hz / f0_hz - torch.arange(1, n_partials + 1)
    return offset, middle, middle - stretch.median(1).values
