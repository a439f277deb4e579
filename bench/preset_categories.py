"""How often names and sounds of patches tell what category they are of.

Keys begin with the synthesizer: `subtractive`, whose makers say it of all 293 patches, and amsynth,
where only names do; null where that is not installed. `_name_share`: names that say something;
`subtractive_name_agreement`: how many of those say what the maker does. `_sound_accuracy`: share of
patches of known category whose sound is sorted right, by two notes each and by what was learnt from
others: nothing nearly the same is on both sides. `_majority_accuracy`: that of the commonest
category for all. `_macro_`: the mean over categories instead, where a rare one counts as much.
`_sure_share`, `_sure_accuracy`: of those that are sorted at all, rather than put into "other".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from _bench import Bench, Figure, run

if TYPE_CHECKING:
    from timbrel.data.presets.names import Found
    from timbrel.data.presets.plan import PlannedPatch, PresetSetSettings
    from timbrel.synths import Synth

SYNTHS = ("subtractive", "amsynth")
MOST_QUICK = 120
"""Patches that are played."""

TOLD = (
    "name_share", "judged", "sound_accuracy", "sound_macro_accuracy", "majority_accuracy",
    "majority_macro_accuracy", "sure_from", "sure_share", "sure_accuracy",
)  # fmt: skip


def measure(bench: Bench) -> dict[str, Figure]:
    figures: dict[str, Figure] = {}
    for name in SYNTHS:
        synth = installed(name)
        told = {} if synth is None else category_figures(bench, synth)
        figures |= {f"{name}_{key}": told.get(key) for key in TOLD}
    return figures | {"subtractive_name_agreement": name_agreement()}


def installed(name: str) -> Synth | None:
    """The synthesizer with its banks, if it is there."""
    from timbrel.errors import TimbrelError
    from timbrel.synths import load_synth

    try:
        synth = load_synth(name)
        synth.factory_banks()
    except TimbrelError:
        return None
    return synth


def category_figures(bench: Bench, synth: Synth) -> dict[str, float]:
    from timbrel.data.presets.names import category_of_name, known_category
    from timbrel.data.presets.plan import NoteSettings, PresetSetSettings, plan_patches

    banks = synth.factory_banks()
    names = [patch.name for _, patches in banks for patch in patches]
    notes = NoteSettings(each=1 if bench.quick else 2)
    settings = PresetSetSettings(synth=synth.name, random=0, notes=notes)
    real = plan_patches(settings, synth.parameters, banks)
    told = [(p, found) for p in real if (found := known_category(p.name, p.category))]
    if bench.quick and synth.name != "subtractive":
        told = [told[i * len(told) // MOST_QUICK] for i in range(MOST_QUICK)]
    bench.note(f"{synth.name}: {len(told)} patches of known category")
    return {
        "name_share": sum(category_of_name(name) is not None for name in names) / len(names),
        **sound_figures(synth, settings, told),
    }


def sound_figures(
    synth: Synth, settings: PresetSetSettings, told: Sequence[tuple[PlannedPatch, Found]]
) -> dict[str, float]:
    from timbrel.data.presets.categories import known_examples, played_sounds
    from timbrel.data.presets.sorter import tried_sorter

    real, known = [patch for patch, _ in told], [found for _, found in told]
    sounds = played_sounds(synth, settings, [patch.vector for patch in real])
    _, trial = tried_sorter(known_examples(settings, real, known, sounds))
    renamed = {"accuracy": "sound_accuracy", "macro_accuracy": "sound_macro_accuracy"}
    return {renamed.get(name, name): value for name, value in trial.figures.items()}


def name_agreement() -> float:
    """Of names that say something, those that say what the maker does."""
    from timbrel.data.presets.names import category_of_name
    from timbrel.synths.subtractive.factory import factory_banks

    patches = [patch for _, bank in factory_banks() for patch in bank]
    said = [(category_of_name(patch.name), patch.category) for patch in patches]
    right = [found == category for found, category in said if found]
    return sum(right) / len(right)


if __name__ == "__main__":
    run("preset_categories", measure, threads=1)
