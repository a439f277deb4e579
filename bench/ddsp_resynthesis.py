"""Phrases that were never trained on, played again from their melodies by each shipped ddsp.

Keys are MODEL_METRIC, medians over the test phrases of the instrument that the model is of:
`loudness_l1_db` and, where the phrase's pitch is sure (swift-f0, confidence >= 0.85),
`f0_l1_semitones` over frames that are within an octave and `outlier_share` of those that are not,
or have no sure pitch (after Engel et al. 2020, table 1); `mss` and `log_mel_l1_db` (16 kHz). Swift
judges, and not the tracker that models are asked by. The same with ending

`_neighbour`: of another phrase of the real instrument, the nearest in pitch and loudness of those
that were trained on: as far as one melody is from another
`_plain`: of the plain port of the paper's model (`_plain_ddsp.py`), trained for as many minutes on
the same crops by the same loss, for the instruments of `PLAIN`

`many` is judged by the phrases of all instruments that it was trained on, `many_unheard` by those
of instruments that it was not: it hears one of their other phrases.

Without `--data` the sets are data/phrases and data/phrases-more, as configs/phrases.toml and
configs/phrases-more.toml make them. `--only` measures some models.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from _bench import Bench, run

if TYPE_CHECKING:
    from torch import Tensor

    from timbrel.data.phrases.phrase_set import PhraseSet
    from timbrel.sound import Performance

OF = {
    "guitar": "guitar", "violin": "violin", "cello": "cello", "flute": "flute",
    "clarinet": "clarinet", "trumpet": "trumpet", "sax": "alto_sax", "voice": "oohs",
}  # fmt: skip
PLAIN = ("guitar", "violin")
UNHEARD = ("jazz_guitar", "english_horn", "soprano_sax")
SURE = 0.85

Row = dict[str, float]


def measure(bench: Bench) -> dict[str, float]:
    wanted = bench.arguments.only or [*OF, "many"]
    rows: dict[str, list[Row]] = {}
    for model in wanted:
        bench.note(model)
        rows |= of_many(bench) if model == "many" else of_one(bench, model)
    return {
        f"{model}_{key}": statistics.median(row[key] for row in found)
        for model, found in rows.items()
        for key in found[0]
    }


def of_one(bench: Bench, model: str) -> dict[str, list[Row]]:
    """Rows of a model of one instrument, with its neighbours and the plain model's."""
    from timbrel.instruments import load

    instrument = load(bench.arguments.models / f"ddsp-{model}" if bench.arguments.models
                      else f"ddsp-{model}")  # fmt: skip
    assert instrument.bank is not None
    timbre = instrument.bank[OF[model]]
    folder = bench.arguments.data or Path("data/phrases")
    players: dict[str, Callable[[Performance], Tensor]] = {
        "": lambda melody: instrument.transfer(melody, timbre)
    }
    if model in PLAIN:
        players["_plain"] = plain_player(bench, folder / OF[model], model)
    return {model: list(compared(bench, folder / OF[model], players, instrument.sample_rate))}


def of_many(bench: Bench) -> dict[str, list[Row]]:
    """Rows of the model of many instruments: those it was trained on, and those it hears here."""
    from timbrel.instruments import load

    many = load(bench.arguments.models / "ddsp-many" if bench.arguments.models else "ddsp-many")
    assert many.bank is not None
    rows: dict[str, list[Row]] = {"many": [], "many_unheard": []}
    places = [bench.arguments.data or Path("data/phrases"), Path("data/phrases-more")]
    for folder in (folder for place in places if place.is_dir() for folder in place.iterdir()):
        if folder.name in many.bank:
            timbre, key = many.bank[folder.name], "many"
        elif folder.name in UNHEARD:
            timbre, key = (
                many.encode(opened(folder, "train").audio(0, many.sample_rate)),
                "many_unheard",
            )
        else:
            continue

        def play(melody: Performance, timbre: Tensor = timbre) -> Tensor:
            return many.transfer(melody, timbre)

        rows[key] += compared(bench, folder, {"": play}, many.sample_rate, each=2)
    return {key: found for key, found in rows.items() if found}


