"""The category of each real patch of a set: its maker's, else its name's, else its sound's.

What a category sounds like is learnt from the set's own patches whose category is known, and from
the patches that come with `subtractive`, played by the same sort of notes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.data.presets.names import By, Found, known_category
from timbrel.data.presets.plan import PlannedPatch, PresetSetSettings, clusters, plan_notes
from timbrel.data.presets.rendering import the_synth
from timbrel.data.presets.sorter import SOUNDING, Examples, Sorter, Trial, by_patch, tried_sorter
from timbrel.data.presets.sounds import N_FEATURES, PatchSounds, sound_features, stored_sounds
from timbrel.instruments.preset.hearing.heard import hear, is_audible
from timbrel.instruments.preset.rendering import attempted
from timbrel.sound import Notes
from timbrel.synths import Synth

WAYS: tuple[By, ...] = ("maker", "name", "sound")
UNKNOWN = "unknown"

_REFERENCE = "subtractive"
ENOUGH = 50
"""Patches of known category by which a set judges how its sounds are sorted, without others."""

_AT_ONCE = 32


@dataclass(frozen=True)
class Categories:
    """Those of a set's real patches.

    Attributes:
        found: of each, in order; None where nobody knows.
        trial: how well sounds are sorted; None where none were.
    """

    found: list[Found | None]
    trial: Trial | None = None

    @property
    def balance(self) -> dict[str, int]:
        """Patches of each category."""
        return dict(Counter(one.category if one else UNKNOWN for one in self.found))

    @property
    def ways(self) -> dict[By, dict[str, int]]:
        """Patches of each category, by how it was found."""
        told = [one for one in self.found if one]
        return {way: dict(Counter(c for c, by in told if by == way)) for way in WAYS}


def find_categories(
    settings: PresetSetSettings, real: Sequence[PlannedPatch], parts: Sequence[Path]
) -> Categories:
    """The categories of a set's real patches.

    Args:
        settings: of the set.
        real: its real patches, which are its first ones.
        parts: what is heard of them; where there are none, sounds are not asked.
    """
    known = [known_category(patch.name, patch.category) for patch in real]
    # a few that are all known teach nothing
    if not parts or not real or (all(known) and len(known) < ENOUGH):
        return Categories(known)
    sounds = stored_sounds(parts, len(real))
    sorter, trial = tried_sorter(known_examples(settings, real, known, sounds))
    heard = _sorted(sorter, trial, sounds)
    return Categories(
        [one or Found(heard.get(i, "other"), "sound") for i, one in enumerate(known)], trial
    )


def _sorted(sorter: Sorter, trial: Trial, sounds: PatchSounds) -> dict[int, str]:
    """Categories of patches by number; those that nothing is heard of are missing."""
    number, probabilities = by_patch(sorter.log_probabilities(sounds.features), sounds.patch)
    sureness, place = probabilities.max(-1)
    return {
        n: SOUNDING[p] if sure >= trial.sure_from else "other"
        for n, p, sure in zip(number.tolist(), place.tolist(), sureness.tolist(), strict=True)
    }


def known_examples(
    settings: PresetSetSettings,
    real: Sequence[PlannedPatch],
    known: Sequence[Found | None],
    sounds: PatchSounds,
) -> Examples:
    """Notes whose category is known: a set's own, and those of what comes with `subtractive`.

    Args:
        settings: of the set.
        real: its real patches.
        known: what is known of them.
        sounds: what they sound like.
    """
    others, played = _reference(settings, real)
    categories = [one.category if one else "" for one in known] + [p.category for p in others]
    place = torch.tensor([SOUNDING.index(c) if c in SOUNDING else -1 for c in categories])
    cluster = torch.tensor([patch.cluster for patch in (*real, *others)])
    own = torch.arange(len(place)) < len(real)
    if int((own & (place >= 0)).sum()) < ENOUGH:
        own = torch.ones_like(own)
    patch = torch.cat([sounds.patch, played.patch + len(real)])
    told = place[patch] >= 0
    patch, features = patch[told], torch.cat([sounds.features, played.features])[told]
    return Examples(features, patch, place[patch], cluster[patch], own[patch])


def _reference(
    settings: PresetSetSettings, real: Sequence[PlannedPatch]
) -> tuple[list[PlannedPatch], PatchSounds]:
    """The patches that come with `subtractive`, but those that the set itself holds, and sounds."""
    synth = the_synth(_REFERENCE)
    patches = [patch for _, bank in synth.factory_banks() for patch in bank]
    vectors = torch.stack([synth.parameters.vector(patch.values) for patch in patches])
    scaled = synth.parameters.unit_scaled(vectors)
    cluster = clusters(scaled, settings.near) + len(real)
    keep = torch.ones(len(patches), dtype=torch.bool)
    if settings.synth == _REFERENCE and real:
        own = synth.parameters.unit_scaled(torch.stack([patch.vector for patch in real]))
        keep = (torch.cdist(scaled, own) > settings.near).all(1)
    others = [
        PlannedPatch(p.name, v, "real", _REFERENCE, p.category, int(c), "train")
        for p, v, c, kept in zip(patches, vectors, cluster, keep, strict=True)
        if kept
    ]
    return others, played_sounds(synth, settings, [patch.vector for patch in others])


def played_sounds(
    synth: Synth, settings: PresetSetSettings, vectors: Sequence[Float[Tensor, " params"]]
) -> PatchSounds:
    """What patches sound like, played by notes as those of a set are.

    Args:
        synth: plays them.
        settings: of the set.
        vectors: the patches.
    """
    planned = plan_notes(settings, 0, len(vectors))
    features, patch = [torch.zeros(0, N_FEATURES)], [planned.patch[:0]]
    for some in torch.arange(len(planned.patch)).split(_AT_ONCE):
        if not len(some):
            continue
        pitch, held_s = planned.pitch[some], planned.held_s[some]
        rows = torch.stack([vectors[i] for i in planned.patch[some].tolist()])
        notes = Notes(pitch, planned.velocity[some], held_s)
        audio = attempted(synth, rows, notes)
        usable = is_audible(audio)
        heard = hear(audio[usable])
        features.append(sound_features(heard, pitch[usable], held_s[usable]))
        patch.append(planned.patch[some][usable])
    return PatchSounds(torch.cat(features), torch.cat(patch))
