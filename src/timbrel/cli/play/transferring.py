"""From what `transfer` was told to a file: who follows, what is said of it, and its picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from timbrel.audio import AudioBlocks, read_audio
from timbrel.cli.arguments import DEFAULT_TARGET, Using
from timbrel.cli.names import result_name, written_name
from timbrel.cli.output import progress_bar
from timbrel.cli.places import place_for
from timbrel.cli.play.targets import Target, open_target
from timbrel.dsp.clearness import pitched, pitched_share, sounding
from timbrel.dsp.trackers import Tracker
from timbrel.errors import BadInput
from timbrel.perform.transferring import Manner, Transferred, transfer
from timbrel.sound import Control, Performance
from timbrel.units import hz_to_midi

_PICTURE_RATE = 16000
_MOSTLY = 0.5


@dataclass(frozen=True)
class TransferWishes:
    """What `timbrel transfer` was asked for; see there."""

    to: str = DEFAULT_TARGET
    timbre: str | None = None
    bank: Path | None = None
    octaves: int | None = None
    semitones: float = 0.0
    gain_db: float | None = None
    dry: float = 0.0
    tracker: Tracker = "light"
    controls: tuple[str, ...] = ()


@dataclass(frozen=True)
class Made:
    """A recording that was followed.

    Attributes:
        recording: its path.
        target: who followed it.
        transferred: what `transfer` says of it.
        paths: the result, and its picture where one was asked for.
        controls: what was asked of them.
    """

    recording: Path
    target: Target
    transferred: Transferred
    paths: list[Path]
    controls: Mapping[str, float]

    @property
    def remarks(self) -> list[str]:
        """What there is to say of it."""
        made, name = self.transferred, self.target.name
        lines = [f"{self.recording}: {made.doubt}"] if made.doubt else []
        lines.append(f"{self.recording} as {name}: {made.fit}")
        if made.fit.inside < _MOSTLY:
            share = f"{100 * made.fit.inside:.0f} %"
            lines.append(f"only {share} of it lies where {name} plays: try another --octave")
        return lines + beyond(self.target.instrument.controls, self.controls)

    @property
    def figures(self) -> dict[str, Any]:
        """The same and more, for programs."""
        made = self.transferred
        return {
            "path": self.paths[0],
            "picture": self.paths[1] if len(self.paths) > 1 else None,
            "model": self.target.model,
            "timbre": self.target.name,
            "sample_rate_hz": made.sample_rate,
            "duration_s": made.duration_s,
            "octaves": made.fit.octaves,
            "semitones": made.fit.semitones,
            "gain_db": made.fit.gain_db,
            "in_register": made.fit.inside,
            "pitched_share": pitched_share(made.heard),
            "doubt": made.doubt or None,
        } | _pitches(made.heard, "heard") | _pitches(made.followed, "followed")  # fmt: skip


def transfer_recording(
    recording: Path, wishes: TransferWishes, out: Path | None = None, plot: bool = False
) -> Made:
    """Follow a recording into a file.

    Raises:
        BadAudio: the recording cannot be read, or nothing sounds in it.
        BadInput: a wish cannot be fulfilled.
        Unsupported: the instrument cannot follow.
    """
    manner = Manner(
        octaves=wishes.octaves, gain_db=wishes.gain_db, semitones=wishes.semitones,
        dry=wishes.dry, tracker=wishes.tracker, controls=parse_controls(wishes.controls),
    )  # fmt: skip
    AudioBlocks(recording)  # what is wrong with it is said before a model is loaded
    target = open_target(wishes.to, wishes.timbre, wishes.bank)
    name = result_name(
        written_name(str(recording)), Using(bank=wishes.bank), timbres=_words(wishes)
    )
    place = place_for(out, name, reads=[recording, *target.reads])

    def write(folder: Path) -> list[Path]:
        path = folder / place.file
        with progress_bar("hearing") as progress:
            done = transfer(
                recording, target.instrument, target.timbre, path, manner, progress=progress
            )
        made.append(done)
        return [path, *([_draw(recording, done, target.name)] if plot else [])]

    made: list[Transferred] = []
    paths = place.fill(write)
    return Made(recording, target, made[0], paths, manner.controls)


def beyond(controls: Sequence[Control], values: Mapping[str, float]) -> list[str]:
    """Which controls cannot be set so far, and where they were left.

    >>> beyond([Control("noise_gain", "dB", -40, 12, 0)], {"noise_gain": -600.0})
    ['noise_gain goes from -40 to 12 dB: -600 is taken for -40']
    """
    lines = []
    for control in controls:
        asked = values.get(control.name, control.default)
        taken = control.clip(asked)
        if taken != asked:
            span = f"{control.minimum:g} to {control.maximum:g} {control.unit}".rstrip()
            lines.append(f"{control.name} goes from {span}: {asked:g} is taken for {taken:g}")
    return lines


def parse_controls(texts: Sequence[str]) -> dict[str, float]:
    """Values of controls as people write them.

    >>> parse_controls(["harmonic_gain=-6, noise_gain=3"])
    {'harmonic_gain': -6.0, 'noise_gain': 3.0}

    Raises:
        BadInput: one is not written so.
    """
    values = {}
    for part in (part for text in texts for part in text.split(",")):
        name, _, value = (piece.strip() for piece in part.partition("="))
        try:
            values[name] = float(value)
        except ValueError:
            values[name] = math.nan
        if not name or not math.isfinite(values[name]):
            wanted = "write CONTROL=NUMBER, as harmonic_gain=-6"
            raise BadInput(f"--controls {part.strip()!r} sets nothing: {wanted}")
    return values


def _words(wishes: TransferWishes) -> list[str]:
    """What the result is called by, beside the recording."""
    words = [written_name(wishes.to)]
    words += [written_name(wishes.timbre)] if wishes.timbre else []
    words += [f"octave={wishes.octaves}"] if wishes.octaves is not None else []
    words += [f"transpose={wishes.semitones:g}"] if wishes.semitones else []
    words += [wishes.tracker] if wishes.tracker != TransferWishes.tracker else []
    return words + [f"{name}={value:g}" for name, value in parse_controls(wishes.controls).items()]


def _pitches(melody: Performance, what: str) -> dict[str, float | None]:
    """The middle of its pitch, and the range of nearly all of it."""
    sure = pitched(melody) & sounding(melody)
    shares = {"lowest": 0.05, "median": 0.5, "highest": 0.95}
    if not bool(sure.any()):
        return {f"{what}_{name}_pitch": None for name in shares}
    pitch = hz_to_midi(melody.f0_hz[sure])
    return {f"{what}_{name}_pitch": float(pitch.quantile(share)) for name, share in shares.items()}


def _draw(recording: Path, made: Transferred, name: str) -> Path:
    from timbrel.picture import draw_transfer

    sounds = [read_audio(path, _PICTURE_RATE) for path in (recording, made.path)]
    names = [recording.name, f"{name}: {made.fit}"]
    melodies = [made.heard, made.followed]
    return draw_transfer(made.path.with_suffix(".png"), names, sounds, _PICTURE_RATE, melodies)
