"""Takes: the sounds that one verb made, and how they become files and a picture.

One take is one file. Several are a folder with a file each and `all.wav`, which has them in a row;
or, where the user named an audio file, that row alone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.audio import write_audio
from timbrel.cli.arguments import Note
from timbrel.cli.output import tracked
from timbrel.cli.places import Place, file_name, folder_for, place_for
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

    def write(self, folder: Path, file: str, plot: bool = False) -> list[Path]:
        """Write the files and their picture into a folder; the paths, what to hear first first.

        Args:
            folder: an empty one.
            file: name of the file that has them all; "" writes one for each as well.
            plot: whether to draw them.
        """
        paths = [write_audio(folder / (file or "all.wav"), self.in_a_row, self.sample_rate)]
        if not file:
            for name, sound in zip(_different(self.names), self.sounds, strict=True):
                paths.append(write_audio(folder / f"{name}.wav", sound, self.sample_rate))
        if plot:
            from timbrel.picture import draw_takes

            picture = paths[0].with_suffix(".png")
            draw_takes(picture, self.names, self.sounds, self.sample_rate, self.title)
            paths.append(picture)
        return paths


def place_of_takes(out: Path | None, count: int, name: str, reads: tuple[Path, ...] = ()) -> Place:
    """Where so many takes go: one is a file, several are a folder unless `out` is a file.

    Raises:
        BadInput: that is no place to write.
    """
    if count == 1 or (out is not None and out.suffix and not out.is_dir()):
        return place_for(out, name, reads=reads)
    return folder_for(out, name, reads)


def _different(names: list[str]) -> list[str]:
    """The names as files', numbered where they are alike.

    >>> _different(["1.000 a", "0.500 a 0.500 b", "1.000 A"])
    ['1.000_a', '0.500_a_0.500_b', '1.000_A_2']
    """
    used: Counter[str] = Counter()
    different = []
    for name in map(file_name, names):
        used[name.casefold()] += 1
        count = used[name.casefold()]
        different.append(name if count == 1 else f"{name}_{count}")
    return different


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
    return Takes(names, unclipped(sounds), instrument.sample_rate)


def unclipped(sounds: list[Tensor]) -> list[Tensor]:
    """The sounds, all turned down alike where one would clip."""
    peak = max(float(sound.abs().max()) for sound in sounds)
    gain = min(1.0, _LOUDEST / max(peak, 1e-9))
    return [sound * gain for sound in sounds]
