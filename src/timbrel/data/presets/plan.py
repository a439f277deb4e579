"""Which patches a preset set holds, and which notes show them: settings in, tensors out.

Real presets are few, and a network that saw them alone would learn them by heart: most of what is
trained on is drawn around them, between them, from parts of them and from the settings that their
knobs take. Knobs that stand anywhere make little but noise, in which nothing else is heard: few
do. What is judged stays real, and of its kind nothing is trained on: presets that are nearly the
same are in one cluster, whole clusters are held out, and so are whole banks.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal, TypeVar

import torch
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor

from timbrel.config import Settings
from timbrel.instruments.preset.hearing.heard import HOLD_S
from timbrel.synths import Parameters, Patch, whole_name

Split = Literal["train", "valid", "test"]
Origin = Literal["real", "around", "between", "crossed", "random"]
Count = Annotated[int, Field(ge=0, le=250_000)]
Share = Annotated[float, Field(ge=0.0, lt=1.0)]

Banks = Sequence[tuple[str, Sequence[Patch]]]
"""Names of banks, and what is in each."""

SPLITS: tuple[Split, ...] = ("train", "valid", "test")


class NoteSettings(Settings):
    """The notes that show a patch.

    Attributes:
        each: notes of each patch: two or more teach that they are of one.
        lowest, highest: MIDI numbers.
        softest: velocity; the loudest is 1.
        shortest_s, longest_s: how long keys are held, log-uniform, but for `held` of them.
        held: share of notes that are held for 3 s.
    """

    each: int = Field(default=2, ge=1, le=64)
    lowest: int = Field(default=36, ge=0, le=127)
    highest: int = Field(default=84, ge=0, le=127)
    softest: float = Field(default=0.5, ge=0.0, le=1.0)
    shortest_s: float = Field(default=0.1, gt=0.0, le=4.0)
    longest_s: float = Field(default=3.5, gt=0.0, le=4.0)
    held: float = Field(default=0.5, ge=0.0, le=1.0)

    @model_validator(mode="after")
    def _ranges(self) -> NoteSettings:
        if self.lowest > self.highest:
            raise ValueError(f"lowest {self.lowest} is above highest {self.highest}")
        if self.shortest_s > self.longest_s:
            raise ValueError(f"shortest_s {self.shortest_s} is above longest_s {self.longest_s}")
        return self


class PresetSetSettings(Settings):
    """What `build_presets` makes.

    Attributes:
        synth: name of the synthesizer, or path of a plug-in.
        banks: files or folders of patches; "factory" is all that come with the synthesizer.
        held_out: banks of which every patch is for testing, by their names.
        around: patches made of a real one by moving some knobs.
        between: patches on the way from one real one to another.
        crossed: patches of which each part (oscillator, filter, ...) is that of another real one.
        random: patches each of whose knobs stands where it does in some real one; where there are
            none, anywhere or untouched.
        anywhere: share of those knobs, and of the ones of crossed patches, that stand anywhere.
        moved: share of the knobs that are moved.
        furthest: standard deviation of that move, as a share of a knob's way.
        default: share of a random patch's knobs that stay untouched, where no bank is given.
        near: real patches that are no further apart belong together (Euclidean, all knobs 0..1).
        validation, test: shares of clusters that are held out, and of random patches.
        notes: which notes show them.
        activity: patches by which it is measured how much each knob is heard.
        keep_audio: whether renders are kept as FLAC beside what is heard of them.
        seed: of every draw.
    """

    synth: str = "subtractive"
    banks: tuple[str, ...] = ("factory",)
    held_out: tuple[str, ...] = ()
    around: Count = 0
    between: Count = 0
    crossed: Count = 0
    random: Count = 1000
    anywhere: Share = 0.05
    moved: Share = 0.3
    furthest: Annotated[float, Field(gt=0, le=1)] = 0.15
    default: Share = 0.35
    near: Annotated[float, Field(ge=0)] = 0.3
    validation: Share = 0.05
    test: Share = 0.05
    notes: NoteSettings = NoteSettings()
    activity: Count = 100
    keep_audio: bool = False
    seed: int = 0


S = TypeVar("S", bound=PresetSetSettings)


def wholly_named(settings: S) -> S:
    """Settings of a set that can be read from anywhere: with a plug-in's whole path."""
    return settings.model_copy(update={"synth": whole_name(settings.synth)})


@dataclass(frozen=True)
class PlannedPatch:
    """One patch of a set.

    Attributes:
        name: of it, or of what it was made of.
        vector: its knobs.
        origin: where it comes from.
        bank: of a real one.
        category: what its maker says, if anything.
        cluster: number of the real patches that are nearly the same; -1 where it is of none.
        split: where it belongs.
    """

    name: str
    vector: Float[Tensor, " params"]
    origin: Origin
    bank: str
    category: str
    cluster: int
    split: Split


