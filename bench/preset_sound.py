"""How near the patches that `preset` finds come to sounds, rendered again and compared.

Keys are METRIC_WAY. Metrics, means over the sounds: `mss` (dB), `wmfcc`, `sot` (Hz), each better
where it is lower, and `rms_cos`, better where it is higher. Ways: `network` (its word, of which
nothing was rendered), `candidates` (0 s: the nearest of its sixteen answers, rendered), `1s` and
`10s` (with a search of so long), `init` (untouched knobs), `median` (of the bank; of switches the
commonest choice), `nearest` (the patch of the bank whose render has the lowest MSS), `matcher` (the
one that the tone matcher takes for the nearest), `search_10s` (the same search from nothing: no
network, no bank). The bank is the real patches that are trained on. Endings: `_clusters`, `_banks`,
`_random` are kinds of held-out patches, none in the bank; without one, those that the synthesizer
is judged by (`held_out` in bench/_presets.py); `_foreign`: notes of real instruments (FluidR3Mono).
Every sound is held for 3 s of 4 at one of three pitches; which key it is, all ways are told. All
four seconds are compared, also where `find` took a part of them for the note.

`--out` is a folder for the sounds of six targets and a picture of them over their matches.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from _bench import Bench, run
from _notes import FontNote, held_out_font, held_out_programs
from _presets import MODEL, HeldOut, add_set, held_out_set, patch_vectors, spread

if TYPE_CHECKING:
    from torch import Tensor

    from timbrel.instruments.preset.hearing.target import Target
    from timbrel.instruments.preset.index import PatchIndex

PITCHES = (48.0, 60.0, 72.0)
EACH, EACH_QUICK = 10, 1
"""Sounds of each kind: 22 s each."""

BANK_QUICK = 48
AT_ONCE = 8
SHOWN = 6
SHOWN_WAYS = ("network", "10s", "search_10s", "nearest")
FOREIGN = "foreign"


@dataclass
class Sound:
    """A sound that is looked for.

    Attributes:
        name: of it.
        kind: of it.
        audio: the sound, four seconds.
        target: what `find` makes of it.
        made: what each way sounds like.
    """

    name: str
    kind: str
    audio: Tensor
    target: Target
    made: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class BankPatches:
    """The patches that are known, and what is heard of them.

    Attributes:
        index: where they lie for the tone matcher.
        nearest: for each sound the number of the patch whose render is nearest.
    """

    index: PatchIndex
    nearest: list[int]


def measure(bench: Bench) -> dict[str, float | int]:
    held, each = held_out_set(bench), EACH_QUICK if bench.quick else EACH
    sounds = [sound for kind in held.kinds for sound in patch_sounds(held, kind, each)]
    sounds += foreign_sounds(each)
    bench.note(f"{len(sounds)} sounds of {', '.join(held.kinds)}, {FOREIGN}")
    bank = heard_bank(bench, held, sounds)
    rows = []
    for number, sound in enumerate(sounds):
        bench.note(f"{number + 1} of {len(sounds)}: {sound.kind}, {sound.name}")
        find(held, bank, number, sound)
        rows.append((sound.kind, compared(sound)))
    if bench.arguments.out is not None:
        show(bench.arguments.out, spread(sounds, SHOWN))
    ends = [*held.ends(), (f"_{FOREIGN}", (FOREIGN,))]
    return figures_of(rows, ends) | {"bank_patches": len(bank.index.names)}


def patch_sounds(held: HeldOut, kind: str, count: int) -> list[Sound]:
    """Held-out patches, struck harder and softer; pitches take turns."""
    from timbrel.instruments.preset.hearing.heard import HOLD_S, is_audible
    from timbrel.instruments.preset.hearing.target import target_of
    from timbrel.instruments.preset.rendering import attempted
    from timbrel.sound import Notes

    numbers = held.patches(kind, count)
    vectors = patch_vectors(held.test, numbers)
    sounds = []
    for turn, (number, vector) in enumerate(zip(numbers, vectors, strict=True)):
        pitch, velocity = PITCHES[turn % 3], 0.6 + 0.2 * (turn % 2)
        notes = Notes.of(pitch, velocity, HOLD_S)
        audio = attempted(held.instrument.synth, vector[None], notes)
        if bool(is_audible(audio)):
            name = held.test.entries[number].name
            sounds.append(Sound(name, kind, audio[0], target_of(audio[0], pitch)))
    return sounds


def foreign_sounds(count: int) -> list[Sound]:
    """Notes of instruments, programs of General MIDI from all over."""
    from timbrel.instruments.preset.hearing.heard import SAMPLE_RATE, fitted
    from timbrel.instruments.preset.hearing.target import target_of

    font, sounds = held_out_font(), []
    for turn, program in enumerate(spread(held_out_programs(), count)):
        note = FontNote(program, round(PITCHES[turn % 3]))
        audio = font.audio(note, SAMPLE_RATE)
        if audio is not None:
            target = target_of(audio, float(note.pitch))
            sounds.append(Sound(note.name, FOREIGN, fitted(audio), target))
    return sounds


def heard_bank(bench: Bench, held: HeldOut, sounds: Sequence[Sound]) -> BankPatches:
    """Each patch of the bank at each pitch, heard and compared with the sounds of that pitch."""
    import torch

    from timbrel.instruments.preset.index import PatchIndex

    numbers = held.train_numbers("clusters")
    numbers = spread(numbers, BANK_QUICK) if bench.quick else numbers
    vectors = patch_vectors(held.train, numbers)
    points, distances = [], []
    for some in vectors.split(AT_ONCE):
        heard = [hear_patches(held, some, pitch, sounds) for pitch in PITCHES]
        points.append(
            torch.nn.functional.normalize(
                torch.stack([point for point, _ in heard]).mean(0), dim=-1
            )
        )
        distances.append(torch.stack([distance for _, distance in heard]).amin(0))
        if len(points) % 10 == 0:
            bench.note(f"bank: {len(points) * AT_ONCE} of {len(vectors)}")
    names = tuple(held.train.entries[number].name for number in numbers)
    nearest = torch.cat(distances).argmin(0).tolist()
    return BankPatches(PatchIndex(names, vectors, torch.cat(points)), nearest)


def hear_patches(
    held: HeldOut, vectors: Tensor, pitch: float, sounds: Sequence[Sound]
) -> tuple[Tensor, Tensor]:
    """Points of patches, and their distances from the sounds of this pitch; others are infinite."""
    import torch

    from timbrel.dsp.distances import mss_between, mss_mels
    from timbrel.instruments.preset.hearing.heard import HOLD_S, SAMPLE_RATE, hear
    from timbrel.instruments.preset.hearing.target import TYPICAL_VELOCITY
    from timbrel.instruments.preset.rendering import attempted
    from timbrel.sound import Notes

    notes = Notes.of([pitch] * len(vectors), TYPICAL_VELOCITY, HOLD_S)
    audio = attempted(held.instrument.synth, vectors, notes).nan_to_num()
    with torch.no_grad():
        points = held.instrument.network.point(hear(audio))
    ours = mss_mels(audio, SAMPLE_RATE)
    distances = torch.full((len(vectors), len(sounds)), torch.inf)
    for number, sound in enumerate(sounds):
        if sound.target.pitch == pitch:
            theirs = mss_mels(sound.audio, SAMPLE_RATE)
            distances[:, number] = mss_between(ours, theirs)
    return points, distances


def find(held: HeldOut, bank: BankPatches, number: int, sound: Sound) -> None:
    """What each way makes of a sound."""
    import torch

    from timbrel.instruments.preset import PatchFinder
    from timbrel.instruments.preset.hearing.heard import HOLD_S, SAMPLE_RATE
    from timbrel.instruments.preset.hearing.target import TYPICAL_VELOCITY
    from timbrel.instruments.preset.matching.matches import first_word
    from timbrel.sound import Notes

    synth, target = held.instrument.synth, sound.target
    network = held.instrument.network
    learned = PatchFinder(synth, network, (bank.index,))
    word = first_word(synth, network, target)
    sound.made["network"] = played(held, word.vector, word.note)
    for way, finder, seconds in (
        ("candidates", learned, 0.0), ("1s", learned, 1.0), ("10s", learned, 10.0),
        ("search_10s", PatchFinder(synth), 10.0),
    ):  # fmt: skip
        generator = torch.Generator().manual_seed(number)
        match = finder.find(
            sound.audio, SAMPLE_RATE, pitch=target.pitch, seconds=seconds, generator=generator
        )[0]
        sound.made[way] = played(held, match.vector, match.note)
    note = Notes.of(target.pitch, TYPICAL_VELOCITY, HOLD_S)
    known = bank.index.vectors
    with torch.no_grad():
        by_ear = bank.index.nearest(network.point(target.heard)[0], 1)[0]
    for way, vector in (
        ("init", synth.parameters.defaults), ("median", synth.parameters.typical(known)),
        ("nearest", known[bank.nearest[number]]), ("matcher", known[by_ear]),
    ):  # fmt: skip
        sound.made[way] = played(held, vector, note)


def played(held: HeldOut, vector: Tensor, note) -> Tensor:
    """A patch rendered again."""
    from timbrel.instruments.preset.rendering import attempted

    return attempted(held.instrument.synth, vector[None], note)[0].nan_to_num()


def compared(sound: Sound) -> dict[str, float]:
    """How far each way's sound is from the target, by METRIC_WAY."""
    from timbrel.dsp.distances import mss_db, rms_cosine, sot_hz, wmfcc
    from timbrel.instruments.preset.hearing.heard import SAMPLE_RATE

    target, row = sound.audio, {}
    for way, audio in sound.made.items():
        row[f"mss_{way}"] = float(mss_db(audio, target, SAMPLE_RATE))
        row[f"wmfcc_{way}"] = wmfcc(audio, target, SAMPLE_RATE)
        row[f"sot_{way}"] = float(sot_hz(audio, target, SAMPLE_RATE))
        row[f"rms_cos_{way}"] = float(rms_cosine(audio, target))
    return row


