"""A frame of a sounding note, read between its moments: what `Sounding.tracks` says of a note.

Each is a function of its own time and of the frames before it, and of nothing that depends on
where blocks begin.
"""

from __future__ import annotations

import math

import numpy as np

from timbrel.dsp.compiling import kernel, part
from timbrel.dsp.tracks.synthesis import FADE_FROM
from timbrel.dsp.tracks.tracks import FRAME_RATE, SILENT_DB
from timbrel.instruments.harmonic.course import LAST_RELEASE_S
from timbrel.instruments.harmonic.curves import (
    curve_at,
    knob_at,
    loop_place,
    parted,
    power_db,
    sound_time,
)
from timbrel.instruments.harmonic.knobs import (
    BEGINS_S,
    CONTROLS,
)
from timbrel.instruments.harmonic.levels import read_levels
from timbrel.instruments.harmonic.playing_state import (
    GAP,
    HARMONICS,
    LAST,
    LINEAR,
    MOVE_FRAMES,
    ROW,
    TO,
)
from timbrel.instruments.harmonic.said import SOFTEST_DB
from timbrel.instruments.harmonic.sounding import (
    REFERENCE_DB,
    RELEASE_FADE_S,
    RISE_MOMENTS,
    RISE_S,
    RISEN_DB,
    SILENT_BELOW_DB,
)
from timbrel.instruments.harmonic.take import DRIFT_CENTS, DRIFTS_HZ
from timbrel.instruments.harmonic.timbre_layout import MOVED_RATE
from timbrel.nn.compiled import copy
from timbrel.units import A4_HZ, A4_MIDI

_INAUDIBLE_DB, _INAUDIBLE_FRAMES = -80.0, 10
_NAMES = [control.name for control in CONTROLS]
_DEPTH, _RATE, _TREMOLO = (
    _NAMES.index(name) for name in ("vibrato_depth", "vibrato_rate", "tremolo")
)
_RISE = np.array(RISE_MOMENTS)
_DRIFTS = 2 * np.pi * np.array(DRIFTS_HZ)


@part
def write_frame(model, notes, voice, frame):
    """Write down the frame that is to be pushed; whether the note has died away."""
    voice_s, row, note, facts = frame / FRAME_RATE, notes.row[ROW], notes.of[voice], model.facts
    time_s, at = voice_s + note.ahead_s, note.begin_at + voice_s * facts.sample_rate
    if frame == 0 and math.isnan(note.rise_s):
        note.rise_s = RISE_S[0] if note.attack == 1.0 else rise_s(model, notes, voice)
    read_levels(model, notes, voice, time_s, at, row)
    _read_movement(note, notes.timbre[voice], model.parts, time_s, row[facts.n_levels :])
    _close_gap(note, notes.levels[voice], row, facts.n_levels + 2)
    left_s = note.held_s + LAST_RELEASE_S * note.release - time_s
    take = model.takes[note.take]
    gain_db = take[0] + _tremolo_db(note, notes.knobs, voice_s, at) + _ending_db(note, left_s)
    f0_hz = _f0_hz(note, take, notes.knobs, voice_s, at, row[facts.n_levels])
    out = notes.harmonic_db[0]
    _write_harmonics(facts, model.places[HARMONICS], row, gain_db + row[facts.n_levels + 1], out)
    if facts.sample_rate > facts.own_rate:
        offsets = notes.timbre[voice, model.parts.offset : model.parts.partial]
        _fade_harmonics(f0_hz, facts.own_rate, offsets, out)
    for band in range(facts.n_bands):
        notes.noise_db[0, band] = _played(row[facts.n_slots + band] + gain_db)
    notes.f0_hz[0] = f0_hz
    note.turn += knob_at(notes.knobs, _RATE, at) / FRAME_RATE
    is_late = time_s > min(note.held_s, model.moments[-1])
    return left_s <= 0 or (_is_inaudible(note, row, facts.n_levels) and is_late)


@part
def _read_movement(note, timbre, parts, time_s, out):
    """Cents and dB."""
    here_s, there_s, share = loop_place(
        note.loop_begin_s, note.loop_end_s, note.loop_fade_s, sound_time(note, time_s)
    )
    length = parts.swell - parts.wander
    for i in range(2):
        begin = parts.wander + i * length
        curve = timbre[begin : begin + length]
        here = curve_at(curve, here_s * MOVED_RATE)
        out[i] = here + share * (curve_at(curve, there_s * MOVED_RATE) - here)


