"""What the verbs that teach `match` do: hear, keep, count, collect."""

from __future__ import annotations

import difflib
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from timbrel.audio import read_audio, require_sound
from timbrel.cli.names import is_patch_file
from timbrel.cli.patches.matching import finder_for
from timbrel.config import make_settings, with_overrides
from timbrel.data.presets.building import PresetReport
from timbrel.data.presets.feedback import GOOD, CollectedSettings, collect_feedback
from timbrel.errors import BadPatch, SynthFailed
from timbrel.instruments.model_folder import weights_hash
from timbrel.instruments.preset import FeedbackStore, Judgement, PatchFinder
from timbrel.instruments.preset.feedback.judgement import JudgedSound, JudgementKind
from timbrel.instruments.preset.hearing.heard import SAMPLE_RATE
from timbrel.instruments.preset.hearing.heard_bytes import sound_id
from timbrel.instruments.preset.hearing.target import target_of
from timbrel.instruments.preset.matching.candidates import Guess
from timbrel.instruments.preset.matching.matches import as_match
from timbrel.progress import Progress
from timbrel.synths import Patch, synths
from timbrel.synths.files import read_patch
from timbrel.units import pitch_name

_NEWEST = 5


def judge(
    sound: Path,
    patch: Path,
    kind: JudgementKind,
    liked: float,
    synth: str | None,
    model: str | None,
    pitch: float | None,
) -> dict[str, Any]:
    """Keep what was said of a patch and a sound; what is kept.

    Args:
        sound: a recording.
        patch: a file of one patch, or the name of one that comes with the model.
        kind, liked: what is said of it.
        synth, model, pitch: as `timbrel match` takes them.

    Raises:
        BadPatch: the file holds no patch, or several, or there is none of that name.
        SynthFailed: the patch makes no sound.
    """
    audio = require_sound(read_audio(sound, SAMPLE_RATE), SAMPLE_RATE, name=str(sound))
    is_file = is_patch_file(patch)
    named = _synth_of(patch) if is_file and not (synth or model) else None
    _, finder = finder_for(synth or named, model)
    judged = read_patch(patch, finder.synth) if is_file else _of_index(str(patch), finder)
    target, knobs = target_of(audio, pitch), finder.synth.parameters
    one = as_match(finder.synth, Guess(knobs.vector(judged.values), "user"), target)
    if not math.isfinite(one.distance_db):
        raise SynthFailed(f"{patch}: {finder.synth.name} makes no sound of it: give another patch")
    judgement = Judgement(
        synth=finder.synth.name, knobs=knobs.names, vector=one.vector, patch=judged.name,
        note=one.note, sound=sound_id(target.heard), sound_name=sound.name, kind=kind, liked=liked,
    )  # fmt: skip
    store, network = FeedbackStore(), finder.network
    if network is None:
        store.add(judgement, JudgedSound.of(target))
    else:
        store.add(judgement, JudgedSound.of(target), finder.point(target), weights_hash(network))
    told = _told(judgement)
    return told | {"distance_db": round(one.distance_db, 3), "kept_in": store.path}


def _synth_of(file: Path) -> str:
    """Whose patch a file holds. It may be anybody's, so what it names is loaded by no path."""
    synth = read_patch(file).synth
    if synth not in synths():
        raise BadPatch(f"{file} is of {synth!r:.60}: give --synth, the path of that plug-in")
    return synth


def _of_index(name: str, finder: PatchFinder) -> Patch:
    """A patch that comes with the model, as `match` names it.

    Raises:
        BadPatch: there is none of that name.
    """
    for index in finder.indices:
        if name in index.names:
            vector = index.vectors[index.names.index(name)]
            return Patch(name, finder.synth.name, finder.synth.parameters.values(vector))
    near = difflib.get_close_matches(name, [n for i in finder.indices for n in i.names], n=1)
    hint = f"did you mean {near[0]!r}?" if near else "give the file of a patch, such as match wrote"
    raise BadPatch(f"no patch called {name!r:.60} comes with {finder.synth.name}: {hint}")


def kept() -> dict[str, Any]:
    """How much was said, of what, and the newest of it."""
    store = FeedbackStore()
    said = store.judgements()
    return {
        "file": store.path,
        "ratings": sum(one.kind == "rating" and one.liked != 0 for one in said),
        "corrections": sum(one.kind == "correction" for one in said),
        "sounds": len({one.sound for one in said}),
        "synths": sorted({one.synth for one in said}),
        "newest": [_told(one) for one in reversed(said[-_NEWEST:])],
    }


def _told(one: Judgement) -> dict[str, Any]:
    return {
        "sound": one.sound_name,
        "patch": one.patch,
        "synth": one.synth,
        "kind": one.kind,
        "liked": one.liked,
        "key": pitch_name(round(float(one.note.pitch))),
        "held_s": round(float(one.note.duration_s), 3),
        "made_at": one.made_at,
    }


def overview(figures: dict[str, Any]) -> Iterator[str]:
    """That as lines for people."""
    counts = {key: value for key, value in figures.items() if key != "newest"}
    for name, value in counts.items():
        shown = ", ".join(value) or "-" if isinstance(value, list) else value
        yield f"{name:<11}  {shown}"
    for one in figures["newest"]:
        yield (
            f"{one['made_at']}  {one['kind']} {one['liked']:+g}  {one['sound']}: "
            f"{one['patch']} of {one['synth']}"
        )


def collected(
    out: Path, settings: CollectedSettings, processes: int | None, progress: Progress
) -> PresetReport:
    """Make a set to train on."""
    return collect_feedback(FeedbackStore(), out, settings, processes=processes, progress=progress)


def collecting(synth: str, overrides: Sequence[str]) -> CollectedSettings:
    """What is to be collected."""
    return make_settings(CollectedSettings, with_overrides({"synth": synth}, overrides))


def left_out(settings: CollectedSettings) -> Iterator[str]:
    """That other synthesizers were judged too, and how that is collected."""
    said = FeedbackStore().judgements()
    counts = Counter(one.synth for one in said if one.liked >= GOOD and one.synth in synths())
    for other, count in sorted(counts.items()):
        if other != settings.synth:
            yield f"{count} of {other} left out: --synth {other} takes those"
