"""What `timbrel match` does: hear, find, and write patches, their sound, and a picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from timbrel.audio import read_audio, require_sound, write_audio
from timbrel.cli.arguments import Using
from timbrel.cli.names import path_name, result_name
from timbrel.cli.places import place_for
from timbrel.dsp.distances import mss_db
from timbrel.errors import BadInput
from timbrel.instruments.preset import Match, PatchFinder, Preset
from timbrel.instruments.preset.hearing import SAMPLE_RATE, fitted
from timbrel.instruments.preset.matching import rendered
from timbrel.instruments.preset.target import target_of
from timbrel.instruments.registry import load, models
from timbrel.picture.takes import draw_takes
from timbrel.synths import Patch, load_synth
from timbrel.synths.files import write_patch
from timbrel.units import pitch_name

_ENDINGS = {"subtractive": (".toml",), "vital": (".vital",)}
_ENDINGS_OF_PLUG_INS = (".fxp", ".toml")


@dataclass(frozen=True)
class MatchWishes:
    """What was asked for; see `timbrel match --help`."""

    synth: str
    model: str | None
    seconds: float
    count: int
    pitch: float | None
    seed: int


@dataclass
class Matched:
    """What came of it: files, figures, and what a user should know."""

    paths: list[Path] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def match_sound(sound: Path, wishes: MatchWishes, out: Path | None) -> Matched:
    """Find the patches and write them."""
    finder, made = _finder(wishes), Matched()
    audio = require_sound(read_audio(sound, SAMPLE_RATE), SAMPLE_RATE, name=str(sound))
    name = result_name(path_name(sound), Using(), timbres=[Path(wishes.synth).stem])
    place = place_for(out, name, reads=(sound,))
    if finder.network is None:
        made.remarks.append(
            f"no model has learned {wishes.synth}: the search begins with nothing, give it more "
            "--seconds"
        )
        if wishes.seconds <= 0:
            raise BadInput(f"no model has learned {wishes.synth}: --seconds must be above 0")
    found = finder.find(
        audio, SAMPLE_RATE, pitch=wishes.pitch, seconds=wishes.seconds, count=wishes.count,
        generator=torch.Generator().manual_seed(wishes.seed),
    )  # fmt: skip
    target = target_of(audio, wishes.pitch)
    if not target.is_pitched:
        made.remarks.append(f"no pitch can be heard in {sound}: it is played by C4")
    sounds = [_sound(finder, one) for one in found]
    made.figures = _figures(finder, found, sounds, target.audio)
    stem = Path(place.file).stem

    def write(folder: Path) -> list[Path]:
        best = folder / place.file
        write_audio(best, sounds[0], SAMPLE_RATE)
        patches = _write_patches(finder, found, folder, stem)
        names = [f"{one['mss_db']} dB, {one['by']}" for one in made.figures["patches"]]
        picture = draw_takes(
            folder / f"{stem}.png", [sound.name, *names], [target.audio, *sounds], SAMPLE_RATE
        )
        return [*patches, best, picture]

    made.paths = place.fill(write)
    return made


def _finder(wishes: MatchWishes) -> PatchFinder:
    """By the model that was named, or that has learned the synthesizer, or by search alone."""
    model = wishes.model or f"preset-{wishes.synth}"
    if wishes.model is None and model not in models():
        return PatchFinder(load_synth(wishes.synth))
    instrument = load(model)
    if not isinstance(instrument, Preset):
        raise BadInput(f"{model} is of family {instrument.family}: --model wants one of preset")
    return instrument.finder


def _sound(finder: PatchFinder, one: Match) -> Tensor:
    return rendered(finder.synth, one.vector, one.note)[0]


def _figures(
    finder: PatchFinder, found: list[Match], sounds: list[Tensor], target: Tensor
) -> dict[str, Any]:
    note = found[0].note
    pitch = float(note.pitch)
    return {
        "key": pitch_name(round(pitch)),
        "cents": round(100 * (pitch - round(pitch))),
        "held_s": round(float(note.duration_s), 3),
        "patches": [
            {
                "by": one.by,
                "mss_db": round(float(mss_db(sound, fitted(target), SAMPLE_RATE)), 3),
                "values": finder.synth.parameters.values(one.vector),
            }
            for one, sound in zip(found, sounds, strict=True)
        ],
    }


def _write_patches(finder: PatchFinder, found: list[Match], folder: Path, stem: str) -> list[Path]:
    paths = []
    for number, one in enumerate(found, 1):
        name = stem if len(found) == 1 else f"{stem}_{number}"
        values = finder.synth.parameters.values(one.vector)
        patch = Patch(name, finder.synth.name, values, author=f"timbrel, {one.by}")
        for ending in _ENDINGS.get(finder.synth.name, _ENDINGS_OF_PLUG_INS):
            paths.append(folder / f"{name}{ending}")
            write_patch(paths[-1], patch, finder.synth)
    return paths
