"""From what `render` was told to a played song: who plays which track, and what was written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from timbrel.audio import read_audio
from timbrel.cli.arguments import Using
from timbrel.cli.names import result_name
from timbrel.cli.output import progress_bar
from timbrel.cli.places import place_for
from timbrel.cli.play.parts import chosen_tracks, numbers_for_tracks, spelled, values_for_tracks
from timbrel.cli.timbres import Timbres, open_timbres
from timbrel.dsp.envelope import Adsr
from timbrel.errors import BadInput
from timbrel.midi import Score, read_score
from timbrel.midi.reading import LONGEST_NOTE_S
from timbrel.perform import Part, Performed, cast_by_program, perform, spread

_GAIN_DB, _PAN = (-60.0, 24.0), (-1.0, 1.0)


@dataclass(frozen=True)
class SongWishes:
    """What the user wrote of a song's tracks, one text for each time an option was given.

    Attributes:
        timbres, gains, pans: for all tracks, or for some: "1=violin,bass=piano".
        legato: tracks whose notes are slurred: "1,lead"; "all".
    """

    timbres: Sequence[str] = ()
    gains: Sequence[str] = ()
    pans: Sequence[str] = ()
    legato: Sequence[str] = ()


@dataclass(frozen=True)
class Played:
    """A song that was played.

    Attributes:
        performed: what `perform` says of it.
        paths: everything that was written: the mix, its picture, the stems.
        picture: its path, where one was asked for.
        held: how many notes the score asks for that last longer than any note may.
    """

    performed: Performed
    paths: list[Path]
    picture: Path | None
    held: int = 0

    @property
    def figures(self) -> dict[str, Any]:
        """The same and more, for programs."""
        skipped = [track.label for track in self.performed.skipped]
        stems = [path for path in self.paths[1:] if path != self.picture]
        placed = {"path": self.paths[0], "stems": stems, "picture": self.picture}
        return vars(self.performed) | {"skipped": skipped} | placed


def play_song(
    using: Using,
    song: Path,
    wishes: SongWishes,
    adsr: Adsr | None = None,
    out: Path | None = None,
    stems: bool = False,
    plot: bool = False,
) -> Played:
    """Play a MIDI file.

    Args:
        using: the instrument and its bank.
        song: a MIDI file.
        wishes: who plays what, and how.
        adsr: laid over each note.
        out: of the mix.
        stems: whether each track gets a file too, in a folder beside the mix.
        plot: whether to draw the song.

    Raises:
        BadScore: the song cannot be read.
        BadInput: a wish cannot be fulfilled.
    """
    score = read_score(song)
    timbres = open_timbres(using)
    parts = cast_song(timbres, score, wishes, adsr)
    name = result_name(song.stem, using, timbres=spelled(wishes.timbres))
    place = place_for(out, name, reads=[song, *timbres.reads])

    def write(folder: Path) -> list[Path]:
        mix = folder / place.file
        stem_folder = folder / f"{mix.stem}_stems" if stems else None
        with progress_bar("playing") as progress:
            made = perform(
                score,
                parts,
                mix,
                stems=stem_folder,
                progress=progress,
            )
        written.append(made)
        return [mix, *([_draw(made, score)] if plot else []), *made.stems]

    written: list[Performed] = []
    paths = place.fill(write)
    notes = (note for track in score.tracks for note in track.notes)
    held = sum(note.duration_s >= LONGEST_NOTE_S for note in notes)
    return Played(written[0], paths, paths[1] if plot else None, held)


def cast_song(
    timbres: Timbres,
    score: Score,
    wishes: SongWishes,
    adsr: Adsr | None = None,
) -> list[Part | None]:
    """Who plays each track; see `play_song`.

    Raises:
        BadInput: a wish cannot be fulfilled, or nobody is left to play.
        Unsupported: the instrument cannot slur.
    """
    named = wishes.timbres
    parts = _named_parts(timbres, score, named) if named else _usual_parts(timbres, score)
    gains_db = numbers_for_tracks(score, wishes.gains, "--gain", *_GAIN_DB)
    seats = numbers_for_tracks(score, wishes.pans, "--pan", *_PAN)
    slurred = chosen_tracks(score, wishes.legato, "--legato")
    wished = [
        part and replace(part, gain_db=gain_db or 0.0, pan=seat, envelope=adsr, legato=legato)
        for part, gain_db, seat, legato in zip(parts, gains_db, seats, slurred, strict=True)
    ]
    return spread(score, wished)


def _named_parts(timbres: Timbres, score: Score, named: Sequence[str]) -> list[Part | None]:
    """Drums have no pitch to play: they are left out unless somebody asks for them."""
    texts = values_for_tracks(score, named, "--timbre", drums_by_name_only=True)
    vectors = {text: timbres.resolve(text) for text in dict.fromkeys(texts) if text}
    return [Part(timbres.instrument, vectors[text]) if text else None for text in texts]


def _usual_parts(timbres: Timbres, score: Score) -> list[Part | None]:
    def is_sound(name: str) -> bool:
        return name in timbres.bank and timbres.bank.lookup(name).is_absolute

    def lookup(name: str) -> Tensor | None:
        return timbres.named(name).timbre if is_sound(name) else None

    parts = cast_by_program(score, timbres.instrument, lookup)
    if not any(parts):
        raise BadInput("no timbre is named like the song's programs: give --timbre A_SOUND.wav")
    return parts


def _draw(performed: Performed, score: Score) -> Path:
    from timbrel.picture import draw_song

    audio = read_audio(performed.path, performed.sample_rate)
    return draw_song(performed.path.with_suffix(".png"), score, audio, performed.sample_rate)
