"""What `timbrel recommend` does: read a patch, change it as wished, and let it be heard."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.audio import write_audio
from timbrel.cli.arguments import DEFAULT_MODEL, DEFAULT_SYNTH, Using
from timbrel.cli.names import is_patch_file, path_name, result_name
from timbrel.cli.patches.match_reports import unequal_level
from timbrel.cli.patches.matching import Matched
from timbrel.cli.patches.outputs import draw_beside, maker, patch_name, write_found
from timbrel.cli.places import Place, place_for
from timbrel.cli.timbres import MIDDLE_C
from timbrel.errors import BadInput
from timbrel.instruments.preset import Preset
from timbrel.instruments.preset.hearing.descriptors import DESCRIPTORS
from timbrel.instruments.preset.hearing.heard import LENGTH_S, SAMPLE_RATE
from timbrel.instruments.preset.hearing.target import TYPICAL_VELOCITY
from timbrel.instruments.preset.matching.finishing import levelled
from timbrel.instruments.preset.recommending import Suggestion, suggest
from timbrel.instruments.preset.rendering import rendered
from timbrel.instruments.preset.wishes import wish_of
from timbrel.instruments.registry import models
from timbrel.modeler import SynthModeler
from timbrel.sound import Notes
from timbrel.synths import Parameters, Patch, Synth
from timbrel.synths.files import PATCH_SUFFIXES, read_patch, read_patches

_TOLD = 0.15
"""Standard deviations, and share of a wish: what moved less is not worth a word."""

_ENOUGH = 0.75
"""Of a wish: what moved less fell short of it."""

_SHOWN = 2
"""Descriptors that a picture's column has room for."""

_TURNED = 1e-3
"""Of a knob's way: what is turned less is as it was."""


@dataclass(frozen=True)
class RecommendWishes:
    """What was asked for; see `timbrel recommend --help`."""

    patch: Path
    wish: str
    model: str | None
    count: int
    pitch: float
    duration_s: float
    seed: int


def recommend_patches(wishes: RecommendWishes, out: Path | None) -> Matched:
    """Suggest patches and write them."""
    wish, model = wish_of(wishes.wish), wishes.model or _model_of(wishes.patch)
    instrument = SynthModeler.load(model).instrument
    synth, patch = instrument.synth, _patch(wishes.patch, instrument)
    vector = synth.parameters.vector(patch.values)
    note = Notes.of(wishes.pitch, TYPICAL_VELOCITY, min(wishes.duration_s, LENGTH_S))
    found = suggest(
        synth, instrument.network.recommender, vector, wish, note, count=wishes.count,
        generator=torch.Generator().manual_seed(wishes.seed),
    )  # fmt: skip
    if not found:
        raise BadInput(f"nothing {wishes.wish} is found near {wishes.patch}: wish for less")
    place = _place(wishes, out)
    stem = Path(place.file).stem
    found = _as_loud(synth, vector, found, note)
    vectors = torch.stack([vector, *(one.vector for one in found)])
    sounds = rendered(synth, vectors, note[torch.zeros(len(vectors)).long()])

    def write(folder: Path) -> list[Path]:
        patches = [
            _suggested(n, patch, wishes.wish, synth.parameters.values(one.vector))
            for n, one in enumerate(found, 1)
        ]
        paths = chain(*write_found(folder, stem, synth, patches))
        write_audio(folder / place.file, sounds.flatten(), SAMPLE_RATE)
        names = ["before", *(_in_short(one, wish) for one in found)]
        picture = draw_beside(folder / f"{stem}.png", names, list(sounds))
        return [*paths, folder / place.file, picture]

    figures = {"suggestions": [_figures(synth.parameters, vector, one) for one in found]}
    remarks = [
        f"{n}: {_remark(wishes.wish, one, wish)}{_level(synth, one, sound, sounds[0])}"
        for n, (one, sound) in enumerate(zip(found, sounds[1:], strict=True), 1)
    ]
    if len(found) < wishes.count:
        others = "all else that was tried is alike, silent or in another key"
        remarks.append(f"{len(found)} of {wishes.count}: {others}")
    return Matched(place.fill(write), figures, remarks)


def _place(wishes: RecommendWishes, out: Path | None) -> Place:
    using = Using(wishes.model or DEFAULT_MODEL)
    pitch = None if wishes.pitch == MIDDLE_C else wishes.pitch
    name = result_name(path_name(wishes.patch), using, timbres=[wishes.wish], pitch=pitch)
    is_file = wishes.patch.suffix.lower() in PATCH_SUFFIXES
    reads = (wishes.patch,) if is_file else ()
    return place_for(out, name, reads=reads, series=PATCH_SUFFIXES)