@part
def _close_gap(note, levels, row, count):
    """A new timbre comes in along a straight line from what sounded last."""
    last, gap = levels[LAST], levels[GAP]
    if note.gap_left == MOVE_FRAMES:
        for j in range(count):
            gap[j] = last[j] - row[j]
    if note.gap_left > 0:
        note.gap_left -= 1
        share = np.float32(note.gap_left / MOVE_FRAMES)
        for j in range(count):
            row[j] += share * gap[j]
    copy(row, last, count)


@part
def _write_harmonics(facts, places, row, gain_db, out):
    """A level for every partial up to what the instrument knows."""
    for k in range(len(out)):
        left, share = parted(places[k], facts.n_slots)
        level = row[left] + (row[left + 1] - row[left]) * share
        out[k] = _played(level + gain_db)


@part
def _fade_harmonics(f0_hz, own_rate, offsets, out):
    """Partials end where the instrument's own rate has no room for more."""
    for k in range(len(out)):
        ratio = k + 1 + (offsets[k] if k < len(offsets) else 0.0)
        cycles = f0_hz * ratio / own_rate
        if cycles >= 0.5:
            out[k:] = SILENT_DB
            return
        if cycles > FADE_FROM:
            way = np.pi * (cycles - FADE_FROM) / (0.5 - FADE_FROM)
            out[k] = max(out[k] + 20 * np.log10(0.5 + 0.5 * np.cos(way)), SILENT_DB)


@part(inline="always")
def _played(level_db):
    return level_db + REFERENCE_DB if level_db > SILENT_BELOW_DB else SILENT_DB


@part
def _f0_hz(note, take, knobs, voice_s, at, cents):
    cents += take[1]
    drift = 0.0
    for i in range(len(_DRIFTS)):
        drift += np.sin(voice_s * _DRIFTS[i] + 2 * np.pi * take[2 + i])
    cents += DRIFT_CENTS / len(_DRIFTS) * drift
    depth = knob_at(knobs, _DEPTH, at)
    if depth != 0:
        cents += depth * _swing(note, voice_s)
    pitch = note.pitch + knobs[TO, -1] + glide_at(note, voice_s)
    pitch += cents / 100
    return A4_HZ * 2 ** ((pitch - A4_MIDI) / 12)


@kernel
def glide_at(note, voice_s):
    """Semitones that a note is still off the pitch it glides to, at a time of its voice."""
    if note.glide_s <= 0:
        return 0.0
    way = (voice_s - note.glide_at_s) / note.glide_s
    return note.glide * (1 - min(max(way, 0.0), 1.0))


@part
def _tremolo_db(note, knobs, voice_s, at):
    depth = knob_at(knobs, _TREMOLO, at)
    if depth == 0:
        return 0.0
    return 0.5 * depth * (_swing(note, voice_s) - min(voice_s / BEGINS_S, 1.0))


@part
def _swing(note, voice_s):
    return min(voice_s / BEGINS_S, 1.0) * np.sin(2 * np.pi * note.turn)


@part
def _ending_db(note, left_s):
    """What has not died away when the release ends is faded."""
    left = left_s / (RELEASE_FADE_S * note.release)
    if left >= 1:
        return 0.0
    if left <= 0:
        return -300.0
    return 20 * np.log10(0.5 - 0.5 * np.cos(np.pi * left) + 1e-15)


@part
def _is_inaudible(note, levels, count):
    """Whether a note has been so for long, by itself or after its release."""
    loudest = levels[0]
    for j in range(count):
        loudest = max(loudest, levels[j])
    note.loudest = max(note.loudest, loudest)
    softest = max(note.loudest + _INAUDIBLE_DB, SILENT_BELOW_DB)
    note.quiet = note.quiet + 1 if loudest <= softest else 0
    return note.quiet >= _INAUDIBLE_FRAMES


@part
def rise_s(model, notes, voice):
    """As `Sounding.attack_s`."""
    levels, count, desk = notes.levels[voice], model.facts.n_levels, notes.row[LINEAR]
    loudest = SOFTEST_DB
    for moment in _RISE:
        loudest = max(loudest, power_db(levels[moment], count, desk))
    for moment in _RISE:
        if power_db(levels[moment], count, desk) > loudest - RISEN_DB:
            return min(max(model.moments[moment], RISE_S[0]), RISE_S[1])
    return RISE_S[0]
