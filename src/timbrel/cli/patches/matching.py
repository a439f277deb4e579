"""What `timbrel match` does: hear, find, and write patches, their sound, and a picture."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

import torch

from timbrel.audio import read_audio, require_sound, write_audio
from timbrel.cli.arguments import DEFAULT_MODEL, DEFAULT_SYNTH, Using
from timbrel.cli.names import path_name, result_name
from timbrel.cli.patches.match_reports import (
    match_figures,
    match_remarks,
    unequal_level,
    with_files,
)
from timbrel.cli.patches.outputs import draw_beside, found_names, maker, patch_name, write_found
from timbrel.cli.places import Place, place_for
from timbrel.errors import BadInput
from timbrel.instruments.preset import FeedbackStore, Match, Opinions, PatchFinder
from timbrel.instruments.preset.feedback.asking import informative
from timbrel.instruments.preset.heard_banks import heard_banks
from timbrel.instruments.preset.hearing.heard import SAMPLE_RATE
from timbrel.instruments.preset.hearing.target import Target, target_of
from timbrel.instruments.preset.rendering import rendered
from timbrel.instruments.registry import models
from timbrel.modeler import SynthModeler
from timbrel.progress import Progress
from timbrel.synths import Patch, load_synth, synths, whole_name
from timbrel.synths.files import FACTORY, PATCH_SUFFIXES, patch_files, read_banks


@dataclass(frozen=True)
class MatchWishes:
    """What was asked for; see `timbrel match --help`."""

    synth: str | None
    model: str | None
    bank: tuple[str, ...]
    seconds: float
    count: int
    pitch: float | None
    seed: int
    feedback: bool = True
    ask: bool = False


@dataclass
class Matched:
    """What came of it: files, figures, and what a user should know."""

    paths: list[Path] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def match_sound(sound: Path, wishes: MatchWishes, out: Path | None, progress: Progress) -> Matched:
    """Find the patches and write them."""
    made = Matched()
    synth, finder = finder_for(wishes.synth, wishes.model)
    place = _place(sound, synth, wishes, out)
    place.require_apart()
    names = found_names(Path(place.file).stem, finder.synth, wishes.count)
    place.require_free([place.file, *chain.from_iterable(names)])
    audio = require_sound(read_audio(sound, SAMPLE_RATE), SAMPLE_RATE, name=str(sound))
    finder = _equipped(synth, finder, wishes, made.remarks, progress)
    target = target_of(audio, wishes.pitch)
    found = finder.find_for(
        target, seconds=wishes.seconds, count=wishes.count,
        generator=torch.Generator().manual_seed(wishes.seed),
    )  # fmt: skip
    sounds = [rendered(finder.synth, one.vector, one.note)[0] for one in found]
    made.figures = match_figures(finder, found, sounds, target)
    made.remarks += _heeded(finder, target)
    made.remarks += match_remarks(sound, target, made.figures, is_told=wishes.pitch is not None)
    first = found[0].vector
    if unequal := unequal_level(finder.synth, first, sounds[0], target.audio, str(sound)):
        made.remarks.append(f"the best patch is {unequal}")
    stem = Path(place.file).stem

    def write(folder: Path) -> list[Path]:
        best = folder / place.file
        write_audio(best, sounds[0], SAMPLE_RATE)
        patches = [_patch(n, sound, finder, one) for n, one in enumerate(found, 1)]
        written = write_found(folder, stem, finder.synth, patches)
        names = [f"{one.distance_db:.1f} dB,\n{one.by}" for one in found]
        picture = draw_beside(folder / f"{stem}.png", [sound.name, *names], [target.audio, *sounds])
        return [*chain(*written), best, picture]

    made.paths = place.fill(write)
    made.figures = with_files(made.figures, made.paths)
    if wishes.ask:
        number = informative(
            found, torch.stack(sounds), target.heard, finder.network, finder.taste(target)
        )
        made.figures["ask"] = asked = made.figures["patches"][number]["files"][0]
        made.remarks.append(_question(sound, asked, synth))
    return made


def _place(sound: Path, synth: str, wishes: MatchWishes, out: Path | None) -> Place:
    using = Using(wishes.model or DEFAULT_MODEL)
    timbres = [Path(synth).stem]
    name = result_name(path_name(sound), using, timbres=timbres, pitch=wishes.pitch)
    banks = [Path(bank) for bank in wishes.bank if bank != FACTORY]
    reads = [sound, *chain.from_iterable(map(patch_files, banks))]
    return place_for(out, name, reads=reads, series=PATCH_SUFFIXES)


def _patch(number: int, sound: Path, finder: PatchFinder, one: Match) -> Patch:
    values = finder.synth.parameters.values(one.vector)
    name = patch_name(number, sound.stem)
    return Patch(name, finder.synth.name, values, author=maker(one.by))


def _question(sound: Path, patch: Path, synth: str) -> str:
    """Which patch to rate, and the command for it."""
    words = ["timbrel", "data", "presets", "rate", str(sound), str(patch)]
    command = shlex.join(words if synth in synths() else [*words, "--synth", synth])
    return f"rate this one, from -1, not at all, to 1: {command} --liked NUMBER"


def _equipped(
    synth: str, finder: PatchFinder, wishes: MatchWishes, remarks: list[str], progress: Progress
) -> PatchFinder:
    """With the user's banks and feedback, and what is to be said of that."""
    if finder.network is None:
        if wishes.seconds <= 0:
            raise BadInput(f"no model has learned {synth}: --seconds must be above 0")
        remarks.append(
            f"no model has learned {synth}: the search begins with nothing, give it more --seconds"
        )
    if wishes.bank:
        finder = _with_banks(finder, wishes, progress)
    is_heeded = wishes.feedback and wishes.seconds > 0
    return _with_feedback(finder, remarks) if is_heeded else finder