def _suggested(number: int, before: Patch, wish: str, values: dict[str, float]) -> Patch:
    """A suggestion, called by the patch that a chain of wishes began with, and the last of them."""
    first = re.sub(r"^\d+ ", "", before.name.partition(",")[0])
    name = patch_name(number, f"{first}, {wish}")
    return Patch(name, before.synth, values, before.category, maker(wish))


def _as_loud(
    synth: Synth, vector: Tensor, found: list[Suggestion], note: Notes
) -> list[Suggestion]:
    """The suggestions, each as loud as the patch was: loudness is no part of a wish."""
    before = rendered(synth, vector[None], note)[0]
    vectors = torch.stack([one.vector for one in found])
    loud = levelled(synth, vectors, note[torch.zeros(len(found)).long()], before)
    return [replace(one, vector=vector) for one, vector in zip(found, loud, strict=True)]


def _model_of(patch: Path) -> str:
    """The model that has learned the synthesizer of a patch; of a bank's name, the default one."""
    if not is_patch_file(patch):
        return f"preset-{DEFAULT_SYNTH}"
    synth = read_patches(patch)[0].synth
    name = f"preset-{synth}"
    if name not in models():
        raise BadInput(f"{patch} is of {synth}, which no model called {name} knows: give --model")
    return name


def _patch(patch: Path, instrument: Preset) -> Patch:
    """A patch from a file, or from the bank of the model."""
    if is_patch_file(patch):
        return read_patch(patch, instrument.synth)
    if instrument.bank is None:
        raise BadInput(f"no file {patch}, and the model has no bank: give a patch file")
    try:
        vector = instrument.bank[str(patch)]
    except BadInput as error:
        raise BadInput(f"{error}; and no file of that name") from None
    synth = instrument.synth
    return Patch(str(patch), synth.name, synth.parameters.values(vector))


def _figures(parameters: Parameters, before: Tensor, one: Suggestion) -> dict[str, Any]:
    return {
        "moved": {d.name: round(float(x), 3) for d, x in zip(DESCRIPTORS, one.moved, strict=True)},
        "turned": turned(parameters, before, one.vector),
        "values": parameters.named(parameters.values(one.vector)),
    }


def turned(
    parameters: Parameters, before: Float[Tensor, " params"], after: Float[Tensor, " params"]
) -> dict[str, tuple[float | str, float | str]]:
    """The knobs that differ between two patches: where they stood and stand, in their units."""
    old, new = (parameters.named(parameters.values(vector)) for vector in (before, after))
    is_turned = ((before - after).abs() > _TURNED).tolist()
    return {
        name: (old[name], new[name])
        for name, moved in zip(parameters.names, is_turned, strict=True)
        if moved
    }


def _in_short(one: Suggestion, wish: Tensor) -> str:
    """How what was wished for moved, as a picture's column says it."""
    wished = [n for n in wish.abs().argsort(descending=True).tolist() if wish[n]][:_SHOWN]
    return ",\n".join(_said(n, float(one.moved[n])) for n in wished)


def _said(number: int, moved: float, wished: float = 0.0) -> str:
    """How far a descriptor moved, and how far it should have where that is much further."""
    descriptor = DESCRIPTORS[number]
    said = f"{descriptor.more if moved > 0 else descriptor.less} by {abs(moved):.1f}"
    is_short = moved * wished > 0 and abs(moved) < _ENOUGH * abs(wished)
    return f"{said} of {abs(wished):.1f}" if is_short else said


def _remark(text: str, one: Suggestion, wish: Tensor) -> str:
    """How far one of them came, in one line."""
    if float(one.moved @ wish) <= _TOLD * float(wish.square().sum()):
        return f"{text}: nothing nearby is; what comes nearest is written"
    pairs = list(enumerate(zip(one.moved.tolist(), wish.tolist(), strict=True)))
    said = [_said(n, moved, wished) for n, (moved, wished) in pairs if abs(moved) >= _TOLD]
    said += [
        f"no {DESCRIPTORS[n].more if wished > 0 else DESCRIPTORS[n].less}"
        for n, (moved, wished) in pairs
        if wished and abs(moved) < _TOLD
    ]
    return f"{text}: heard {', '.join(said)} (standard deviations over patches)"


def _level(synth: Synth, one: Suggestion, sound: Tensor, before: Tensor) -> str:
    unequal = unequal_level(synth, one.vector, sound, before, "before")
    return f"; {unequal}" if unequal else ""
