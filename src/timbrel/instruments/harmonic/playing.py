"""Notes that sound, as compiled code: what `Sounding` says of whole notes, said as it is needed.

    advance     while some voice lacks a frame:
                    take in a new timbre, where one waits
                    ask for the moments around each voice's next frame that were not said yet
                    say all of them together, and add what the timbre has beyond the decoder
                    read each voice's next frame between its moments, and push it

A moment is said once and kept; most frames find theirs said.
"""

from __future__ import annotations

import numba
import numpy as np

from timbrel.dsp.tracks.kernel import amplitudes, push
from timbrel.dsp.tracks.tracks import SILENT_DB, TRANSIENT_TICKS
from timbrel.instruments.harmonic.compiled_decoder import ROWS, SAID, say
from timbrel.instruments.harmonic.curves import between_four, knob_at, parted, power_db, row_at
from timbrel.instruments.harmonic.frames import rise_s, write_frame
from timbrel.instruments.harmonic.instrument import (
    ATTACK_MOMENTS,
    MOST_BURST_GAIN_DB,
    SLOWER_BURST_DB,
)
from timbrel.instruments.harmonic.knobs import CONTROLS
from timbrel.instruments.harmonic.moments import (
    ask_for_frame,
    ask_for_rise,
    begin_notes,
    read_body,
    say_all,
)
from timbrel.instruments.harmonic.playing_state import BURST_BANDS, BURST_TICKS, MOVE_FRAMES, SPARE
from timbrel.instruments.harmonic.said import SOFTEST_DB
from timbrel.instruments.harmonic.sounding import REFERENCE_DB

_NOISE = [control.name for control in CONTROLS].index("noise")
_ATTACK = np.array(ATTACK_MOMENTS)


@numba.njit(cache=True, nogil=True)
def advance(tracks, model, notes, missing):
    """Give every voice the frames that it lacks; `missing` counts down to 0."""
    while _ask_for_frames(tracks, model, notes, missing):
        say_all(model, notes)
        for voice in range(len(missing)):
            if missing[voice] > 0 and notes.of[voice].is_on:
                _push_frame(tracks, model, notes, voice)
                missing[voice] -= 1


@numba.njit(cache=True, nogil=True)
def _ask_for_frames(tracks, model, notes, missing):
    """Write down what the next frame of each voice wants; whether any voice lacks one."""
    n_new = n_lacking = 0
    notes.asked[-1, 0] = 0
    for voice in range(len(missing)):
        note, frame = notes.of[voice], tracks.pushed[voice]
        if missing[voice] > 0 and note.is_on:
            n_lacking += 1
            if note.waits and (frame + voice) % MOVE_FRAMES == 0:
                _go_over(notes, voice, frame)
            if note.is_new:
                notes.new[n_new] = voice
                n_new += 1
            ask_for_frame(model, notes, voice, frame)
    for first in range(0, n_new, ROWS):
        begin_notes(model, notes, first, min(ROWS, n_new - first))
    return n_lacking > 0


@numba.njit(cache=True, nogil=True)
def _push_frame(tracks, model, notes, voice):
    frame = tracks.pushed[voice]
    if frame == 0 and notes.of[voice].attack_db < np.inf:
        _write_burst(model, notes, voice, tracks.burst[voice])
        tracks.has_burst[voice] = True
    if write_frame(model, notes, voice, frame):
        at = np.int64(np.ceil(frame * tracks.hop[0]))
        tracks.fade_at[voice] = min(tracks.fade_at[voice], at)
    push(tracks, voice, notes.f0_hz, notes.harmonic_db, notes.noise_db, model.rates[0])


@numba.njit(cache=True, nogil=True)
def look_ahead(pushed, model, notes, most):
    """Say what the next frames will ask for, some voices' at least: so that no block has it all.

    It changes nothing but when things are said.
    """
    notes.asked[-1, 0] = 0
    for voice in range(len(pushed)):
        note = notes.of[voice]
        is_ready = note.is_on and pushed[voice] > 0 and not (note.waits or note.is_new)
        if is_ready and notes.asked[-1, 0] < most:
            ask_for_frame(model, notes, voice, pushed[voice])
    say_all(model, notes)


