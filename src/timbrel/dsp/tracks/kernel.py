"""The compiled heart of the voices: what `synthesis` defines, hop by hop.

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
"""

from __future__ import annotations

import numpy as np

from timbrel.dsp.compiling import kernel, part
from timbrel.dsp.tracks.loops import (
    add_noise,
    add_sines,
    amplitudes,
    fade,
    mix,
    move_noise,
    ramp,
    rise,
    turned,
    wrap,
)
from timbrel.dsp.tracks.state import PSI, SHARE, SOUND
from timbrel.dsp.tracks.synthesis import FADE_FROM
from timbrel.dsp.tracks.tracks import TRANSIENT_TICKS

PIECE = 120
"""Samples computed at once: shorter ones cost more set-up, longer ones precision."""


@kernel
def play(state, out):
    """Adds the next samples of all voices that sound to `out`."""
    for voice in range(len(state.of)):
        if state.of[voice].is_sounding and state.of[voice].pushed > 0:
            _play_one(state, voice, out)


@kernel
def push(state, voice, f0_hz, harmonic_db, noise_db, sample_rate):
    """Writes frames behind those that a voice already has."""
    size, note = state.step.shape[1], state.of[voice]
    for t in range(len(f0_hz)):
        slot = note.pushed % size
        step = f0_hz[t] / sample_rate if f0_hz[t] > 0 else 0.0
        state.step[voice, slot] = step
        level, ratio = state.level[voice, slot], state.ratio[voice]
        amplitudes(harmonic_db[t], level)
        for k in range(len(level)):
            if level[k] > 0:
                level[k] *= _below_nyquist(step * ratio[k])
        amplitudes(noise_db[t], state.gain[voice, slot])
        note.pushed += 1


@part
def _below_nyquist(cycles_per_sample):
    if cycles_per_sample <= 0 or cycles_per_sample >= 0.5:
        return 0.0
    if cycles_per_sample <= FADE_FROM:
        return 1.0
    return 0.5 + 0.5 * np.cos(np.pi * (cycles_per_sample - FADE_FROM) / (0.5 - FADE_FROM))


@part
def _play_one(state, voice, out):
    done, note, sound = 0, state.of[voice], state.desk[SOUND]
    while done < len(out) and note.is_sounding:
        if note.at == note.until:
            open_hop(state, voice)
        begin = note.hops * note.hop
        length = min(len(out) - done, note.until - note.at, len(sound))
        ramp(state.desk[SHARE], 0, length, (note.at - begin) / note.hop, 1 / note.hop)
        sound[:length] = 0.0
        _add_partials(state, voice, length)
        _add_steady(state, voice, length)
        if note.has_burst:
            _add_burst(state, voice, length)
        if note.at < note.rise:
            rise(sound, length, note.at, note.rise)
        if note.at + length > note.fade_at:
            fade(sound, length, note.at - note.fade_at, note.fade_length)
            note.is_sounding = note.at + length - note.fade_at < note.fade_length
        mix(sound, out, done, length)
        move_noise(state.noise_at[voice], state.loops, length)
        note.at += length
        done += length


@part
def open_hop(state, voice):
    """Goes on to the next frame, or holds the last one where none has come yet."""
    note = state.of[voice]
    if note.at > 0:
        # the phases also of what is silent move to the hop's end
        left, right = _steps(state, voice)
        wrap(state.phase[voice], state.ratio[voice], 0.5 * (left + right) * note.hop)
        note.hops += 1
        note.left = note.right
    note.right = min(note.left + 1, note.pushed - 1)
    note.until = np.int64(np.ceil((note.hops + 1) * note.hop))
    size, count = state.step.shape[1], 0
    left = state.level[voice, note.left % size]
    right = state.level[voice, note.right % size]
    level = state.c_level[voice]
    for k in range(len(left)):
        if left[k] > 0 or right[k] > 0:
            state.c_ratio[voice, count] = state.ratio[voice, k]
            state.c_phase[voice, count] = state.phase[voice, k]
            level[0, count], level[1, count] = left[k], right[k] - left[k]
            count += 1
    note.n_heard = count
    state.c_ratio[voice, count] = 0.0
    level[0, count] = level[1, count] = 0.0


@part
def _steps(state, voice):
    size, note = state.step.shape[1], state.of[voice]
    return state.step[voice, note.left % size], state.step[voice, note.right % size]


@part
def _add_partials(state, voice, length):
    """Piece by piece, the pieces counted from the hop's beginning wherever the block begins."""
    note, desk = state.of[voice], state.desk
    place = note.at - np.int64(np.ceil(note.hops * note.hop))
    done, count = 0, note.n_heard
    ratio, level = state.c_ratio[voice], state.c_level[voice]
    while done < length and count > 0:
        stop = min(length, done + PIECE - (place + done) % PIECE)
        place_piece(state, voice, done, stop)
        add_sines(desk[SOUND], desk[PSI], desk[SHARE], done, stop, count, state.turn, ratio, level)
        done = stop


@part
def place_piece(state, voice, done, stop):
    """What a piece needs: cycles of f0 since its middle, and all phases there."""
    note, psi = state.of[voice], state.desk[PSI]
    left, right = _steps(state, voice)
    grow = (right - left) / (2 * note.hop)
    begin = note.hops * note.hop
    since = note.at - begin
    first = np.ceil(begin) - begin
    middle = first + (np.floor((since - first + done) / PIECE) + 0.5) * PIECE
    at, apart = np.uint64(done), since + done - middle
    for i in range(np.uint64(stop - done)):
        psi[at + i] = (apart + i) * (left + grow * (apart + i + 2 * middle))
    cycles = (left + grow * middle) * middle
    turned(state.c_phase[voice], state.c_ratio[voice], cycles, state.turn, note.n_heard + 1)


@part
def _add_steady(state, voice, length):
    size, note, desk = state.step.shape[1], state.of[voice], state.desk
    left = state.gain[voice, note.left % size]
    right = state.gain[voice, note.right % size]
    place = state.noise_at[voice]
    add_noise(desk[SOUND], desk[SHARE], 0, length, state.bank, place, left, right)


@part
def _add_burst(state, voice, length):
    """From tick to tick, the noise of half a loop away."""
    note, done, desk, place = state.of[voice], 0, state.desk, state.noise_at[-1]
    while done < length:
        tick = np.int64(np.floor((note.at + done) / note.tick))
        if tick >= TRANSIENT_TICKS:
            note.has_burst = False
            return
        stop = min(length, np.int64(np.ceil((tick + 1) * note.tick)) - note.at)
        ramp(desk[PSI], done, stop, (note.at + done) / note.tick - tick, 1 / note.tick)
        for b in range(len(place)):
            half = state.loops[b] // 2
            place[b] = (state.noise_at[voice, b] + done + half) % state.loops[b]
        left, right = state.burst[voice, tick], state.burst[voice, tick + 1]
        add_noise(desk[SOUND], desk[PSI], done, stop, state.bank, place, left, right)
        done = stop