def figures_of(
    rows: Sequence[tuple[str, dict[str, float]]], ends: Sequence[tuple[str, tuple[str, ...]]]
) -> dict[str, float | int]:
    """Means over kinds, with how many sounds they are of."""
    from statistics import fmean

    figures: dict[str, float | int] = {}
    for end, kinds in ends:
        some = [row for kind, row in rows if kind in kinds]
        for key in some[0] if some else ():
            figures[key + end] = fmean(row[key] for row in some)
        figures[f"sounds{end}"] = len(some)
    return figures


def show(folder: Path, sounds: Sequence[Sound]) -> None:
    """Six targets over their matches, as one picture and as sounds."""
    from timbrel.audio import write_audio
    from timbrel.dsp.mel import denormalise_db
    from timbrel.instruments.preset.hearing.heard import SAMPLE_RATE, hear
    from timbrel.picture.canvas import LEVELS, sheet

    with sheet(folder / "matches.png", 2.4 * len(sounds), 1.8 * (1 + len(SHOWN_WAYS))) as figure:
        axes = figure.subplots(1 + len(SHOWN_WAYS), len(sounds), squeeze=False)
        for column, sound in zip(axes.T, sounds, strict=True):
            shown = {"target": sound.audio}
            shown |= {way: sound.made[way] for way in SHOWN_WAYS}
            for axis, (way, audio) in zip(column, shown.items(), strict=True):
                level_db = denormalise_db(hear(audio[None]).mel[0]).numpy()
                axis.imshow(level_db, origin="lower", cmap=LEVELS, aspect="auto", vmin=-80, vmax=0)
                axis.set(xticks=[], yticks=[])
                axis.grid(visible=False)
                words = re.sub(r"[^a-z0-9]+", "_", f"{sound.kind} {sound.name} {way}".lower())
                write_audio(folder / f"{words}.wav", audio, SAMPLE_RATE)
            column[0].set_title(f"{sound.name}\n{sound.kind}", fontsize=7)
        for axis, way in zip(axes[:, 0], ("target", *SHOWN_WAYS), strict=True):
            axis.set_ylabel(way)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_set(parser)
    parser.add_argument("--out", type=Path, help="folder for a picture and sounds of six targets")


if __name__ == "__main__":
    run("preset_sound", measure, model=MODEL, add_arguments=add_arguments)
