"""The compiled heart of the voices: what `synthesis` defines, sample by sample and hop by hop.

A hop is the time from one frame to the next. Within it every partial's phase is a parabola, known
in closed form from the hop's beginning: no sample depends on the one before, so a hop may be cut
into blocks anywhere, and the loop over samples is vectorised by the compiler:

    x = c_k + ratio_k psi(n)              single precision, in cycles
    sin 2 pi x = cos 2 pi t = sin 2 pi q  with t = x - 1/4 wrapped to [-1/2, 1/2], q = 1/4 - |t|
    sin 2 pi q                            an odd polynomial of degree 9, within 4e-9 for |q| <= 1/4

A sine costs 12 operations and no memory: as fast as a recurrence over the harmonics, which has to
keep two numbers for each sample, gathers errors on its way up, and asks for exact harmonics.
Single precision suffices because psi, the cycles since the middle of a piece of 120 samples, is
small, and c_k is summed and wrapped in double precision.

What takes the state is inlined: handing some thirty arrays to a function costs as much as a piece.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from timbrel.dsp.tracks.synthesis import FADE_FROM
from timbrel.dsp.tracks.tracks import SILENT_DB, TRANSIENT_TICKS

PIECE = 120
"""Samples computed at once: shorter ones cost more set-up, longer ones precision."""

_SINE = tuple(
    np.float32(c) for c in (6.28318516, -41.34165504, 81.60100406, -76.54978187, 39.53670271)
)


class State(NamedTuple):
    """All that voices know, one row for each; arrays only, so that compiled code can hold it.

    Curves are a ring of frames. `left` and `right` are the frames that the current hop runs
    between, counted from the note's first; the arrays `c_*` hold what sounds in it, closed up.
    """

    hop: np.ndarray  # [1] samples between frames, not always whole
    tick: np.ndarray  # [1] samples between ticks of the burst
    sounding: np.ndarray  # [voices] bool
    at: np.ndarray  # [voices] samples since the note began
    hops: np.ndarray  # [voices] hops begun
    until: np.ndarray  # [voices] sample at which the hop ends
    left: np.ndarray  # [voices] frame at the hop's beginning
    right: np.ndarray  # [voices] frame at its end
    pushed: np.ndarray  # [voices] frames known so far
    fade_at: np.ndarray  # [voices] sample from which the voice fades
    fade_length: np.ndarray  # [1] samples of that
    rise: np.ndarray  # [voices] samples in which the voice comes in
    step: np.ndarray  # [voices frames] f0 in cycles per sample
    level: np.ndarray  # [voices frames harmonics] amplitudes
    gain: np.ndarray  # [voices frames bands]
    burst: np.ndarray  # [voices ticks + 1 bands] ends with silence
    has_burst: np.ndarray  # [voices] bool
    ratio: np.ndarray  # [voices harmonics] of a partial to f0
    phase: np.ndarray  # [voices harmonics] cycles at the hop's beginning
    noise_at: np.ndarray  # [voices bands] place in each band's loop
    n_heard: np.ndarray  # [voices] partials that sound in this hop
    c_ratio: np.ndarray  # [voices harmonics + 1]
    c_phase: np.ndarray  # [voices harmonics + 1]
    c_level: np.ndarray  # [voices 2 harmonics + 1] amplitude at the beginning, and what it gains
    bank: np.ndarray  # [bands time] noise
    loops: np.ndarray  # [bands] its lengths
    sound: np.ndarray  # [hop] one voice
    psi: np.ndarray  # [hop] cycles of f0 from the piece's middle
    share: np.ndarray  # [hop] part of the hop that has passed
    turn: np.ndarray  # [harmonics + 1] phases in the piece's middle
    place: np.ndarray  # [bands] where a burst reads


@numba.njit(cache=True, nogil=True)
def play(state, out):
    """Adds the next samples of all voices that sound to `out`."""
    for voice in range(len(state.sounding)):
        if state.sounding[voice] and state.pushed[voice] > 0:
            _play_one(state, voice, out)


@numba.njit(cache=True, nogil=True)
def push(state, voice, f0_hz, harmonic_db, noise_db, sample_rate):
    """Writes frames behind those that a voice already has."""
    size = state.step.shape[1]
    for t in range(len(f0_hz)):
        slot = state.pushed[voice] % size
        step = f0_hz[t] / sample_rate if f0_hz[t] > 0 else 0.0
        state.step[voice, slot] = step
        level, ratio = state.level[voice, slot], state.ratio[voice]
        amplitudes(harmonic_db[t], level)
        for k in range(len(level)):
            if level[k] > 0:
                level[k] *= _below_nyquist(step * ratio[k])
        amplitudes(noise_db[t], state.gain[voice, slot])
        state.pushed[voice] += 1


@numba.njit(cache=True, nogil=True, fastmath={"contract", "reassoc", "arcp"})
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


@numba.njit(cache=True)
def _below_nyquist(cycles_per_sample):
    if cycles_per_sample <= 0 or cycles_per_sample >= 0.5:
        return 0.0
    if cycles_per_sample <= FADE_FROM:
        return 1.0
    return 0.5 + 0.5 * np.cos(np.pi * (cycles_per_sample - FADE_FROM) / (0.5 - FADE_FROM))


@numba.njit(inline="always")
def _play_one(state, voice, out):
    done, hop, sound = 0, state.hop[0], state.sound
    while done < len(out) and state.sounding[voice]:
        if state.at[voice] == state.until[voice]:
            _open_hop(state, voice)
        at, begin = state.at[voice], state.hops[voice] * hop
        length = min(len(out) - done, state.until[voice] - at, len(sound))
        _ramp(state.share, 0, length, (at - begin) / hop, 1 / hop)
        sound[:length] = 0.0
        _add_partials(state, voice, length)
        _add_steady(state, voice, length)
        if state.has_burst[voice]:
            _add_burst(state, voice, length)
        if at < state.rise[voice]:
            _rise(state, voice, length)
        if at + length > state.fade_at[voice]:
            _fade(state, voice, length)
        _mix(sound, out, done, length)
        _move_noise(state, voice, length)
        state.at[voice] += length
        done += length


@numba.njit(cache=True, nogil=True)
def _ramp(share, done, stop, begin, step):
    first, length = np.uint64(done), np.uint64(stop - done)
    for i in range(length):
        share[first + i] = begin + i * step


@numba.njit(cache=True, nogil=True)
def _mix(sound, out, done, length):
    first = np.uint64(done)
    for n in range(np.uint64(length)):
        out[first + n] += sound[n]


@numba.njit(inline="always")
def _open_hop(state, voice):
    """Goes on to the next frame, or holds the last one where none has come yet."""
    if state.at[voice] > 0:
        _close_hop(state, voice)
        state.hops[voice] += 1
        state.left[voice] = state.right[voice]
    state.right[voice] = min(state.left[voice] + 1, state.pushed[voice] - 1)
    state.until[voice] = np.int64(np.ceil((state.hops[voice] + 1) * state.hop[0]))
    size, count = state.step.shape[1], 0
    left = state.level[voice, state.left[voice] % size]
    right = state.level[voice, state.right[voice] % size]
    for k in range(len(left)):
        if left[k] > 0 or right[k] > 0:
            state.c_ratio[voice, count] = state.ratio[voice, k]
            state.c_phase[voice, count] = state.phase[voice, k]
            state.c_level[voice, 0, count] = left[k]
            state.c_level[voice, 1, count] = right[k] - left[k]
            count += 1
    state.n_heard[voice] = count
    state.c_ratio[voice, count] = 0.0
    state.c_level[voice, :, count] = 0.0


@numba.njit(inline="always")
def _close_hop(state, voice):
    """Moves all phases, also of what is silent, to the hop's end."""
    left, right = _steps(state, voice)
    cycles = 0.5 * (left + right) * state.hop[0]
    _wrap(state.phase[voice], state.ratio[voice], cycles)


