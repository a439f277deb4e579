"""What benches of `preset` share: the set of a model's synthesizer, and what of it was held out.

Kinds of held-out patches: `clusters` are real ones like none that is trained on, from banks that
are; `banks` are those of banks that were held out whole; `random` ones have random knobs. Where
people's presets are many (amsynth), these alone are the figures without an ending; elsewhere every
kind counts.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from _bench import Bench

if TYPE_CHECKING:
    from torch import Tensor

    from timbrel.data.presets.preset_set import PatchEntry, PresetSet
    from timbrel.instruments.preset import Preset

MODEL = "preset-subtractive"
KINDS = ("clusters", "banks", "random")
_REAL = ("amsynth",)
"""Synthesizers by whose real presets a model is judged."""

_ROOT = Path(__file__).resolve().parents[1]


def add_set(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--set", type=Path, help="preset set; default: data/presets/SYNTH")


@dataclass(frozen=True)
class HeldOut:
    """A model, and the set that it is judged by.

    Attributes:
        instrument: the model.
        test, train: splits of the set.
        kinds: those that there are.
    """

    instrument: Preset
    test: PresetSet
    train: PresetSet
    kinds: tuple[str, ...]

    @property
    def synth(self) -> str:
        """Name of the synthesizer."""
        return self.instrument.synth.name

    def ends(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Endings of keys, and which kinds they are of: the whole, and each kind."""
        yield "", _counted(self.synth, self.kinds)
        for kind in self.kinds:
            yield f"_{kind}", (kind,)

    def patches(self, kind: str, most: int) -> list[int]:
        """Numbers of so many patches of a kind that are heard, spread over all of them."""
        there = set(self.test.notes.patch.tolist())
        found = [i for i in sorted(there) if self.kind(self.test.entries[i]) == kind]
        return spread(found, most)

    def kind(self, entry: PatchEntry) -> str:
        """What kind of held-out patch it is; of one that is trained on, what it is like."""
        return _kind(entry, self.test.settings.held_out)

    def trained(self, kind: str) -> Tensor:
        """The patches that are trained on and are of that kind: real ones for banks."""
        return patch_vectors(self.train, self.train_numbers(kind))

    def train_numbers(self, kind: str) -> list[int]:
        """Numbers of those patches."""
        origin = "random" if kind == "random" else "real"
        heard = sorted(set(self.train.notes.patch.tolist()))
        return [number for number in heard if self.train.entries[number].origin == origin]


def preset_instrument(bench: Bench) -> Preset:
    """The model, or a line that says why there is none."""
    from timbrel.errors import TimbrelError
    from timbrel.instruments.preset import Preset

    try:
        instrument = bench.instrument()
    except TimbrelError as error:
        sys.exit(f"{bench.name}: {error}")
    if not isinstance(instrument, Preset):
        sys.exit(f"{bench.name}: {bench.model} is {instrument.family}, wanted a preset model")
    return instrument


def held_out_set(bench: Bench) -> HeldOut:
    """The model and its set, or a line that says how to build it."""
    from timbrel.data.presets.preset_set import REPORT, PresetSet
    from timbrel.errors import TimbrelError

    instrument = preset_instrument(bench)
    name = instrument.synth.name
    folder = bench.arguments.set or _ROOT / "data" / "presets" / name
    if not (folder / REPORT).is_file():
        build = f"timbrel data presets build configs/presets-{name}.toml"
        sys.exit(f"{bench.name}: no whole preset set at {folder}: {build}")
    try:
        test, train = PresetSet(folder, "test"), PresetSet(folder, "train")
    except TimbrelError as error:
        sys.exit(f"{bench.name}: {error}")
    if test.settings.synth != name:
        sys.exit(f"{bench.name}: {folder} is of {test.settings.synth}, {bench.model} of {name}")
    there = {_kind(test.entries[i], test.settings.held_out) for i in test.notes.patch.tolist()}
    return HeldOut(instrument, test, train, tuple(kind for kind in KINDS if kind in there))


def patch_vectors(presets: PresetSet, numbers: Sequence[int]) -> Tensor:
    """The vectors of patches of a split, by their numbers."""
    row = {number: row for row, number in enumerate(presets.notes.patch.tolist())}
    return presets.notes.vector[[row[number] for number in numbers]]


def spread(items: Sequence, most: int) -> list:
    """So many of the items, from all over."""
    count = min(most, len(items))
    return [items[i * len(items) // count] for i in range(count)]


def _kind(entry: PatchEntry, held_out: Sequence[str]) -> str:
    if entry.origin != "real":
        return "random"
    return "banks" if entry.bank in held_out else "clusters"


def _counted(synth: str, kinds: Sequence[str]) -> tuple[str, ...]:
    real = tuple(kind for kind in kinds if kind != "random")
    return real if synth in _REAL and real else tuple(kinds)
