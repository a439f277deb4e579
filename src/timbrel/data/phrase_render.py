"""Planned phrases out of a SoundFont, in worker processes.

Notes take turns on two channels, so that the pitch of one may move while the one before rings on.
The synth retunes what sounds every 2 ms; how loud the player plays is a curve over the whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from timbrel.audio import resample, write_audio
from timbrel.data.font import open_font, oversampled, sound_of
from timbrel.data.phrase_plan import Phrase, PhraseNote, PhraseSettings

_TICK_S = 0.002
_VIBRATO_COMES_S = 0.3
_CHANNELS = 2
_PEAK = 0.98


class PhrasePlayer:
    """A font opened for rendering phrases of one program at a time."""

    def __init__(self, font: Path, settings: PhraseSettings) -> None:
        self.settings = settings
        self._rate = oversampled(settings.sample_rate)
        self._synth, self._font = open_font(font, settings.gain_db, self._rate)

    def play(self, phrase: Phrase) -> torch.Tensor:
        """A phrase's samples, mono."""
        synth = self._synth
        for channel in range(_CHANNELS):
            synth.program_select(channel, self._font, self.settings.bank, phrase.program.number)
            synth.set_tuning(channel, 0.0)
        # voices of the phrase before would sound into this one
        synth.sounds_off()
        synth.generate(self._rate // 4)
        audio = torch.from_numpy(np.concatenate(list(self._ticks(phrase))))
        sound = resample(audio, self._rate, self.settings.sample_rate)
        time_s = np.arange(len(sound)) / self.settings.sample_rate
        gain = torch.from_numpy(10 ** (gain_db_at(phrase, time_s) / 20)).float()
        sound = sound * gain
        return sound * min(1.0, _PEAK / max(float(sound.abs().max()), _PEAK))

    def _ticks(self, phrase: Phrase) -> Iterator[np.ndarray]:
        tick = round(_TICK_S * self._rate)
        n_ticks = round(phrase.duration_s * self._rate / tick)
        downs = [round(note.onset_s / _TICK_S) for note in phrase.notes]
        ups = [round((note.onset_s + note.duration_s) / _TICK_S) for note in phrase.notes]
        begins = {at: number for number, at in enumerate(downs)}
        ends = {max(up, down + 1): n for n, (up, down) in enumerate(zip(ups, downs, strict=True))}
        tunings = [tuning(note, phrase.duration_s) for note in phrase.notes]
        current: list[int | None] = [None] * _CHANNELS
        for at in range(n_ticks):
            if at in ends:
                number = ends[at]
                self._synth.noteoff(number % _CHANNELS, phrase.notes[number].pitch)
            if at in begins:
                number = begins[at]
                note, channel = phrase.notes[number], number % _CHANNELS
                current[channel] = number
                self._synth.set_tuning(channel, float(tunings[number][0]))
                self._synth.noteon(channel, note.pitch, max(note.velocity, 1))
            for channel, number in enumerate(current):
                if number is not None:
                    curve = tunings[number]
                    place = min(at - downs[number], len(curve) - 1)
                    self._synth.set_tuning(channel, float(curve[place]))
            yield sound_of(self._synth, tick)


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
    if not float(audio.abs().max()) > 1e-3:
        return False
    write_audio(path, audio, _settings.sample_rate)
    return True