@numba.njit(cache=True, nogil=True, fastmath=True)
def _wrap(phase, ratio, cycles):
    for k in range(np.uint64(len(phase))):
        exact = phase[k] + ratio[k] * cycles
        phase[k] = exact - np.rint(exact)


@numba.njit(inline="always")
def _steps(state, voice):
    size = state.step.shape[1]
    left, right = state.left[voice] % size, state.right[voice] % size
    return state.step[voice, left], state.step[voice, right]


@numba.njit(inline="always")
def _add_partials(state, voice, length):
    """Piece by piece, the pieces counted from the hop's beginning wherever the block begins."""
    place = state.at[voice] - np.int64(np.ceil(state.hops[voice] * state.hop[0]))
    done, count = 0, state.n_heard[voice]
    while done < length and count > 0:
        stop = min(length, done + PIECE - (place + done) % PIECE)
        _place_piece(state, voice, done, stop)
        ratio, level = state.c_ratio[voice], state.c_level[voice]
        _add_sines(state.sound, state.psi, state.share, done, stop, count, state.turn, ratio, level)
        done = stop


@numba.njit(cache=True, nogil=True, fastmath=True)
def _add_sines(sound, psi, share, done, stop, count, turn, ratio, level):
    """Two at a time: that halves the trips to `sound`; behind the last stands a silent one."""
    first, length = np.uint64(done), np.uint64(stop - done)
    for k in range(0, count, 2):
        turn_a, ratio_a, level_a, grow_a = turn[k], np.float32(ratio[k]), level[0, k], level[1, k]
        turn_b, ratio_b = turn[k + 1], np.float32(ratio[k + 1])
        level_b, grow_b = level[0, k + 1], level[1, k + 1]
        # Unsigned: numba lets signed indices count from the end, and then vectorises badly.
        for i in range(length):
            n = first + i
            a = (level_a + grow_a * share[n]) * _sine(turn_a + ratio_a * psi[n])
            b = (level_b + grow_b * share[n]) * _sine(turn_b + ratio_b * psi[n])
            sound[n] += a + b


