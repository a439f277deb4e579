"""What moves in a note, at ticks of `TICK` samples; between them everything is a straight line.

All envelopes are closed forms of the time since the note began: nothing is summed up but the
phases of the slow oscillators, so gradients reach every time and every amount.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64, Int, Int64
from torch import Tensor

from timbrel.sound import Notes
from timbrel.synths.subtractive.noise import noise_at
from timbrel.synths.subtractive.voicing import COLUMN, HIGHEST_CUTOFF
from timbrel.units import midi_to_hz

TICK = 32
LOWEST_CUTOFF_HZ = 20.0
HIGHEST_STEP = 0.44
"""Of an oscillator, in cycles per sample."""

NARROWEST, WIDEST = 0.03, 0.97
"""Of a pulse, in cycles: none is so thin that it is not heard."""

FADED = 0.2
"""Share of a reverb's tail in which it fades out."""

TURN = 2**32
"""A cycle, as a whole number: phases are exact, and wrap by themselves."""

_CURVE = Float64[Tensor, "notes ticks"]


@dataclass(frozen=True)
class Curves:
    """A note's numbers at its ticks.

    Attributes:
        steps: of oscillators 1, 2 and the two copies, in `TURN`s per sample, multiples of `TICK`.
        widths: of the pulses of oscillators 1 and 2, in the same.
        cutoff: the filter's tan(pi cutoff / sample rate).
        amp: amplitude.
        wet: how much of the reverb is heard.
    """

    steps: Int64[Tensor, "4 notes ticks"]
    widths: Int64[Tensor, "2 notes ticks"]
    cutoff: _CURVE
    amp: _CURVE
    wet: _CURVE


def off_ticks(notes: Notes, sample_rate: int) -> Int64[Tensor, " notes"]:
    """The tick at which each key is known to be up."""
    samples = (notes.duration_s.double() * sample_rate).round().long()
    return -(-samples.clamp(min=1) // TICK)


def end_ticks(
    voicing: Float64[Tensor, "notes columns"], off: Int[Tensor, " notes"], sample_rate: int
) -> Int64[Tensor, " notes"]:
    """The tick at which nothing sounds any more."""
    after_s = voicing[:, COLUMN["amp_release"]] + voicing[:, COLUMN["tail"]]
    return off + (after_s.detach() * sample_rate / TICK).ceil().long() + 1


def curves_of(
    voicing: Float64[Tensor, "notes columns"],
    notes: Notes,
    off: Int64[Tensor, " notes"],
    n_ticks: int,
    sample_rate: int,
) -> Curves:
    """All curves of notes with these voicings."""
    c = {name: voicing[:, column, None] for name, column in COLUMN.items()}
    time_s = torch.arange(n_ticks, dtype=torch.float64) * TICK / sample_rate
    off_s = off[:, None].double() * TICK / sample_rate
    lfo = _lfo(c, time_s, sample_rate)
    vibrato = (2 * torch.pi * _turns(c["vibrato_rate"], time_s, sample_rate)).sin() * c["vibrato"]
    moved = notes.bend_at(time_s).double() + c["lfo_semitones"] * lfo + vibrato
    sweep = (1 - (time_s / c["sweep_s"]).clamp(max=1)) ** 3
    first = c["semitones1"] + moved + c["sweep1"] * sweep
    second = c["semitones2"] + moved + c["sweep2"] * sweep
    first, second = midi_to_hz(first) / sample_rate, midi_to_hz(second) / sample_rate
    steps = torch.stack([first, second, first * c["sharper"], first * c["flatter"]])
    widths = torch.stack([c[f"width{o}"] + c[f"lfo_width{o}"] * lfo for o in (1, 2)])
    octaves = (
        c["cutoff"] + c["cutoff_lfo"] * lfo
        + c["cutoff_envelope"] * _envelope(c, "filter", time_s, off_s)
    )  # fmt: skip
    hz = torch.exp2(octaves).clamp(LOWEST_CUTOFF_HZ, HIGHEST_CUTOFF * sample_rate)
    amp = c["gain"] * (1 - c["amp_lfo"] * (0.5 - 0.5 * lfo))
    left_s = off_s + c["amp_release"] + c["tail"] - time_s
    return Curves(
        _whole(steps.clamp(1e-6, HIGHEST_STEP)),
        _whole(widths.clamp(NARROWEST, WIDEST)),
        (torch.pi * hz / sample_rate).tan(),
        amp * _envelope(c, "amp", time_s, off_s),
        c["wet"] * (left_s / (FADED * c["tail"] + 1e-3)).clamp(0, 1),
    )


def stretched(curve: Float[Tensor, "*any ticks"]) -> Float[Tensor, "*any time"]:
    """A curve of `ticks` + 1 as samples."""
    share = torch.arange(TICK, dtype=curve.dtype) / TICK
    left, grow = curve[..., :-1, None], curve.diff(dim=-1)[..., None]
    return (left + grow * share).flatten(-2)


def stretched_whole(curve: Int64[Tensor, "*any ticks"]) -> Int64[Tensor, "*any time"]:
    """The same of whole numbers, multiples of `TICK`: exact."""
    grow = curve.diff(dim=-1)[..., None] // TICK
    return (curve[..., :-1, None] + grow * torch.arange(TICK)).flatten(-2)


def _envelope(c: dict[str, Tensor], what: str, time_s: Tensor, off_s: Tensor) -> _CURVE:
    """Up by a parabola and down by cubics, which look like a capacitor's curves and do end."""
    held_s = torch.minimum(time_s, off_s)
    rise = (held_s / c[f"{what}_attack"]).clamp(max=1)
    fall = 1 - ((held_s - c[f"{what}_attack"]) / c[f"{what}_decay"]).clamp(0, 1)
    gone = 1 - ((time_s - off_s) / c[f"{what}_release"]).clamp(0, 1)
    sustain = c[f"{what}_sustain"]
    return rise * (2 - rise) * (sustain + (1 - sustain) * fall**3) * gone**3


def _lfo(c: dict[str, Tensor], time_s: Tensor, sample_rate: int) -> _CURVE:
    turns = _turns(c["lfo_rate"], time_s, sample_rate)
    place = turns - turns.floor()
    moved = (
        c["lfo_sine"] * (2 * torch.pi * turns).sin()
        + c["lfo_triangle"] * (1 - 4 * ((place + 0.25) - (place + 0.25).floor() - 0.5).abs())
        + c["lfo_saw"] * (1 - 2 * place)
        + c["lfo_square"] * torch.where(place < 0.5, 1.0, -1.0)
        + c["lfo_random"] * noise_at(turns.floor().long() + 1)  # of 0 it is 0
    )
    faded_in = (time_s / c["lfo_delay"].clamp(min=1e-3)).clamp(max=1)
    return moved * faded_in**2


def _turns(rate_hz: Tensor, time_s: Tensor, sample_rate: int) -> _CURVE:
    """Summed tick by tick, as a slow oscillator does: a product would round otherwise."""
    step = (rate_hz * (TICK / sample_rate)).expand(-1, len(time_s) - 1)
    return torch.cat([torch.zeros_like(rate_hz), step], 1).cumsum(1)


def _whole(cycles: Tensor) -> Int64[Tensor, "oscillators notes ticks"]:
    return (cycles.detach() * (TURN / TICK)).round().long() * TICK
