"""Oscillators whose edges are as smooth as the sample rate wants them: defined on tensors.

A saw jumps when its phase p wraps; a pulse of width w is the saw of p - w less the saw of p, and so
has no DC; a triangle has a corner at 1/4 and another at 3/4. An edge that came `a` samples ago adds
to four samples the difference between a band-limited edge and a plain one: the running integral of
a cubic B-spline (the polyBLEP of 4 points, Valimaki, Pekonen and Nam 2012) for a jump, and its
integral for a corner. The spline's droop towards the top is taken back by `brightened`.

A hard sync is one more edge, as high as the wave has got when its master wraps.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float64, Int64
from torch import Tensor

from timbrel.synths.subtractive.curves import TURN

STARTS = (0.0, 0.0, 0.31, 0.67)
"""Phases in cycles at which oscillators 1, 2 and the two copies begin."""

BRIGHTER = 0.2
_HALF, _QUARTER = TURN // 2, TURN // 4

_Phase = Int64[Tensor, "notes time"]
_Sound = Float64[Tensor, "notes time"]
_Longer = Float64[Tensor, "notes longer"]


@dataclass(frozen=True)
class Wave:
    """Weights of what an oscillator mixes."""

    saw: Float64[Tensor, "notes 1"]
    pulse: Float64[Tensor, "notes 1"]
    triangle: Float64[Tensor, "notes 1"]
    sine: Float64[Tensor, "notes 1"]


@dataclass(frozen=True)
class Resets:
    """Where a master wrapped.

    Attributes:
        happen: at which samples.
        ago: samples since then, 0..1; 0 where none happens.
    """

    happen: Bool[Tensor, "notes time"]
    ago: _Sound


def oscillate(
    wave: Wave, step: _Phase, width: _Phase, start: float, resets: Resets | None = None
) -> tuple[_Sound, _Phase]:
    """A wave, two samples late, and its phase."""
    before, reached, after = _phases(step, round(start * TURN), resets)
    width_before = torch.cat([width[:, :1], width[:, :-1]], 1)
    ago = torch.zeros_like(step, dtype=torch.float64) if resets is None else resets.ago
    out = torch.zeros(step.shape[0], step.shape[1] + 4, dtype=torch.float64)
    out[:, 2:-2] += _plain(wave, after, after - width)
    pieces = [(before, width_before, reached, ago)]
    if resets is not None:
        _add_jump(out, wave, reached, width, step, resets)
        from_start = torch.where(resets.happen, 0, after)
        pieces.append((from_start, width, after, torch.zeros_like(ago)))
    for begin, width_begin, end, end_ago in pieces:
        _add_edges(out, wave, step, (begin, width_begin), (end, width), end_ago)
    return out[:, :-4], after


def brightened(sound: _Sound) -> _Sound:
    """Takes back most of the spline's droop, a sample late."""
    padded = torch.nn.functional.pad(sound, (2, 0))
    outer = padded[:, 2:] + padded[:, :-2]
    return (1 + 2 * BRIGHTER) * padded[:, 1:-1] - BRIGHTER * outer


def wraps(phase: _Phase, step: _Phase) -> Resets:
    """Where a phase wraps."""
    phase, last = signed(phase), signed(phase - step)
    happen = phase < last
    ago = torch.where(happen, (phase + _HALF).double() / step, 0.0)
    return Resets(happen, ago)


def signed(phase: Int64[Tensor, "*any"]) -> Int64[Tensor, "*any"]:
    """A phase within half a cycle of 0."""
    return (phase + _HALF) % TURN - _HALF


def cycles(phase: Int64[Tensor, "*any"]) -> Float64[Tensor, "*any"]:
    """The same in cycles."""
    return signed(phase).double() / TURN


def _phases(step: _Phase, start: int, resets: Resets | None) -> tuple[_Phase, _Phase, _Phase]:
    """At the sample before, just before a reset, and at the sample."""
    total = start + step.cumsum(1)
    if resets is None:
        return total - step, total, total
    number = torch.where(resets.happen, torch.arange(step.shape[1]), -1).cummax(1).values
    place = number.clamp(min=0)
    fresh = (resets.ago * step).floor().long()
    since = total - total.gather(1, place) + fresh.gather(1, place)
    after = torch.where(number >= 0, since, total)
    before = torch.cat([torch.full_like(after[:, :1], start), after[:, :-1]], 1)
    return before, torch.where(resets.happen, before + step - fresh, before + step), after