@dataclass(frozen=True)
class PlannedNotes:
    """The notes of a chunk of patches.

    Attributes:
        patch: number of each note's patch in the plan.
        pitch, velocity, held_s: as in `Notes`.
    """

    patch: Int[Tensor, " notes"]
    pitch: Float[Tensor, " notes"]
    velocity: Float[Tensor, " notes"]
    held_s: Float[Tensor, " notes"]


def plan_patches(
    settings: PresetSetSettings,
    parameters: Parameters,
    banks: Sequence[tuple[str, Sequence[Patch]]],
) -> list[PlannedPatch]:
    """All patches of a set: the real ones, then those made of them, then random ones."""
    real = _real_patches(settings, parameters, banks)
    trained = [patch for patch in real if patch.split == "train"]
    made: list[PlannedPatch] = []
    if trained:
        made += _around(settings, parameters, trained)
        made += _between(settings, parameters, trained)
        made += _crossed(settings, parameters, trained)
    made += _random(settings, parameters, trained)
    held = [patch.vector for patch in real if patch.split != "train"]
    return [*real, *_apart(made, held, settings, parameters)]


def plan_notes(settings: PresetSetSettings, first: int, count: int) -> PlannedNotes:
    """The notes of so many patches from one on: the same whatever the others are."""
    generator = _generator(settings, "notes", first)
    asked = settings.notes
    patch = torch.arange(first, first + count).repeat_interleave(asked.each)
    size = len(patch)
    pitch = torch.randint(asked.lowest, asked.highest + 1, (size,), generator=generator)
    chance = torch.rand(3, size, generator=generator)
    shortest, longest = math.log(asked.shortest_s), math.log(asked.longest_s)
    held_s = (shortest + (longest - shortest) * chance[0]).exp()
    return PlannedNotes(
        patch=patch,
        pitch=pitch.float(),
        velocity=asked.softest + (1 - asked.softest) * chance[1],
        held_s=torch.where(chance[2] < asked.held, HOLD_S, held_s),
    )


def clusters(vectors: Float[Tensor, "patches params"], near: float) -> Int[Tensor, " patches"]:
    """A number for each patch, the same for those that a chain of near ones connects.

    >>> clusters(torch.tensor([[0.0], [0.2], [1.0], [0.4]]), 0.25)
    tensor([0, 0, 2, 0])
    """
    number = torch.arange(len(vectors))
    is_near = torch.cdist(vectors, vectors) <= near
    is_near.fill_diagonal_(True)  # distances are rounded
    while True:
        lower = torch.where(is_near, number, len(vectors)).amin(1)
        if torch.equal(lower, number):
            return number
        number = lower


def _real_patches(
    settings: PresetSetSettings,
    parameters: Parameters,
    banks: Sequence[tuple[str, Sequence[Patch]]],
) -> list[PlannedPatch]:
    known: dict[bytes, tuple[str, Patch, Tensor]] = {}
    # a patch that is in two banks belongs to the one that is held out
    for bank, patches in sorted(banks, key=lambda bank: bank[0] not in settings.held_out):
        for patch in patches:
            vector = parameters.vector(patch.values)
            known.setdefault(vector.numpy().tobytes(), (bank, patch, vector))
    if not known:
        return []
    vectors = torch.stack([vector for _, _, vector in known.values()])
    numbers = clusters(parameters.unit_scaled(vectors), settings.near).tolist()
    splits = _splits_of(settings, numbers, [bank for bank, _, _ in known.values()], list(known))
    return [
        PlannedPatch(patch.name, vector, "real", bank, patch.category, number, split)
        for (bank, patch, vector), number, split in zip(
            known.values(), numbers, splits, strict=True
        )
    ]


def _splits_of(
    settings: PresetSetSettings, numbers: list[int], banks: list[str], patches: list[bytes]
) -> list[Split]:
    """Where each cluster belongs, by its smallest patch: others that come move none of it.

    Unless they are nearly the same as some of it: a cluster that grows, or joins another, may
    change sides. One that reaches into a bank that is held out is held out whole.
    """
    held = {
        number for number, bank in zip(numbers, banks, strict=True) if bank in settings.held_out
    }
    first: dict[int, bytes] = {}
    for number, patch in zip(numbers, patches, strict=True):
        first[number] = min(patch, first.get(number, patch))
    return ["test" if n in held else _split(settings, f"cluster {first[n].hex()}") for n in numbers]


