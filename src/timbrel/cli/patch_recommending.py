"""What `timbrel recommend` does: read a patch, change it as wished, and let it be heard."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.audio import write_audio
from timbrel.cli.arguments import Using
from timbrel.cli.names import path_name, result_name
from timbrel.cli.patch_matching import Matched, preset_model
from timbrel.cli.patch_outputs import numbered, write_vector
from timbrel.cli.places import place_for
from timbrel.errors import BadInput
from timbrel.instruments.preset import Preset
from timbrel.instruments.preset.hearing.descriptors import DESCRIPTORS
from timbrel.instruments.preset.hearing.heard import LENGTH_S, SAMPLE_RATE
from timbrel.instruments.preset.hearing.rendering import rendered
from timbrel.instruments.preset.hearing.target import TYPICAL_VELOCITY
from timbrel.instruments.preset.matching.matches import levelled
from timbrel.instruments.preset.recommending import Suggestion, suggest
from timbrel.instruments.preset.wishes import wish_of
from timbrel.picture.takes import draw_takes
from timbrel.sound import Notes
from timbrel.synths import Parameters, Synth
from timbrel.synths.files import PATCH_SUFFIXES, read_patches

_TOLD = 0.15
"""Standard deviations, and share of a wish: what moved less is not worth a word."""

_TURNED = 1e-3
"""Of a knob's way: what is turned less is as it was."""


@dataclass(frozen=True)
class RecommendWishes:
    """What was asked for; see `timbrel recommend --help`."""

    patch: Path
    wish: str
    model: str
    count: int
    pitch: float
    duration_s: float
    seed: int


def recommend_patches(wishes: RecommendWishes, out: Path | None) -> Matched:
    """Suggest patches and write them."""
    wish, instrument = wish_of(wishes.wish), preset_model(wishes.model)
    synth, vector = instrument.synth, _vector(wishes.patch, instrument)
    note = Notes.of(wishes.pitch, TYPICAL_VELOCITY, min(wishes.duration_s, LENGTH_S))
    found = suggest(
        synth, instrument.network.recommender, vector, wish, note, count=wishes.count,
        generator=torch.Generator().manual_seed(wishes.seed),
    )  # fmt: skip
    if not found:
        raise BadInput(f"nothing {wishes.wish} is found near {wishes.patch}: wish for less")
    name = result_name(path_name(wishes.patch), Using(), timbres=[wishes.wish])
    is_file = wishes.patch.suffix.lower() in PATCH_SUFFIXES
    place = place_for(out, name, reads=(wishes.patch,) if is_file else ())
    stem = Path(place.file).stem
    found = _as_loud(synth, vector, found, note)
    vectors = torch.stack([vector, *(one.vector for one in found)])
    sounds = rendered(synth, vectors, note[torch.zeros(len(vectors)).long()])

    def write(folder: Path) -> list[Path]:
        paths = []
        for number, one in enumerate(found, 1):
            named = numbered(stem, number, len(found))
            paths += write_vector(folder, named, synth, one.vector, wishes.wish)
        write_audio(folder / place.file, sounds.flatten(), SAMPLE_RATE)
        names = ["before", *(_in_short(one) for one in found)]
        picture = draw_takes(folder / f"{stem}.png", names, list(sounds), SAMPLE_RATE)
        return [*paths, folder / place.file, picture]

    figures = {"suggestions": [_figures(synth.parameters, vector, one) for one in found]}
    remarks = [_remark(wishes.wish, found[0], wish)]
    return Matched(place.fill(write), figures, remarks)


def _as_loud(
    synth: Synth, vector: Tensor, found: list[Suggestion], note: Notes
) -> list[Suggestion]:
    """The suggestions, each as loud as the patch was: loudness is no part of a wish."""
    before = rendered(synth, vector[None], note)[0]
    return [replace(one, vector=levelled(synth, one.vector, note, before)) for one in found]


def _vector(patch: Path, instrument: Preset) -> Float[Tensor, " params"]:
    """A patch from a file, or from the bank of the model."""
    if patch.suffix.lower() in PATCH_SUFFIXES or patch.exists():
        patches = read_patches(patch, instrument.synth)
        if len(patches) != 1:
            raise BadInput(f"{patch} holds {len(patches)} patches: wanted a file of one")
        return instrument.synth.parameters.vector(patches[0].values)
    if instrument.bank is None:
        raise BadInput(f"no file {patch}, and the model has no bank: give a patch file")
    return instrument.bank[str(patch)]


def _figures(parameters: Parameters, before: Tensor, one: Suggestion) -> dict[str, Any]:
    return {
        "moved": {d.name: round(float(x), 3) for d, x in zip(DESCRIPTORS, one.moved, strict=True)},
        "turned": turned(parameters, before, one.vector),
        "values": parameters.values(one.vector),
    }


def turned(
    parameters: Parameters, before: Float[Tensor, " params"], after: Float[Tensor, " params"]
) -> dict[str, tuple[float, float]]:
    """The knobs that differ between two patches: where they stood and stand, in their units."""
    old, new = parameters.values(before), parameters.values(after)
    is_turned = ((before - after).abs() > _TURNED).tolist()
    return {
        name: (old[name], new[name])
        for name, moved in zip(parameters.names, is_turned, strict=True)
        if moved
    }


def _in_short(one: Suggestion) -> str:
    """What moved most, as a picture's column says it."""
    number = int(one.moved.abs().argmax())
    descriptor, moved = DESCRIPTORS[number], float(one.moved[number])
    return f"{descriptor.more if moved > 0 else descriptor.less}, {abs(moved):.1f} sd"


def _remark(text: str, best: Suggestion, wish: Tensor) -> str:
    """How far the best of them came, in one line."""
    if float(best.moved @ wish) <= _TOLD * float(wish.square().sum()):
        return f"{text}: nothing nearby is; what comes nearest is written"
    moved = [
        f"{d.more if x > 0 else d.less} by {abs(x):.1f}"
        for d, x in zip(DESCRIPTORS, best.moved.tolist(), strict=True)
        if abs(x) >= _TOLD
    ]
    return f"{text}: heard {', '.join(moved)} (standard deviations over patches)"
