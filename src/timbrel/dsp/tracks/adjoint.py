"""What a loss on the sound wants of the levels: `kernel` the other way round.

Sound is linear in the amplitudes at frames: with hat_t(n), which is 1 at frame t and falls to 0 at
its neighbours,

    sound(n) = sum over t, k of a_tk hat_t(n) sin_k(n) + sum over t, b of g_tb hat_t(n) bank_b(n)

so the gradient is gathered with the same sines, noise and ramps that made it:

    dL/da_tk = sum over n of dL/dsound(n) hat_t(n) sin_k(n)

and costs what making the sound did. What is silent at both ends of a hop wants nothing.
"""

from __future__ import annotations

import numpy as np

from timbrel.dsp.compiling import kernel, part
from timbrel.dsp.tracks.kernel import PIECE, open_hop, place_piece
from timbrel.dsp.tracks.loops import hear_noise, hear_sine, move_noise, ramp
from timbrel.dsp.tracks.state import PSI, SHARE, SOUND


@kernel
def gather(state, wanted, of_level, of_gain):
    """Adds to the gradients of one voice's amplitudes, for a voice that has all of its frames."""
    done, note, heard = 0, state.of[0], state.desk[SOUND]
    while done < len(wanted):
        if note.at == note.until:
            open_hop(state, 0)
        length = min(len(wanted) - done, note.until - note.at, len(heard))
        ramp(state.desk[SHARE], 0, length, note.at / note.hop - note.hops, 1 / note.hop)
        for n in range(length):
            heard[n] = wanted[done + n]
        _hear_partials(state, length, of_level)
        _hear_noise(state, length, of_gain)
        move_noise(state.noise_at[0], state.loops, length)
        note.at += length
        done += length


@part
def _hear_partials(state, length, of_level):
    note, desk, ratio, turn = state.of[0], state.desk, state.c_ratio[0], state.turn
    place = note.at - np.int64(np.ceil(note.hops * note.hop))
    here, there = state.level[0, note.left], state.level[0, note.right]
    left, right = of_level[note.left], of_level[note.right]
    done = 0
    while done < length and note.n_heard > 0:
        stop = min(length, done + PIECE - (place + done) % PIECE)
        place_piece(state, 0, done, stop)
        count = 0
        for k in range(len(here)):
            if here[k] > 0 or there[k] > 0:
                steady, rising = hear_sine(
                    desk[SOUND], desk[PSI], desk[SHARE], done, stop, turn[count], ratio[count]
                )
                left[k] += steady - rising
                right[k] += rising
                count += 1
        done = stop


@part
def _hear_noise(state, length, of_gain):
    note, desk = state.of[0], state.desk
    here, there = state.gain[0, note.left], state.gain[0, note.right]
    for b in range(len(here)):
        if here[b] > 0 or there[b] > 0:
            steady, rising = hear_noise(
                desk[SOUND], desk[SHARE], length, state.bank[b], state.noise_at[0, b]
            )
            of_gain[note.left, b] += steady - rising
            of_gain[note.right, b] += rising
