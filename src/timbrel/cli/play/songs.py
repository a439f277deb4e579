"""The verb that plays scores: render."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from timbrel.cli.arguments import USING, Envelope, Json, Out, Plot, Using
from timbrel.cli.output import say_json, say_note, say_paths


def render(
    song: Path,
    *,
    timbre: list[str] | None = None,
    gain: list[str] | None = None,
    pan: list[str] | None = None,
    adsr: Envelope = None,
    legato: list[str] | None = None,
    stems: Annotated[bool, Parameter(help="Also write a file for each track.")] = False,
    using: Using = USING,
    out: Out = None,
    json: Json = False,
    plot: Plot = False,
) -> None:
    """A MIDI file, played: .wav or .flac, in stereo.

    Tracks are named by number, name, General MIDI program or family, as in "1=violin,bass=my.wav".

    Args:
        song: A MIDI file.
        timbre: A sound file, name or expression for all tracks or for some; may be repeated.
            Without it each track gets the timbre that is named like its program or family.
        gain: Decibels for all tracks or for some.
        pan: -1 (left) to 1 (right) for all tracks or for some.
        adsr: Attack, decay, sustain and release over each note: seconds, seconds, 0 to 1, seconds.
        legato: Tracks whose notes are slurred where they touch or overlap, as on a melody
            instrument: "1,lead", or "all". The instrument must be able to.
    """
    from timbrel.cli.play.performing import SongWishes, play_song

    wishes = SongWishes(timbre or [], gain or [], pan or [], legato or [])
    played = play_song(using, song, wishes, adsr, out, stems, plot)
    if played.held:
        say_note(f"{played.held} of the notes last over 600 s: each was played for 600 s")
    for label in dict.fromkeys(track.label for track in played.performed.skipped):
        say_note(f"nobody plays {label}: name it in --timbre to hear it")
    if json:
        say_json(played.figures)
    else:
        say_paths(played.paths)
