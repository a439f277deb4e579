"""The verb that follows recordings: transfer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from timbrel.cli.arguments import (
    DEFAULT_TARGET,
    Decibels,
    Json,
    Octaves,
    Out,
    Plot,
    Semitones,
    Share,
)
from timbrel.cli.output import say_json, say_note, say_paths
from timbrel.dsp.trackers import Tracker


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