@numba.njit(cache=True, nogil=True, fastmath=True)
def _sine(x):
    """Cos 2 pi x."""
    q = np.float32(0.25) - abs(x - np.rint(x))
    s = q * q
    return q * (_SINE[0] + s * (_SINE[1] + s * (_SINE[2] + s * (_SINE[3] + s * _SINE[4]))))


@numba.njit(inline="always")
def _place_piece(state, voice, done, stop):
    """What a piece needs: cycles of f0 since its middle, and all phases there."""
    left, right = _steps(state, voice)
    grow = (right - left) / (2 * state.hop[0])
    begin = state.hops[voice] * state.hop[0]
    since = state.at[voice] - begin
    first = np.ceil(begin) - begin
    middle = first + (np.floor((since - first + done) / PIECE) + 0.5) * PIECE
    psi = state.psi
    at, apart = np.uint64(done), since + done - middle
    for i in range(np.uint64(stop - done)):
        psi[at + i] = (apart + i) * (left + grow * (apart + i + 2 * middle))
    cycles = (left + grow * middle) * middle
    _turn(state.c_phase[voice], state.c_ratio[voice], cycles, state.turn, state.n_heard[voice] + 1)


@numba.njit(cache=True, nogil=True, fastmath=True)
def _turn(phase, ratio, cycles, turn, count):
    """Phases in the middle of a piece; a quarter less, because `_sine` begins at a peak."""
    for k in range(np.uint64(count)):
        exact = phase[k] + ratio[k] * cycles - 0.25
        turn[k] = exact - np.rint(exact)


@numba.njit(inline="always")
def _add_steady(state, voice, length):
    size = state.step.shape[1]
    left = state.gain[voice, state.left[voice] % size]
    right = state.gain[voice, state.right[voice] % size]
    place = state.noise_at[voice]
    _add_noise(state.sound, state.share, 0, length, state.bank, place, left, right)


@numba.njit(inline="always")
def _add_burst(state, voice, length):
    """From tick to tick, the noise of half a loop away."""
    at, tick_length, done = state.at[voice], state.tick[0], 0
    share, place = state.psi, state.place
    while done < length:
        tick = np.int64(np.floor((at + done) / tick_length))
        if tick >= TRANSIENT_TICKS:
            state.has_burst[voice] = False
            return
        stop = min(length, np.int64(np.ceil((tick + 1) * tick_length)) - at)
        _ramp(share, done, stop, (at + done) / tick_length - tick, 1 / tick_length)
        for b in range(len(place)):
            half = state.loops[b] // 2
            place[b] = (state.noise_at[voice, b] + done + half) % state.loops[b]
        left, right = state.burst[voice, tick], state.burst[voice, tick + 1]
        _add_noise(state.sound, share, done, stop, state.bank, place, left, right)
        done = stop


@numba.njit(cache=True, nogil=True, fastmath=True)
def _add_noise(sound, share, done, stop, bank, place, left, right):
    """Every band under a ramp; the bank's rows go on behind their loops' ends."""
    first, length = np.uint64(done), np.uint64(stop - done)
    for b in range(len(left)):
        level, grow, at = left[b], right[b] - left[b], np.uint64(place[b])
        if left[b] > 0 or right[b] > 0:
            for i in range(length):
                n = first + i
                sound[n] += (level + grow * share[n]) * bank[b, at + i]


@numba.njit(inline="always")
def _move_noise(state, voice, length):
    place, loops = state.noise_at[voice], state.loops
    for b in range(len(loops)):
        place[b] += length
        if place[b] >= loops[b]:
            place[b] -= loops[b]


@numba.njit(inline="always")
def _rise(state, voice, length):
    """A raised cosine over the first samples."""
    at, rise, sound = state.at[voice], state.rise[voice], state.sound
    for n in range(min(length, rise - at)):
        sound[n] *= np.float32(0.5 - 0.5 * np.cos(np.pi * (at + n) / rise))


@numba.njit(inline="always")
def _fade(state, voice, length):
    since, fade_length = state.at[voice] - state.fade_at[voice], state.fade_length[0]
    sound = state.sound
    for n in range(length):
        gone = min(max((since + n) / fade_length, 0.0), 1.0)
        sound[n] *= np.float32(1.0 - gone)
    if since + length >= fade_length:
        state.sounding[voice] = False
