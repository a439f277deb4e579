"""Takes: the sounds that one verb made, and how they become files and a picture.

One take is one file. Several are a folder with a file each and `all.wav`, which has them in a row;
or, where the name given is an audio file's, that row alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.audio import write_audio
from timbrel.cli.arguments import Note
from timbrel.cli.output import tracked
from timbrel.errors import BadInput
from timbrel.instruments import Instrument
from timbrel.sound import Notes

_BATCH = 8
_LOUDEST = 0.98
_LONGEST_S = 3600.0
_GAP_S = 0.05


@dataclass(frozen=True)
class Takes:
    """Sounds with their names.

    Attributes:
        names: what each is called, for people.
        sounds: one for each name; none of them clips.
        sample_rate: in Hz.
        title: of their picture.
    """

    names: list[str]
    sounds: list[Float[Tensor, " _"]]
    sample_rate: int
    title: str = ""

    @property
    def in_a_row(self) -> Float[Tensor, " time"]:
        """All of them, one after the other, with a short silence between."""
        gap = torch.zeros(round(_GAP_S * self.sample_rate))
        parts = [part for sound in self.sounds for part in (sound, gap)]
        return torch.cat(parts[:-1])

    def write(self, out: Path, plot: bool = False) -> list[Path]:
        """Write the files, and their picture beside them; the paths, what to hear first first."""
        paths = self._write_sounds(out)
        if plot:
            from timbrel.picture import draw_takes

            picture = paths[0].with_suffix(".png")
            draw_takes(picture, self.names, self.sounds, self.sample_rate, self.title)
            paths.append(picture)
        return paths

    def _write_sounds(self, out: Path) -> list[Path]:
        if out.suffix:
            return [write_audio(out, self.in_a_row, self.sample_rate)]
        if len(self.sounds) == 1:
            if out.name in ("", ".."):
                raise BadInput(f"--out {out} is a folder: give the name of a file to write")
            return [write_audio(out.with_suffix(".wav"), self.sounds[0], self.sample_rate)]
        files = [out / f"{file_name(name)}.wav" for name in self.names]
        for path, sound in zip(files, self.sounds, strict=True):
            write_audio(path, sound, self.sample_rate)
        return [write_audio(out / "all.wav", self.in_a_row, self.sample_rate), *files]


def file_name(name: str) -> str:
    """A name as a file's, on every system.

    >>> file_name("violin + 0.5*'my door.wav'")
    'violin_0.5_my_door.wav'
    """
    return re.sub(r"[^\w.-]+", "_", name).strip("._") or "sound"


def play(
    instrument: Instrument,
    timbres: Float[Tensor, "notes params"],
    names: list[str],
    note: Note,
    pitch: float,
) -> Takes:
    """The note with each timbre, all turned down together where one would clip.

    Args:
        instrument: what plays.
        timbres: one for each take.
        names: of the takes.
        note: what to play.
        pitch: MIDI number where the note names none.

    Raises:
        BadInput: that would be more sound than fits in memory.
    """
    total_s = len(timbres) * note.duration
    if total_s > _LONGEST_S:
        raise BadInput(
            f"{len(timbres)} notes of {note.duration:g} s are {total_s / 60:.0f} minutes, "
            f"at most {_LONGEST_S / 60:.0f} are played at once: ask for fewer or shorter ones"
        )
    pitch = pitch if note.pitch is None else note.pitch
    generator = torch.Generator().manual_seed(note.seed)
    sounds: list[Tensor] = []
    for start in tracked(range(0, len(timbres), _BATCH), "playing"):
        batch = timbres[start : start + _BATCH]
        notes = Notes.of([pitch] * len(batch), note.velocity, note.duration)
        sounds += instrument.render(notes, batch, generator=generator)
    peak = max(float(sound.abs().max()) for sound in sounds)
    gain = min(1.0, _LOUDEST / max(peak, 1e-9))
    return Takes(names, [sound * gain for sound in sounds], instrument.sample_rate)
