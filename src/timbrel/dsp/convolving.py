"""A long response heard live: `dsp.room.convolved`, block by block and without latency.

Uniform partitions of B samples (Gardner 1995; Wefers 2015, ch. 5), their borders at multiples of B
of all that was heard, wherever the blocks begin:

    answer j = last half of sum over p >= 1 of H_p X_(j-p)     X_i: partitions i - 1 and i

X_(j-1) is known when partition j begins: a response that is silent for B samples has no H_0, and
asks for nothing that is yet to come. All but p = 1 is summed up while partition j - 1 is heard, so
many products to a sample that they are done at its end; the border is left with one transform
forth and one back.

Two real halves are one complex number: with t^B = i, polynomials modulo t^2B + 1 are polynomials
in C of half the degree, and t = w s with w = e^(i pi / 2B) makes these cyclic ("right-angle
convolution", Nussbaumer 1982). So B complex points do for 2B real ones, all of them alike, and
what wraps around does so into the half that is thrown away. Transforms leave and take their points
in bit-reversed order, in which nobody looks at them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32

from timbrel.dsp.compiling import kernel, part

_SHORTEST, _LONGEST = 16, 1024
"""Of partitions. Longer ones cost less, but all at once at their borders."""

_CLOCK = np.dtype([("at", "i8"), ("parts", "i8"), ("added", "i8")], align=True)
"""Samples heard of this partition, partitions before it, products in its sum."""

_RE, _IM = 0, 1


class Convolving(NamedTuple):
    """All that a `Convolver` knows; complex rows are two rows, real and imaginary."""

    of: np.ndarray  # what `_CLOCK` says, one row
    response: np.ndarray  # [parts 2 points] H, the first one silent
    heard: np.ndarray  # [parts 2 points] ring of X
    total: np.ndarray  # [2 points] the sum, so far
    recent: np.ndarray  # [2 points] the partition before, and this one
    answer: np.ndarray  # [points] what is heard during this one
    turns: np.ndarray  # [2 points] w^n
    twiddles: np.ndarray  # [2 points] of each stage: e^(-i pi k / half) at half + k


class Convolver:
    """What comes back from a room, for a sound that comes block by block.

    Args:
        response: of the room; it is silent for 16 samples at least, the longer the cheaper.

    Raises:
        ValueError: it is not.

    >>> convolver, out = Convolver(np.eye(1, 100, 64)[0]), np.zeros(80, np.float32)
    >>> convolver.process(np.eye(1, 80, 3, dtype=np.float32)[0], out)
    >>> int(out.argmax()), round(float(out.max()), 6)
    (67, 1.0)
    """

    def __init__(self, response: Float[np.ndarray, " taps"]) -> None:
        size = _partition(response)
        n_parts = max(2, -(-len(response) // size))
        self._state = _silence(n_parts, size)
        for number in range(1, n_parts):
            own = response[number * size : (number + 1) * size]
            recent = np.zeros((2, size), np.float32)
            recent[0, : len(own)] = own / size
            _transform(recent, self._state, self._state.response[number])
        self.process(np.zeros(0, np.float32), np.zeros(0, np.float32))

    @property
    def partition(self) -> int:
        """Samples of a partition."""
        return len(self._state.answer)

    def process(
        self, sound: Float32[np.ndarray, " time"], out: Float32[np.ndarray, " time"]
    ) -> None:
        """Write what comes back while these samples are heard; `out` may not be `sound`."""
        convolve(self._state, sound, out)

    def silence(self) -> None:
        """Forget all that was heard."""
        self._state.of[0] = 0
        for array in (self._state.heard, self._state.total, self._state.recent, self._state.answer):
            array[:] = 0.0


def _partition(response: np.ndarray) -> int:
    """The longest partition for which it is silent."""
    sounding = np.flatnonzero(response)
    silent = int(sounding[0]) if len(sounding) else _LONGEST
    if silent < _SHORTEST:
        raise ValueError(f"the response begins after {silent} samples, wanted {_SHORTEST} or more")
    return min(1 << (silent.bit_length() - 1), _LONGEST)


def _silence(n_parts: int, size: int) -> Convolving:
    def single(*shape: int) -> np.ndarray:
        return np.zeros(shape, np.float32)

    twiddles = np.ones(size, np.complex128)
    for stage in range(size.bit_length() - 1):
        half = 1 << stage
        twiddles[half : 2 * half] = np.exp(-1j * np.pi * np.arange(half) / half)
    turns = np.exp(0.5j * np.pi * np.arange(size) / size)
    return Convolving(
        of=np.zeros(1, _CLOCK),
        response=single(n_parts, 2, size), heard=single(n_parts, 2, size),
        total=single(2, size), recent=single(2, size), answer=single(size),
        turns=_parted(turns), twiddles=_parted(twiddles),
    )  # fmt: skip


def _parted(numbers: np.ndarray) -> np.ndarray:
    return np.stack([np.real(numbers), np.imag(numbers)]).astype(np.float32)


@kernel
def convolve(state, sound, out):
    """Writes what comes back while some samples are heard."""
    of, size, n_parts, done = state.of[0], len(state.answer), len(state.heard), 0
    while done < len(sound):
        length = min(len(sound) - done, size - of.at)
        for i in range(length):
            state.recent[1, of.at + i] = sound[done + i]
            out[done + i] = state.answer[of.at + i]
        done += length
        of.at += length
        _add_until(state, (n_parts - 2) * of.at // size)
        if of.at == size:
            _cross_border(state)


@part
def _add_until(state, count):
    """Products of the next answer's sum, from H_2 on, until there are so many."""
    of, n_parts = state.of[0], len(state.heard)
    while of.added < count:
        number = of.added + 2
        _add_product(
            state.response[number], state.heard[(of.parts + 1 - number) % n_parts], state.total
        )
        of.added += 1


