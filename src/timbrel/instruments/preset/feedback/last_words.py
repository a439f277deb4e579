"""What still holds of all that was said: people change their minds."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from timbrel.instruments.preset.feedback.judgement import Judgement
from timbrel.synths import Synth

_SAME = 1e-3
"""Of a knob's way, or of a choice: patches that differ by no more are one."""


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
    last: dict[str, list[Judgement]] = {}
    for one in said:
        if one.synth != synth.name or one.knobs != names:
            continue
        others = last.setdefault(one.sound, [])
        others[:] = [
            other
            for other in others
            if bool(((other.vector - one.vector).abs() > _SAME)[is_patch].any())
        ]
        others.append(one)
    kept = {id(one) for others in last.values() for one in others}
    return [one for one in said if id(one) in kept and one.liked]
