"""Planned phrases out of a SoundFont, in worker processes.

A melody has one voice, and keys let go ring on for up to half a second. So notes take turns in two
takes, and what rings in the one is damped when the other's next note begins: left to ring, it
made chords of the joins, in which trackers hear the common fundamental, an octave or more below.

The synth retunes what sounds every 2 ms; how loud the player plays is a curve over the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from timbrel.audio import resample, write_audio
from timbrel.data.phrases.plan import (
    Phrase,
    PhraseNote,
    PhraseSettings,
    is_plucked,
    range_of,
)
from timbrel.data.soundfonts.font import open_font, oversampled, sound_of
from timbrel.data.soundfonts.gm_programs import Program
from timbrel.units import db_to_amplitude

_TICK_S = 0.002
_VIBRATO_COMES_S = 0.3
_STRUCK_DAMPED_S, _HELD_DAMPED_S = 0.03, 0.05
"""How long what rings goes on under the next note: less than the shortest note."""
_PEAK = 0.98
_SILENT = 1e-3
_TRIED_EVERY, _TRIED_S, _LOUDEST = 5, 0.6, 127


class PhrasePlayer:
    """A font opened for rendering phrases of one program at a time."""

    def __init__(self, font: Path, settings: PhraseSettings) -> None:
        self.settings = settings
        self._rate = oversampled(settings.sample_rate)
        self._synth, self._font = open_font(font, 0.0, self._rate)
        self._full_scale: dict[int, float] = {}

    def play(self, phrase: Phrase) -> torch.Tensor:
        """A phrase's samples, mono."""
        sound = self._take(phrase, 0) + self._take(phrase, 1)
        sound = resample(torch.from_numpy(sound), self._rate, self.settings.sample_rate)
        time_s = np.arange(len(sound)) / self.settings.sample_rate
        gain = db_to_amplitude(self.settings.peak_db) / self._peak(phrase.program)
        sound = sound * torch.from_numpy(gain * 10 ** (gain_db_at(phrase, time_s) / 20)).float()
        return sound * min(1.0, _PEAK / max(float(sound.abs().max()), _PEAK))

    def _peak(self, program: Program) -> float:
        """Of the program's loudest note."""
        if program.number not in self._full_scale:
            lowest, highest = range_of(program)
            keys = range(lowest, highest + 1, _TRIED_EVERY)
            peaks = [float(np.abs(self._tried(program, key)).max()) for key in keys]
            self._full_scale[program.number] = max(*peaks, _SILENT)
        return self._full_scale[program.number]

    def _tried(self, program: Program, key: int) -> np.ndarray:
        self._begin(program)
        self._synth.noteon(0, key, _LOUDEST)
        return sound_of(self._synth, round(_TRIED_S * self._rate))

    def _begin(self, program: Program) -> None:
        self._synth.program_select(0, self._font, self.settings.bank, program.number)
        self._synth.set_tuning(0, 0.0)
        # voices of the phrase before would sound into this one
        self._synth.sounds_off()
        self._synth.generate(self._rate // 4)

    def _take(self, phrase: Phrase, first: int) -> np.ndarray:
        """Every other note, each damped when the one between begins."""
        self._begin(phrase.program)
        damped_s = _STRUCK_DAMPED_S if is_plucked(phrase.program) else _HELD_DAMPED_S
        notes = phrase.notes[first::2]
        ends_s = [note.onset_s + damped_s for note in phrase.notes[first + 1 :: 2]]
        sound = np.concatenate(list(self._ticks(notes, ends_s, phrase.duration_s)))
        return sound * _damping(phrase.notes, first, damped_s, len(sound), self._rate)

    def _ticks(
        self, notes: Sequence[PhraseNote], ends_s: Sequence[float], duration_s: float
    ) -> Iterator[np.ndarray]:
        """The synth's sound, tick by tick; what rings is off at its end."""
        tick = round(_TICK_S * self._rate)
        begins = {_tick(note.onset_s): note for note in notes}
        ends = {_tick(note.onset_s + note.duration_s): note for note in notes}
        offs = set(map(_tick, ends_s))
        curve, begun = np.zeros(1), 0
        for at in range(round(duration_s * self._rate / tick)):
            if at in offs:
                self._synth.sounds_off()
            if at in ends:
                self._synth.noteoff(0, ends[at].pitch)
            if at in begins:
                curve, begun = tuning(begins[at], duration_s), at
                self._synth.set_tuning(0, float(curve[0]))
                self._synth.noteon(0, begins[at].pitch, begins[at].velocity)
            self._synth.set_tuning(0, float(curve[min(at - begun, len(curve) - 1)]))
            yield sound_of(self._synth, tick)


def _tick(at_s: float) -> int:
    return round(at_s / _TICK_S)


def _damping(
    notes: Sequence[PhraseNote], first: int, damped_s: float, length: int, rate: int
) -> np.ndarray:
    """The gain of a take: 1 from each of its notes on, 0 soon after the other's begin."""
    gain = np.ones(length)
    fade = 0.5 + 0.5 * np.cos(np.linspace(0, np.pi, round(damped_s * rate)))
    onsets = [round(_tick(note.onset_s) * _TICK_S * rate) for note in notes] + [length]
    for begin, end in zip(onsets[first + 1 :: 2], onsets[first + 2 :: 2], strict=False):
        gain[begin:end] = 0.0
        gain[begin : begin + len(fade)] = fade[: length - begin]
    return gain


def tuning(note: PhraseNote, longest_s: float) -> np.ndarray:
    """Semitones from the struck key, a point each 2 ms; the last one holds."""
    time_s = np.arange(0, min(note.duration_s + 2.0, longest_s), _TICK_S)
    semitones = np.zeros(len(time_s))
    at = 0.0
    for turn in note.turns:
        way = np.clip((time_s - turn.at_s) / max(turn.over_s, _TICK_S), 0, 1)
        # fingers and voices leave and arrive gently
        semitones += (turn.semitones - at) * (0.5 - 0.5 * np.cos(np.pi * way))
        at = turn.semitones
    cents, rate_hz, begins_s = note.vibrato
    depth = np.clip((time_s - begins_s) / _VIBRATO_COMES_S, 0, 1) * cents / 100
    return semitones + depth * np.sin(2 * np.pi * rate_hz * (time_s - begins_s))


def pitch_at(phrase: Phrase, time_s: np.ndarray) -> np.ndarray:
    """The MIDI number that is asked for at some times; NaN where no key is down."""
    pitch = np.full(len(time_s), np.nan)
    for note in phrase.notes:
        since_s = time_s - note.onset_s
        is_down = (since_s >= 0) & (since_s < note.duration_s)
        curve = tuning(note, phrase.duration_s)
        place = np.clip((since_s[is_down] / _TICK_S).astype(int), 0, len(curve) - 1)
        pitch[is_down] = note.pitch + curve[place]
    return pitch


def gain_db_at(phrase: Phrase, time_s: np.ndarray) -> np.ndarray:
    """How much softer than its loudest the phrase is played at some times."""
    if not phrase.expression:
        return np.zeros(len(time_s))
    return np.interp(time_s, *np.array(phrase.expression).T)


_font: Path
_settings: PhraseSettings


def start_worker(font: Path, settings: PhraseSettings) -> None:
    """Tell this process which font to play; it is opened when it is first needed."""
    global _font, _settings
    _font, _settings = font, settings
    _player.cache_clear()


@lru_cache(maxsize=1)
def _player() -> PhrasePlayer:
    return PhrasePlayer(_font, _settings)


def render_phrase(phrase: Phrase, path: Path) -> bool:
    """Write a phrase's file, unless it is there; whether anything is heard in it."""
    if path.exists():
        return True
    audio = _player().play(phrase)
    if not float(audio.abs().max()) > _SILENT:
        return False
    write_audio(path, audio, _settings.sample_rate)
    return True