def _plain(wave: Wave, phase: _Phase, phase_to_width: _Phase) -> _Sound:
    p, q = cycles(phase), cycles(phase_to_width)
    triangle = 1 - 4 * cycles(phase - _QUARTER).abs()
    return (
        wave.saw * 2 * p + wave.pulse * 2 * (q - p)
        + wave.triangle * triangle + wave.sine * (2 * torch.pi * p).sin()
    )  # fmt: skip


def _add_jump(
    out: _Longer, wave: Wave, reached: _Phase, width: _Phase, step: _Phase, resets: Resets
) -> None:
    """The edge of a reset, from wherever the wave is to where it starts."""
    start = torch.zeros_like(reached)
    height = _plain(wave, start, start - width) - _plain(wave, reached, reached - width)
    up = torch.where(cycles(reached - _QUARTER) < 0, 4.0, -4.0)
    steeper = wave.triangle * (4.0 - up)
    steeper = steeper + wave.sine * 2 * torch.pi * (1 - (2 * torch.pi * cycles(reached)).cos())
    slope = steeper * step.double() / TURN
    _add_edge(out, resets.happen, resets.ago, height, slope)


def _add_edges(
    out: _Longer,
    wave: Wave,
    step: _Phase,
    begin: tuple[_Phase, _Phase],
    end: tuple[_Phase, _Phase],
    end_ago: _Sound,
) -> None:
    """All edges between two moments of a phase and a width, the later one so long ago."""
    (p, w), (p_end, w_end) = begin, end
    moved, step_cycles = p_end - p, step.double() / TURN
    flat = torch.zeros_like(end_ago)
    wrapped, ago = _crossing(p, moved, step)
    _add_edge(out, wrapped, ago + end_ago, 2 * (wave.pulse - wave.saw) + flat, flat)
    relative = moved - (w_end - w)
    wrapped, ago = _crossing(p - w, relative, step - (w_end - w))
    _add_edge(out, wrapped, ago + end_ago, -2 * wave.pulse * relative.sign(), flat)
    for corner, slope in ((_QUARTER, -8.0), (-_QUARTER, 8.0)):
        wrapped, ago = _crossing(p - corner + _HALF, moved, step)
        _add_edge(out, wrapped, ago + end_ago, flat, slope * wave.triangle * step_cycles)


def _crossing(begin: _Phase, moved: _Phase, step: _Phase) -> tuple[Tensor, _Sound]:
    """Whether a phase wraps, forward or back, and how many samples ago at so many a step."""
    end = signed(begin) + moved
    forward, back = end >= _HALF, end < -_HALF
    beyond = torch.where(forward, end - _HALF, end + _HALF + 1)
    return forward | back, (beyond.double() / torch.where(step == 0, 1, step)).clamp(0, 1)


def _add_edge(
    out: _Longer, happen: Bool[Tensor, "notes time"], ago: _Sound, height: _Sound, slope: _Sound
) -> None:
    a = torch.where(happen, ago, 0.0)
    b = 1 - a
    height, slope = height * happen, slope * happen
    jumps = (a**4 / 24, _rising(a), -_rising(b), -(b**4) / 24)
    corners = (a**5 / 120, _bending(a), _bending(b), b**5 / 120)
    length = out.shape[1] - 4
    for k, (jump, corner) in enumerate(zip(jumps, corners, strict=True)):
        out[:, k : k + length] += height * jump + slope * corner


def _rising(u: _Sound) -> _Sound:
    """The integral of the spline's second piece."""
    return 1 / 24 + u * (1 / 6 + u * (1 / 4 + u * (1 / 6 - u / 8)))


def _bending(u: _Sound) -> _Sound:
    """And its integral."""
    return 1 / 120 + u * (1 / 24 + u * (1 / 12 + u * (1 / 12 + u * (1 / 24 - u / 40))))