@part
def _cross_border(state):
    of, total = state.of[0], state.total
    newest = state.heard[of.parts % len(state.heard)]
    _transform(state.recent, state, newest)
    _add_product(state.response[1], newest, total)
    _back(total, state.twiddles)
    for n in range(np.uint64(len(state.answer))):
        # the imaginary part of what is turned back: the last half
        state.answer[n] = total[_IM, n] * state.turns[_RE, n] - total[_RE, n] * state.turns[_IM, n]
        state.recent[0, n] = state.recent[1, n]
    total[:] = 0.0
    of.at, of.added = 0, 0
    of.parts += 1


@part(fastmath=True)
def _add_product(a, b, total):
    for n in range(np.uint64(a.shape[1])):
        total[_RE, n] += a[_RE, n] * b[_RE, n] - a[_IM, n] * b[_IM, n]
        total[_IM, n] += a[_RE, n] * b[_IM, n] + a[_IM, n] * b[_RE, n]


@kernel(fastmath=True)
def _transform(halves, state, out):
    """The spectrum of two halves, in bit-reversed order."""
    turns, twiddles = state.turns, state.twiddles
    size = np.uint64(halves.shape[1])
    for n in range(size):
        out[_RE, n] = halves[0, n] * turns[_RE, n] - halves[1, n] * turns[_IM, n]
        out[_IM, n] = halves[0, n] * turns[_IM, n] + halves[1, n] * turns[_RE, n]
    half = size >> np.uint64(1)
    while half > 0:
        for begin in range(np.uint64(0), size, half << np.uint64(1)):
            for k in range(half):
                i, j = begin + k, begin + k + half
                re, im = out[_RE, i] - out[_RE, j], out[_IM, i] - out[_IM, j]
                out[_RE, i] += out[_RE, j]
                out[_IM, i] += out[_IM, j]
                c, s = twiddles[_RE, half + k], twiddles[_IM, half + k]
                out[_RE, j] = re * c - im * s
                out[_IM, j] = re * s + im * c
        half >>= np.uint64(1)


@part(fastmath=True)
def _back(points, twiddles):
    """The same backwards, so many times too large."""
    size, half = np.uint64(points.shape[1]), np.uint64(1)
    while half < size:
        for begin in range(np.uint64(0), size, half << np.uint64(1)):
            for k in range(half):
                i, j = begin + k, begin + k + half
                c, s = twiddles[_RE, half + k], -twiddles[_IM, half + k]
                re = points[_RE, j] * c - points[_IM, j] * s
                im = points[_RE, j] * s + points[_IM, j] * c
                points[_RE, j] = points[_RE, i] - re
                points[_IM, j] = points[_IM, i] - im
                points[_RE, i] += re
                points[_IM, i] += im
        half <<= np.uint64(1)