def _apart(
    made: list[PlannedPatch],
    held: list[Tensor],
    settings: PresetSetSettings,
    parameters: Parameters,
) -> list[PlannedPatch]:
    """Those that have not come near one that is held out."""
    if not made or not held:
        return made
    ours, theirs = (
        parameters.unit_scaled(torch.stack(some)) for some in ([p.vector for p in made], held)
    )
    is_far = torch.cat(
        [(torch.cdist(some, theirs) > settings.near).all(1) for some in ours.split(1024)]
    )
    return [patch for patch, far in zip(made, is_far.tolist(), strict=True) if far]


def _split(settings: PresetSetSettings, key: str) -> Split:
    """By a hash, so that no patch changes sides when others come."""
    digest = hashlib.blake2b(f"{settings.seed} {key}".encode(), digest_size=8).digest()
    chance = int.from_bytes(digest, "little") / 2**64
    if chance < settings.test:
        return "test"
    return "valid" if chance < settings.test + settings.validation else "train"


def _around(
    settings: PresetSetSettings, parameters: Parameters, real: list[PlannedPatch]
) -> Iterator[PlannedPatch]:
    generator = _generator(settings, "around")
    which = torch.arange(settings.around) % len(real)
    known = torch.stack([patch.vector for patch in real])[which]
    others = parameters.space.sample(settings.around, generator=generator)
    away = settings.furthest * torch.randn(others.shape, generator=generator)
    moved = torch.where(parameters.is_switch, others, known + away)
    is_moved = torch.rand(others.shape, generator=generator) < settings.moved
    # a switch that is thrown makes another sound: seldom
    is_moved &= ~parameters.is_switch | (torch.rand(others.shape, generator=generator) < 0.3)
    vectors = parameters.space.project(torch.where(is_moved, moved, known))
    for parent, vector in zip(which.tolist(), vectors, strict=True):
        yield replace(real[parent], vector=vector, origin="around", split="train")


def _between(
    settings: PresetSetSettings, parameters: Parameters, real: list[PlannedPatch]
) -> Iterator[PlannedPatch]:
    generator = _generator(settings, "between")
    known = torch.stack([patch.vector for patch in real])
    ends = torch.randint(len(real), (settings.between, 2), generator=generator)
    share = torch.rand(settings.between, 1, generator=generator)
    shares = torch.cat([share, 1 - share], dim=1)
    weights = torch.zeros(settings.between, len(real)).scatter_add(1, ends, shares)
    vectors = parameters.space.mix(known, weights)
    for (one, two), (first, second), vector in zip(
        ends.tolist(), shares.tolist(), vectors, strict=True
    ):
        near = real[one if first >= second else two]
        name = f"{real[one].name}, {real[two].name}"
        yield replace(near, name=name, vector=vector, origin="between", split="train")


def _crossed(
    settings: PresetSetSettings, parameters: Parameters, real: list[PlannedPatch]
) -> Iterator[PlannedPatch]:
    generator = _generator(settings, "crossed")
    known = torch.stack([patch.vector for patch in real])
    parts = [name.split("_")[0] for name in parameters.names]
    part = torch.tensor([sorted(set(parts)).index(one) for one in parts])
    size = (settings.crossed, len(set(parts)))
    chosen = torch.randint(len(real), size, generator=generator)[:, part]
    vectors = _loosened(settings, parameters, known.gather(0, chosen), generator)
    for number, vector in enumerate(vectors):
        yield PlannedPatch(f"crossed {number}", vector, "crossed", "", "", -1, "train")


def _random(
    settings: PresetSetSettings, parameters: Parameters, real: list[PlannedPatch]
) -> Iterator[PlannedPatch]:
    generator = _generator(settings, "random")
    if real:
        known = torch.stack([patch.vector for patch in real])
        chosen = torch.randint(len(real), (settings.random, len(parameters)), generator=generator)
        vectors = _loosened(settings, parameters, known.gather(0, chosen), generator)
    else:
        vectors = parameters.space.sample(settings.random, generator=generator)
        untouched = torch.rand(vectors.shape, generator=generator) < settings.default
        vectors = torch.where(untouched, parameters.defaults, vectors)
    for number, vector in enumerate(vectors):
        split = _split(settings, f"random {number}")
        yield PlannedPatch(f"random {number}", vector, "random", "", "", -1, split)


def _loosened(
    settings: PresetSetSettings, parameters: Parameters, vectors: Tensor, generator: torch.Generator
) -> Tensor:
    """Patches a few of whose knobs stand anywhere."""
    others = parameters.space.sample(len(vectors), generator=generator)
    loose = torch.rand(vectors.shape, generator=generator) < settings.anywhere
    return torch.where(loose, others, vectors)


def _generator(settings: PresetSetSettings, *words: object) -> torch.Generator:
    text = "/".join(map(str, (settings.seed, *words)))
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)
