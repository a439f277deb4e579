"""The compiled loops over samples, partials and bands, each over plain rows of numbers.

Indices are unsigned: numba lets signed ones count from the end, and then vectorises badly.
"""

from __future__ import annotations

import numpy as np

from timbrel.dsp.compiling import part
from timbrel.dsp.tracks.tracks import SILENT_DB

_SINE = tuple(
    np.float32(c) for c in (6.28318516, -41.34165504, 81.60100406, -76.54978187, 39.53670271)
)


@part(fastmath={"contract", "reassoc", "arcp"})
def amplitudes(level_db, amplitude):
    """10^(dB / 20), as a series for its 32nd root: unlike a call of exp, this is vectorised."""
    for k in range(len(amplitude)):
        x = np.float64(level_db[k]) * (np.log(10.0) / 640)
        root = 1 + x * (1 + x / 2 * (1 + x / 3 * (1 + x / 4 * (1 + x / 5 * (1 + x / 6 * (
            1 + x / 7 * (1 + x / 8 * (1 + x / 9))))))))  # fmt: skip
        power = root * root
        power *= power
        power *= power
        power *= power
        power *= power
        amplitude[k] = power if level_db[k] > SILENT_DB else 0.0


@part
def ramp(share, done, stop, begin, step):
    """Writes begin, begin + step, ..."""
    first, length = np.uint64(done), np.uint64(stop - done)
    for i in range(length):
        share[first + i] = begin + i * step


@part
def mix(sound, out, done, length):
    """Adds to `out`, from a sample of it on."""
    first = np.uint64(done)
    for n in range(np.uint64(length)):
        out[first + n] += sound[n]


@part(fastmath=True)
def wrap(phase, ratio, cycles):
    """Moves phases by so many cycles of f0."""
    for k in range(np.uint64(len(phase))):
        exact = phase[k] + ratio[k] * cycles
        phase[k] = exact - np.rint(exact)


@part(fastmath=True)
def turned(phase, ratio, cycles, turn, count):
    """Phases in the middle of a piece; a quarter less, because `_sine` begins at a peak."""
    for k in range(np.uint64(count)):
        exact = phase[k] + ratio[k] * cycles - 0.25
        turn[k] = exact - np.rint(exact)


@part(fastmath=True)
def add_sines(sound, psi, share, done, stop, count, turn, ratio, level):
    """Two at a time: that halves the trips to `sound`; behind the last stands a silent one."""
    first, length = np.uint64(done), np.uint64(stop - done)
    for k in range(0, count, 2):
        turn_a, ratio_a, level_a, grow_a = turn[k], np.float32(ratio[k]), level[0, k], level[1, k]
        turn_b, ratio_b = turn[k + 1], np.float32(ratio[k + 1])
        level_b, grow_b = level[0, k + 1], level[1, k + 1]
        for i in range(length):
            n = first + i
            a = (level_a + grow_a * share[n]) * _sine(turn_a + ratio_a * psi[n])
            b = (level_b + grow_b * share[n]) * _sine(turn_b + ratio_b * psi[n])
            sound[n] += a + b


@part(fastmath=True)
def _sine(x):
    """Cos 2 pi x."""
    q = np.float32(0.25) - abs(x - np.rint(x))
    s = q * q
    return q * (_SINE[0] + s * (_SINE[1] + s * (_SINE[2] + s * (_SINE[3] + s * _SINE[4]))))


@part(fastmath=True)
def add_noise(sound, share, done, stop, bank, place, left, right):
    """Every band under a ramp; the bank's rows go on behind their loops' ends."""
    first, length = np.uint64(done), np.uint64(stop - done)
    for b in range(len(left)):
        level, grow, at = left[b], right[b] - left[b], np.uint64(place[b])
        if left[b] > 0 or right[b] > 0:
            for i in range(length):
                n = first + i
                sound[n] += (level + grow * share[n]) * bank[b, at + i]


@part(fastmath=True)
def hear_sine(heard, psi, share, done, stop, turn, ratio):
    """How much of a sine is in what is heard, and how much of it rising along the ramp."""
    first, turn, ratio = np.uint64(done), np.float32(turn), np.float32(ratio)
    steady, rising = np.float32(0), np.float32(0)
    for i in range(np.uint64(stop - done)):
        n = first + i
        product = heard[n] * _sine(turn + ratio * psi[n])
        steady += product
        rising += share[n] * product
    return steady, rising


@part(fastmath=True)
def hear_noise(heard, share, length, bank, place):
    """The same of a band's noise."""
    at = np.uint64(place)
    steady, rising = np.float32(0), np.float32(0)
    for n in range(np.uint64(length)):
        product = heard[n] * bank[at + n]
        steady += product
        rising += share[n] * product
    return steady, rising


@part
def move_noise(place, loops, length):
    """Moves places in loops on by so many samples."""
    for b in range(len(loops)):
        place[b] += length
        if place[b] >= loops[b]:
            place[b] -= loops[b]


@part
def rise(sound, length, at, over):
    """A raised cosine over the first samples."""
    for n in range(min(length, over - at)):
        sound[n] *= np.float32(0.5 - 0.5 * np.cos(np.pi * (at + n) / over))


@part
def fade(sound, length, since, over):
    """A straight line down to silence."""
    for n in range(length):
        gone = min(max((since + n) / over, 0.0), 1.0)
        sound[n] *= np.float32(1.0 - gone)
