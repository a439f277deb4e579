"""What still holds of all that was said: people change their minds."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from timbrel.instruments.preset.feedback.judgement import Judgement
from timbrel.synths import UNTOUCHED, Synth


def last_words(said: Sequence[Judgement], synth: Synth) -> list[Judgement]:
    """The last word on each sound and patch of a synthesizer, if it is not 0, oldest first.

    A patch is the same with another volume and another phrasing: `match` fits these to each sound.
    What was said of other knobs than the synthesizer has is left out.

    Args:
        said: judgements, oldest first.
        synth: whose patches.
    """
    names = synth.parameters.names
    is_patch = torch.tensor([name not in (synth.volume, *synth.phrasing) for name in names])
    ours = [one for one in said if one.synth == synth.name and one.knobs == names]
    by_sound: dict[str, list[Judgement]] = {}
    for one in ours:
        by_sound.setdefault(one.sound, []).append(one)
    revised = set()
    for words in by_sound.values():
        patches = torch.stack([one.vector for one in words])[:, is_patch]
        is_same = torch.cdist(patches, patches, p=torch.inf) <= UNTOUCHED
        is_revised = is_same.triu(diagonal=1).any(1).tolist()
        revised |= {id(one) for one, again in zip(words, is_revised, strict=True) if again}
    return [one for one in ours if one.liked and id(one) not in revised]
