"""Verbs that play scores and follow recordings: render, transfer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from timbrel.cli.arguments import (
    DEFAULT_TARGET,
    USING,
    Decibels,
    Envelope,
    Json,
    Octaves,
    Out,
    Plot,
    Semitones,
    Share,
    Using,
)
from timbrel.cli.output import say_json, say_note, say_paths
from timbrel.dsp.trackers import Tracker


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


def transfer(
    recording: Path,
    *,
    to: str = DEFAULT_TARGET,
    timbre: str | None = None,
    octave: Octaves = None,
    transpose: Semitones = 0.0,
    gain: Decibels | None = None,
    dry: Share = 0.0,
    pitch_tracker: Tracker = "light",
    controls: Annotated[list[str] | None, Parameter(consume_multiple=True)] = None,
    bank: Path | None = None,
    out: Out = None,
    json: Json = False,
    plot: Plot = False,
) -> None:
    """A recording of one voice or instrument, played by another: .wav or .flac, mono.

    Pitch and loudness are followed; octave and level are fitted to where the instrument plays.

    Args:
        recording: A sound file of one melody, such as a hummed one.
        to: Who plays it: guitar, violin ... (see `timbrel models`), a model folder, a sound that
            ddsp-many knows, or a recording for it to hear.
        timbre: A sound file, name or expression, where the model of `--to` has several sounds.
        octave: Octaves to shift by; "auto" goes where most of it lies in the instrument's range.
        transpose: Semitones to shift by, beside that.
        gain: Decibels by which it is followed louder; fitted to the instrument where not given.
        dry: How much of the recording itself is mixed in, 0 to 1.
        pitch_tracker: Who hears the pitch; the light one is that of live play.
        controls: Controls of the instrument, as in harmonic_gain=-6 noise_gain=3.
        bank: A bank of your own beside the model's.
    """
    from timbrel.cli.play.transferring import TransferWishes, transfer_recording

    wishes = TransferWishes(
        to, timbre, bank, octave, transpose, gain, dry, pitch_tracker, tuple(controls or ())
    )
    made = transfer_recording(recording, wishes, out, plot)
    for line in made.remarks:
        say_note(line)
    return say_json(made.figures) if json else say_paths(made.paths)
