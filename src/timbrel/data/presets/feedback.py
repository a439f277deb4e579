"""A preset set of what users said: sounds, and the patches that are right for them.

    store -> corrections, and good ratings of sounds that were not corrected
          -> plan: those patches, patches around them, random ones
          -> their own notes, rendered, as in every set
          -> parts/part-heard.safetensors: the sounds as they were heard, each with its patch

Around and random ones are there so that training on a few sounds does not forget the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from timbrel.config import read_settings
from timbrel.data.claim import alone_in
from timbrel.data.evenly import evenly
from timbrel.data.presets.building import PresetReport, render_set
from timbrel.data.presets.plan import (
    Count,
    PlannedPatch,
    PresetSetSettings,
    Share,
    plan_patches,
    wholly_named,
)
from timbrel.data.presets.preset_set import CLAIM
from timbrel.data.presets.rendering import the_synth
from timbrel.errors import BadConfig, BadInput
from timbrel.files import replacing_folder
from timbrel.instruments.preset.feedback.judgement import Judgement
from timbrel.instruments.preset.feedback.last_words import last_words
from timbrel.instruments.preset.feedback.store import FeedbackStore
from timbrel.instruments.preset.hearing.heard_bytes import mel_bytes
from timbrel.progress import Progress
from timbrel.synths import Parameters, Patch, Synth

GOOD = 0.5
"""Of ratings: what was liked so much is trained on."""

BANK: Literal["feedback"] = "feedback"


class CollectedSettings(PresetSetSettings):
    """What `collect_feedback` makes; see `PresetSetSettings`. Its one bank is the feedback."""

    banks: tuple[Literal["feedback"]] = (BANK,)
    around: Count = 50
    random: Count = 500
    validation: Share = 0.1
    test: Share = 0.0
    activity: Count = 20


def collect_feedback(
    store: FeedbackStore,
    out: str | Path,
    settings: CollectedSettings | None = None,
    *,
    processes: int | None = 0,
    progress: Progress | None = None,
) -> PresetReport:
    """Make a set of what a store says is right; it takes the place of one that was made so before.

    Args:
        store: the feedback.
        out: folder of the set.
        settings: the synthesizer, and what is made around its patches.
        processes: how many render at once; None for one a core, 0 for none but this.
        progress: told how many parts are done.

    Raises:
        BadInput: nothing there can be trained on, the store cannot be used, or the folder holds
            something else.
    """
    settings, out = wholly_named(settings or CollectedSettings()), Path(out)
    _require_replaceable(out)
    synth = the_synth(settings.synth)
    said = trainable(store.judgements(synth.name), synth)
    if not said:
        raise BadInput(
            f"no corrections or ratings from {GOOD} of {synth.name} in {store.path}: "
            "give some by `timbrel data presets correct`"
        )
    patches = [Patch(one.patch, synth.name, synth.parameters.values(one.vector)) for one in said]
    planned = plan_patches(settings, synth.parameters, [(BANK, patches)])
    trained = [patch for patch in planned if patch.split == "train"]
    if not any(patch.origin == "real" for patch in trained):
        held_out = sum(patch.origin == "real" for patch in planned)
        raise BadConfig(
            f"all judged patches ({held_out}) are held out, and none is left to train on: judge "
            "more of them, or give validation=0 test=0"
        )
    chosen = evenly(len(trained), settings.activity)
    with alone_in(out.with_name(f".{out.name}.making")), replacing_folder(out) as unfinished:
        report = render_set(
            unfinished, settings, planned, [trained[i].vector for i in chosen.tolist()],
            heard=_heard(store, said, planned, synth.parameters),
            processes=processes, progress=progress,
        )  # fmt: skip
        _require_replaceable(out)  # still: others may have begun a set there
    return replace(report, folder=out)


def trainable(said: Sequence[Judgement], synth: Synth) -> list[Judgement]:
    """Corrections, and good ratings of sounds without one, of patches of a synthesizer's knobs."""
    ours = [one for one in last_words(said, synth) if one.liked >= GOOD]
    corrected = {one.sound for one in ours if one.kind == "correction"}
    return [one for one in ours if one.kind == "correction" or one.sound not in corrected]


def _heard(
    store: FeedbackStore,
    said: Sequence[Judgement],
    planned: Sequence[PlannedPatch],
    parameters: Parameters,
) -> dict[str, Tensor]:
    """The columns of the sounds as they were heard."""
    numbers = {
        patch.vector.numpy().tobytes(): number
        for number, patch in enumerate(planned)
        if patch.origin == "real"
    }
    patch = [numbers[_as_planned(one, parameters).numpy().tobytes()] for one in said]
    sounds = store.sounds(one.sound for one in said)
    kept = [sounds[one.sound] for one in said]
    notes = [one.note for one in said]
    return {
        "mel": mel_bytes(torch.cat([sound.heard.mel for sound in kept])),
        "curves": torch.cat([sound.heard.curves for sound in kept]).half(),
        "vector": torch.stack([planned[number].vector for number in patch]),
        "patch": torch.tensor(patch),
        "pitch": torch.cat([note.pitch for note in notes]),
        "velocity": torch.cat([note.velocity for note in notes]),
        "held_s": torch.cat([note.duration_s for note in notes]),
        "level_db": torch.tensor([sound.level_db for sound in kept]),
    }


def _as_planned(one: Judgement, parameters: Parameters) -> Tensor:
    """Its patch after the way through the knobs' units."""
    return parameters.vector(parameters.values(one.vector))


def _require_replaceable(out: Path) -> None:
    """That nothing is lost: there is nothing, or a set that was collected before."""
    if not out.name:
        raise BadInput(f"{out} is no name for a set: give one, such as data/presets/mine")
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    is_set = (out / CLAIM).is_file()
    if not is_set or read_settings(PresetSetSettings, out / CLAIM).banks != (BANK,):
        raise BadInput(f"{out} holds something else than collected feedback: choose another folder")
