"""Notes out of a SoundFont, in worker processes.

A font is foreign data read by native code, so it is only ever opened in a worker: whatever it
does there, this process lives on to say so. Each worker opens the font once and renders what it
is sent; a note's samples depend on nothing but the font, the settings and the note.
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile
import torch

from timbrel.audio import resample
from timbrel.data.notes.nsynth_layout import split_folder
from timbrel.data.soundfonts.font import open_font, oversampled, sound_of
from timbrel.data.soundfonts.plan import PlannedNote, SoundFontSettings
from timbrel.files import replacing

_CHANNEL = 0


class Fate(Enum):
    """What became of a planned note."""

    WRITTEN = "written"
    CLIPPED = "written, its peaks clipped"
    SILENT = "left out: too quiet to be a note"
    KEPT = "there already"


class FontPlayer:
    """A font opened for rendering single notes."""

    def __init__(self, font: Path, settings: SoundFontSettings) -> None:
        self.settings = settings
        self._rate = oversampled(settings.sample_rate)
        self._synth, self._font = open_font(font, settings.gain_db, self._rate)

    def programs(self) -> tuple[int, ...]:
        """Numbers of the programs that the font's bank has."""
        return tuple(number for number in range(128) if self._has(number))

    def _has(self, program: int) -> bool:
        try:
            name = self._synth.sfpreset_name(self._font, self.settings.bank, program)
        except UnicodeDecodeError:  # a name in another encoding
            return True
        return name is not None

    def play(self, note: PlannedNote) -> np.ndarray:
        """A note's samples, mono."""
        synth, settings = self._synth, self.settings
        synth.program_select(_CHANNEL, self._font, settings.bank, note.program.number)
        # Voices of the note before would colour this one: fade them, and let the fade pass.
        synth.sounds_off()
        synth.generate(self._rate // 4)
        length = round(settings.length_s * settings.sample_rate)
        n_generated = length * (self._rate // settings.sample_rate)
        held = min(n_generated, round((note.hold_s or settings.hold_s) * self._rate))
        synth.noteon(_CHANNEL, note.pitch, note.velocity)
        key_down = sound_of(synth, held)
        synth.noteoff(_CHANNEL, note.pitch)
        audio = np.concatenate([key_down, sound_of(synth, n_generated - held)])
        return resample(torch.from_numpy(audio), self._rate, settings.sample_rate)[:length].numpy()


_font: Path
_settings: SoundFontSettings


def start_worker(font: Path, settings: SoundFontSettings) -> None:
    """Tell this process which font to render; it is opened when it is first needed."""
    global _font, _settings
    _font, _settings = font, settings
    _player.cache_clear()


@lru_cache(maxsize=1)
def _player() -> FontPlayer:
    return FontPlayer(_font, _settings)


def font_programs() -> tuple[int, ...]:
    """Numbers of the programs that the worker's font has.

    Raises:
        BadInput: the font cannot be opened.
    """
    return _player().programs()


def render_notes(notes: list[PlannedNote], out: Path) -> list[tuple[PlannedNote, Fate]]:
    """Render notes to their wavs, but for those that are there and those that are silent."""
    return [(note, _render_note(note, out)) for note in notes]


def _render_note(note: PlannedNote, out: Path) -> Fate:
    path = split_folder(out, note.split) / "audio" / f"{note.note_str}.wav"
    if path.exists():
        return Fate.KEPT
    audio = _player().play(note)
    peak = float(np.abs(audio).max())
    if not peak >= _settings.quietest:
        return Fate.SILENT
    with replacing(path) as temporary:
        soundfile.write(temporary, audio, _settings.sample_rate, subtype="PCM_16")
    return Fate.CLIPPED if peak > 1.0 else Fate.WRITTEN
