"""What judgements say of patches that nobody judged: a regression over those that were.

    liked(v) = 6 dB * sum over judgements of w a b(v) y / (1 + sum of w a b(v))

y is what was said, -1 to 1; w how much it counts, 1 for a rating and 4 for a correction; a how near
the sound was (Gaussian over the tone matcher's points, 0.3 wide: the margin it is trained for; 0
below 0.1); b how near the patch is (Gaussian over the root mean square of its knobs' distances,
0.05 of their way wide, which is half of what lies between a bank's patch and the nearest other; the
volume knob is left out, because a match sets that). The 1 below says that of what is far from all
judgements nothing is known: 0 dB.

So one "I like it" is worth 3 dB to that patch on that sound, a correction 4.8 dB, and no crowd of
them more than 6 dB. Candidates of a match are some 2 to 10 dB away from their sound.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from timbrel.instruments.model_folder import weights_hash
from timbrel.instruments.preset.feedback.judgement import Judgement
from timbrel.instruments.preset.feedback.last_words import last_words
from timbrel.instruments.preset.feedback.store import FeedbackStore
from timbrel.instruments.preset.hearing.heard import Heard, hear
from timbrel.instruments.preset.hearing.heard_bytes import sound_id
from timbrel.instruments.preset.matching.candidates import Guess
from timbrel.instruments.preset.network import PresetNetwork
from timbrel.synths import Synth

STRENGTH_DB = 6.0
_WORTH = {"rating": 1.0, "correction": 4.0}
_SOUND_WIDTH, _PATCH_WIDTH = 0.3, 0.05
_RELATED = 0.1
"""What was said of sounds that are no nearer has no weight, and their corrections are not tried."""

_MOST_TRIED = 8
_HEARD_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class Opinions:
    """All that a user said of one synthesizer's patches.

    Attributes:
        synth: the synthesizer.
        judgements: of its patches.
        vectors: the patches.
        points: where the sounds lie for the tone matcher; None without one: then judgements count
            for the very sounds that they were made of.
    """

    synth: Synth
    judgements: tuple[Judgement, ...]
    vectors: Float[Tensor, "judgements params"]
    points: Float[Tensor, "judgements size"] | None = None

    @classmethod
    def of(
        cls, store: FeedbackStore, synth: Synth, network: PresetNetwork | None = None
    ) -> Opinions | None:
        """What a store holds of a synthesizer (`last_words`); None: nothing.

        Raises:
            BadInput: the store cannot be used.
        """
        said = tuple(last_words(store.judgements(synth.name), synth))
        if not said:
            return None
        vectors = synth.parameters.space.project(torch.stack([j.vector for j in said]))
        return cls(synth, said, vectors, None if network is None else _points(store, network, said))

    def about(self, heard: Heard, point: Float[Tensor, " size"] | None = None) -> Taste:
        """What that says of patches for a sound."""
        sound = sound_id(heard)
        is_same = torch.tensor([j.sound == sound for j in self.judgements], dtype=torch.bool)
        near = is_same.float()
        if self.points is not None and point is not None:
            apart = 1.0 - self.points @ point  # half of the distance's square
            alike = (-apart / _SOUND_WIDTH**2).exp()
            near = torch.where(is_same, 1.0, torch.where(alike >= _RELATED, alike, 0.0))
        return Taste(self, near)


@dataclass(frozen=True, eq=False)
class Taste:
    """How much patches are liked for one sound.

    Attributes:
        opinions: what was said.
        near: how near the sounds of which it was said are, 0..1.
    """

    opinions: Opinions
    near: Float[Tensor, " judgements"]

    def liked_db(self, vectors: Float[Tensor, "batch params"]) -> Float[Tensor, " batch"]:
        """By how much patches are nearer than they sound."""
        weight = self._weight(vectors)
        liked = torch.tensor([one.liked for one in self.opinions.judgements])
        return STRENGTH_DB * (weight @ liked) / (1.0 + weight.sum(1))

    def known(self, vectors: Float[Tensor, "batch params"]) -> Float[Tensor, " batch"]:
        """How many judgements speak of patches and this sound."""
        return self._weight(vectors).sum(1)

    @property
    def n_heeded(self) -> int:
        """How many judgements are of this sound, or of one like it."""
        return int((self.near > 0).sum())

    def corrections(self) -> list[Guess]:
        """Patches that are right for this sound or for one like it, the nearest first."""
        order = self.near.argsort(descending=True, stable=True).tolist()
        right = [
            Guess(self.opinions.vectors[i], "corrected")
            for i in order
            if self.near[i] > 0 and self.opinions.judgements[i].kind == "correction"
        ]
        return right[:_MOST_TRIED]

    def _weight(self, vectors: Tensor) -> Float[Tensor, "batch judgements"]:
        synth, said = self.opinions.synth, self.opinions.judgements
        is_compared = _is_compared(synth)
        ours, judged = (
            synth.parameters.unit_scaled(some)[:, is_compared]
            for some in (vectors, self.opinions.vectors)
        )
        square = torch.cdist(ours, judged).square() / max(int(is_compared.sum()), 1)
        worth = torch.tensor([_WORTH[one.kind] for one in said])
        return worth * self.near * (-0.5 * square / _PATCH_WIDTH**2).exp()


def _is_compared(synth: Synth) -> Bool[Tensor, " params"]:
    return torch.tensor([name != synth.volume for name in synth.parameters.names])


@torch.no_grad()
def _points(
    store: FeedbackStore, network: PresetNetwork, said: tuple[Judgement, ...]
) -> Float[Tensor, "judgements size"]:
    """Where the sounds of judgements lie; a model that is new hears them, and it is kept."""
    model, size = weights_hash(network), network.point(hear(torch.zeros(1, 1))).shape[1]
    known = {name: point for name, point in store.points(model).items() if len(point) == size}
    lacking = sorted({one.sound for one in said} - known.keys())
    for first in range(0, len(lacking), _HEARD_AT_ONCE):
        heard = store.sounds(lacking[first : first + _HEARD_AT_ONCE])
        new = {name: network.point(sound.heard)[0] for name, sound in heard.items()}
        store.place(new, model)
        known |= new
    return torch.stack([known[one.sound] for one in said])