@numba.njit(cache=True, nogil=True)
def attack_of_recording(model, notes, voice):
    """How loud the attack of a timbre's own recording is: for a row that is no note's."""
    notes.new[0] = voice
    begin_notes(model, notes, 0, 1)
    for i in range(len(_ATTACK)):
        notes.rows[i], notes.moment_s[0, i] = voice, model.moments[_ATTACK[i]]
    say(model.weights, notes.desk, notes.conditions, notes.rows, notes.moment_s[0], len(_ATTACK))
    loudest = SOFTEST_DB
    for i in range(len(_ATTACK)):
        read_body(model, notes, voice, i)
        loudest = max(loudest, power_db(notes, notes.desk[SAID, i], model.sizes[2]))
    notes.of[voice].loud_db = loudest


@numba.njit(cache=True, nogil=True)
def go_on_from_attack(model, notes, voice, voice_s):
    """Have a note that sounds go on as another one, of new pitch or velocity, past its attack."""
    forget(notes, voice)
    note = notes.of[voice]
    note.is_patchy, note.attack, note.gap_left = False, 1.0, MOVE_FRAMES
    note.loudest, note.quiet = -np.inf, 0
    notes.new[0] = voice
    begin_notes(model, notes, 0, 1)
    notes.asked[-1, 0] = 0
    ask_for_rise(model, notes, voice)
    say_all(model, notes)
    note.ahead_s = rise_s(model, notes, voice) - voice_s


@numba.njit(cache=True, nogil=True)
def _go_over(notes, voice, frame):
    """Take in the timbre that waits; what was said before counts no more."""
    latest = len(notes.timbre) - 2
    copy_timbre(notes, latest, voice)
    forget(notes, voice)
    notes.of[voice].waits = False
    notes.of[voice].is_patchy = frame > 0
    notes.of[voice].gap_left = MOVE_FRAMES if frame > 0 else 0


@numba.njit(cache=True, nogil=True)
def copy_timbre(notes, source, voice):
    """Give one row the timbre of another, and what is known of it."""
    notes.timbre[voice] = notes.timbre[source]
    notes.of[voice].loop_begin_s = notes.of[source].loop_begin_s
    notes.of[voice].loop_end_s = notes.of[source].loop_end_s
    notes.of[voice].loop_fade_s = notes.of[source].loop_fade_s
    notes.of[voice].loud_db = notes.of[source].loud_db


@numba.njit(cache=True, nogil=True)
def forget(notes, voice):
    """Have everything said anew."""
    notes.of[voice].is_new = True
    notes.known[voice] = False
    notes.of[voice].has_slope = False


@numba.njit(cache=True, nogil=True)
def _write_burst(model, notes, voice, burst):
    """The timbre's burst, so much louder than recorded as this note's attack is."""
    note, n_bands, row = notes.of[voice], burst.shape[1], notes.row[SPARE]
    gain_db = note.attack_db - note.loud_db
    gain_db = min(max(gain_db, -MOST_BURST_GAIN_DB), MOST_BURST_GAIN_DB)
    gain_db += knob_at(notes, _NOISE, note.begin_at) - SLOWER_BURST_DB * np.log2(note.attack)
    gain_db += SOFTEST_DB + REFERENCE_DB
    width = model.sizes[5]
    for tick in range(TRANSIENT_TICKS):
        at, down = row_at(model.parts[10], width, model.places[BURST_TICKS, tick])
        for band in range(n_bands):
            left, right = parted(model.places[BURST_BANDS, band], width)
            above = between_four(notes.timbre[voice], at + left, width, down, right)
            row[band] = above + gain_db if above > -SOFTEST_DB * 1e-3 else SILENT_DB
        amplitudes(row[:n_bands], burst[tick])
    note.attack_db = np.inf
