"""Notes that sound, as compiled code: what `Sounding` says of whole notes, said as it is needed.

    advance     while some voice lacks a frame:
                    take in a new timbre, where one waits
                    ask for the moments around each voice's next frame that were not said yet
                    say all of them together, and add what the timbre has beyond the decoder
                    read each voice's next frame between its moments, and push it

A moment is said once and kept; most frames find theirs said.
"""

from __future__ import annotations

import numpy as np

from timbrel.dsp.compiling import kernel, part
from timbrel.dsp.tracks.kernel import push
from timbrel.dsp.tracks.loops import amplitudes
from timbrel.dsp.tracks.tracks import SILENT_DB, TRANSIENT_TICKS
from timbrel.instruments.harmonic.burst import (
    ATTACK_MOMENTS,
    MOST_BURST_GAIN_DB,
    SLOWER_BURST_DB,
)
from timbrel.instruments.harmonic.compiled_decoder import ROWS, SAID, say
from timbrel.instruments.harmonic.curves import between_four, knob_at, parted, power_db, row_at
from timbrel.instruments.harmonic.frames import rise_s, write_frame
from timbrel.instruments.harmonic.knobs import CONTROLS
from timbrel.instruments.harmonic.moments import (
    ask_for_frame,
    ask_for_rise,
    begin_notes,
    read_body,
    say_all,
)
from timbrel.instruments.harmonic.playing_state import (
    BODY,
    BURST_BANDS,
    BURST_TICKS,
    LINEAR,
    MOVE_FRAMES,
    SPARE,
)
from timbrel.instruments.harmonic.said import SOFTEST_DB
from timbrel.instruments.harmonic.sounding import REFERENCE_DB
from timbrel.nn.compiled import copy

_NOISE = [control.name for control in CONTROLS].index("noise")
_ATTACK = np.array(ATTACK_MOMENTS)


@kernel
def advance(tracks, model, notes, missing, most_ahead):
    """Give every voice the frames that it lacks, or where none lacks any say what comes next.

    `missing` counts down to 0. Moments are said ahead, some voices' at least, so that no block has
    to say them all; that changes nothing but when they are said.
    """
    is_idle = True
    while _ask_for_frames(tracks.of, model, notes, missing):
        is_idle = False
        say_all(model, notes)
        for voice in range(len(missing)):
            if missing[voice] > 0 and notes.of[voice].is_on:
                _push_frame(tracks, model, notes, voice)
                missing[voice] -= 1
    if is_idle:
        _ask_ahead(tracks.of, model, notes, most_ahead)
        say_all(model, notes)


@part
def _ask_for_frames(tracks_of, model, notes, missing):
    """Write down what the next frame of each voice wants; whether any voice lacks one."""
    n_new = n_lacking = 0
    notes.asked[-1, 0] = 0
    for voice in range(len(missing)):
        note, frame = notes.of[voice], tracks_of[voice].pushed
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


@part
def _push_frame(tracks, model, notes, voice):
    voiced = tracks.of[voice]
    frame = voiced.pushed
    if frame == 0 and notes.of[voice].attack_db < np.inf:
        _write_burst(model, notes, voice, tracks.burst[voice])
        voiced.has_burst = True
    if write_frame(model, notes, voice, frame):
        voiced.fade_at = min(voiced.fade_at, np.int64(np.ceil(frame * voiced.hop)))
    push(tracks, voice, notes.f0_hz, notes.harmonic_db, notes.noise_db, model.facts.sample_rate)


@part
def _ask_ahead(tracks_of, model, notes, most):
    """Write down what the next frames will want, until there is enough."""
    notes.asked[-1, 0] = 0
    for voice in range(len(tracks_of)):
        note, frame = notes.of[voice], tracks_of[voice].pushed
        is_ready = note.is_on and frame > 0 and not (note.waits or note.is_new)
        if is_ready and notes.asked[-1, 0] < most:
            ask_for_frame(model, notes, voice, frame)


@kernel
def attack_of_recording(model, notes, voice):
    """How loud the attack of a timbre's own recording is: for a row that is no note's."""
    notes.new[0] = voice
    begin_notes(model, notes, 0, 1)
    for i in range(len(_ATTACK)):
        notes.rows[i], notes.moment_s[0, i] = voice, model.moments[_ATTACK[i]]
    say(model.layers, notes.desk, notes.conditions, notes.rows, notes.moment_s[0], len(_ATTACK))
    loudest = SOFTEST_DB
    for i in range(len(_ATTACK)):
        said = notes.desk[SAID, i]
        read_body(model.facts, notes.slots[voice, BODY], said)
        loudest = max(loudest, power_db(said, model.facts.n_levels, notes.row[LINEAR]))
    notes.of[voice].loud_db = loudest


@kernel
def go_on_from_attack(model, notes, voice, voice_s):
    """Have a note that sounds go on as another one, of new pitch or velocity, past its attack."""
    forget(notes, voice)
    note = notes.of[voice]
    note.is_patchy, note.attack, note.gap_left = False, 1.0, MOVE_FRAMES
    note.loudest, note.quiet = -np.inf, 0
    notes.new[0] = voice
    begin_notes(model, notes, 0, 1)
    notes.asked[-1, 0] = 0
    ask_for_rise(model.facts, notes.known, notes.asked, voice)
    say_all(model, notes)
    note.ahead_s = rise_s(model, notes, voice) - voice_s


@part
def _go_over(notes, voice, frame):
    """Take in the timbre that waits; what was said before counts no more."""
    latest = len(notes.timbre) - 2
    copy_timbre(notes, latest, voice)
    forget(notes, voice)
    notes.of[voice].waits = False
    notes.of[voice].is_patchy = frame > 0
    notes.of[voice].gap_left = MOVE_FRAMES if frame > 0 else 0


@kernel
def copy_timbre(notes, source, voice):
    """Give one row the timbre of another, and what is known of it."""
    copy(notes.timbre[source], notes.timbre[voice], notes.timbre.shape[1])
    note, other = notes.of[voice], notes.of[source]
    note.loop_begin_s, note.loop_end_s = other.loop_begin_s, other.loop_end_s
    note.loop_fade_s, note.is_looped = other.loop_fade_s, other.is_looped
    note.loud_db = other.loud_db


@kernel
def forget(notes, voice):
    """Have everything said anew."""
    notes.of[voice].is_new = True
    notes.known[voice] = False
    notes.of[voice].has_slope = False


@part
def _write_burst(model, notes, voice, burst):
    """The timbre's burst, so much louder than recorded as this note's attack is."""
    note, n_bands, row = notes.of[voice], burst.shape[1], notes.row[SPARE]
    gain_db = note.attack_db - note.loud_db
    gain_db = SOFTEST_DB + min(max(gain_db, -MOST_BURST_GAIN_DB), MOST_BURST_GAIN_DB)
    turned_db = knob_at(notes.knobs, _NOISE, float(note.begin_at))
    turned_db += REFERENCE_DB - SLOWER_BURST_DB * np.log2(note.attack)
    width, timbre = model.facts.n_burst_bands, notes.timbre[voice]
    for tick in range(TRANSIENT_TICKS):
        at, down = row_at(model.parts.burst, width, model.places[BURST_TICKS, tick])
        for band in range(n_bands):
            left, right = parted(model.places[BURST_BANDS, band], width)
            above = between_four(timbre, at + left, width, down, right)
            burst_db = min(above + gain_db, note.attack_db) + turned_db
            row[band] = burst_db if above > -SOFTEST_DB * 1e-3 else SILENT_DB
        amplitudes(row[:n_bands], burst[tick])
    note.attack_db = np.inf