def finder_for(synth: str | None, model: str | None) -> tuple[str, PatchFinder]:
    """A synthesizer, and what finds its patches: a model of it, or search alone.

    Args:
        synth: its name or path; by default the model's, or the one that comes with timbrel.
        model: which has learned it; by default the one that is called so.

    Raises:
        BadInput: the model is of another synthesizer.
    """
    name = model or f"preset-{synth or DEFAULT_SYNTH}"
    if model is None and name not in models():
        return synth or DEFAULT_SYNTH, PatchFinder(load_synth(synth or DEFAULT_SYNTH))
    instrument = SynthModeler.load(name).instrument
    learned = instrument.settings.synth
    if synth is not None and whole_name(synth) != whole_name(learned):
        raise BadInput(f"{name} has learned {learned}, not {synth}: leave out one of the two")
    return learned, instrument.finder


def _with_banks(finder: PatchFinder, wishes: MatchWishes, progress: Progress) -> PatchFinder:
    """Looking among the patches of the user's banks too."""
    if finder.network is None or wishes.seconds <= 0:
        why = "--seconds is 0" if finder.network else f"no model has learned {finder.synth.name}"
        raise BadInput(f"--bank wants a model that compares its patches, and time for it: {why}")
    banks = read_banks(wishes.bank, finder.synth)
    if not banks:
        raise BadInput(f"no patches come with {finder.synth.name}: name files of some by --bank")
    index = heard_banks(finder.synth, finder.network, banks, progress=progress)
    return replace(finder, indices=(*finder.indices, index))


def _with_feedback(finder: PatchFinder, remarks: list[str]) -> PatchFinder:
    """Heeding what the user said of patches; a file of it that is damaged is left out, and said."""
    store = FeedbackStore()
    try:
        opinions = Opinions.of(store, finder.synth, finder.network)
    except BadInput as error:
        remarks.append(f"feedback is left out: {error}")
        return finder
    if opinions is None:
        return finder
    return replace(finder, feedback=opinions)


def _heeded(finder: PatchFinder, target: Target) -> list[str]:
    """That feedback counts, where there is some for such a sound."""
    taste = finder.taste(target)
    count = taste.n_heeded if taste else 0
    if not count:
        return []
    judgements = f"{count} judgement{'s' if count > 1 else ''} of such sounds"
    return [f"your feedback counts ({judgements}): --no-feedback leaves it out"]