def compared(
    bench: Bench,
    folder: Path,
    players: dict[str, Callable[[Performance], Tensor]],
    sample_rate: int,
    each: int = 100,
) -> Iterator[Row]:
    """A row for each test phrase: all players, and the neighbour."""
    phrases, others = opened(folder, "test"), opened(folder, "train")
    melodies = phrases.melodies(processes=0)
    their_melodies = others.melodies(processes=0)
    for place in range(min(len(phrases), 1 if bench.quick else each)):
        real = phrases.audio(place, sample_rate)
        nearest = neighbour(melodies[place], their_melodies)
        played = {name: play(melodies[place]) for name, play in players.items()}
        played["_neighbour"] = others.audio(nearest, sample_rate)
        yield {
            f"{key}{name}": value
            for name, sound in played.items()
            for key, value in figures(sound, real, sample_rate).items()
        }


def opened(folder: Path, split: str) -> PhraseSet:
    from timbrel.data.phrases.phrase_set import PhraseSet

    if not folder.is_dir():
        sys.exit(f"no phrases at {folder}: make them as configs/phrases.toml says")
    return PhraseSet.open(folder, split)  # pyright: ignore[reportArgumentType]


def neighbour(melody: Performance, others: list[Performance]) -> int:
    """The phrase whose median pitch and loudness are nearest: a semitone is as far as a dB."""
    here = middle(melody)
    away = [max(abs(a - b) for a, b in zip(here, middle(one), strict=True)) for one in others]
    return away.index(min(away))


def middle(melody: Performance) -> tuple[float, float]:
    from timbrel.units import hz_to_midi

    sure = melody.confidence >= SURE
    return float(hz_to_midi(melody.f0_hz[sure]).median()), float(melody.loudness_db[sure].median())


def figures(sound: Tensor, real: Tensor, sample_rate: int) -> Row:
    """All metrics of a sound beside the real phrase, over as long as both last."""
    from timbrel.audio import resample
    from timbrel.data.phrases.melodies import hear_melody
    from timbrel.dsp.distances import log_mel_l1_db, mss_db
    from timbrel.units import hz_to_midi

    length = min(len(sound), len(real))
    sound, real = sound[:length], real[:length]
    ours, theirs = (hear_melody(audio, sample_rate, "swift") for audio in (sound, real))
    sounds = theirs.loudness_db > theirs.loudness_db.max() - 50
    judged = sounds & (theirs.confidence >= SURE)
    away = (hz_to_midi(ours.f0_hz.clamp_min(1)) - hz_to_midi(theirs.f0_hz.clamp_min(1))).abs()
    lost = (away > 12) | (ours.confidence < SURE)
    low = [resample(audio, sample_rate, 16000) for audio in (sound, real)]
    return {
        "loudness_l1_db": float((ours.loudness_db - theirs.loudness_db).abs()[sounds].mean()),
        "f0_l1_semitones": float(away[judged & ~lost].mean()),
        "outlier_share": float(lost[judged].float().mean()),
        "mss": float(mss_db(sound, real, sample_rate)),
        "log_mel_l1_db": float(log_mel_l1_db(*low)),
    }


def plain_player(bench: Bench, folder: Path, model: str) -> Callable[[Performance], Tensor]:
    """The plain model, trained as long as ours was."""
    import json

    from _plain_training import played_by, trained_plain

    from timbrel.instruments import find_model

    shipped = bench.arguments.models or None
    place = shipped / f"ddsp-{model}" if shipped else find_model(f"ddsp-{model}")
    assert place is not None
    minutes = json.loads((place / "training.json").read_text(encoding="utf-8"))["minutes"]
    seconds = 5.0 if bench.quick else 60 * minutes
    bench.note(f"training the plain model for {seconds:.0f} s")
    plain, steps = trained_plain(opened(folder, "train"), seconds)
    bench.note(f"{steps} steps")
    return lambda melody: played_by(plain, melody)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, help="folder of the eight sets")
    parser.add_argument("--models", type=Path, help="folder of the models; default: as shipped")
    parser.add_argument("--only", nargs="+", choices=[*OF, "many"], help="these models alone")


if __name__ == "__main__":
    run("ddsp_resynthesis", measure, add_arguments=add_arguments)
