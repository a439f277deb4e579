"""How much of a real note is lost between its analysis and its resynthesis.

Notes of every NSynth family, of held-out notes and held-out instruments alike, are analysed at
their label and played again from their tracks. Keys: METRIC over all notes whose recording is
itself heard at its label (`pitch_accuracy_real` >= 0.9), METRIC_FAMILY over those of one family;
medians. `_neighbour` is a scale to read them by: another recording of the same instrument, of the
nearest pitch there is, shifted to this one's (librosa's pitch_shift). `_noise` is what no
analysis can go below: two takes of the same tracks, which differ in nothing but their noise.
"""

from __future__ import annotations

import random
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from _bench import Bench, run

if TYPE_CHECKING:
    from torch import Tensor

    from timbrel.data import NoteSet

TRACKED = 0.9
"""Share of a recording's frames that must be heard at its label for the note to count."""

OTHER_TAKE = 16000
"""Sample of the noise bank that the other take begins at."""

Row = dict[str, float]


def measure(bench: Bench) -> dict[str, float]:
    from timbrel.evaluate.held_out import held_out_sets

    sets = held_out_sets(bench.data)
    chosen = list(choose(sets.values(), each=1 if bench.quick else 5))
    bench.note(f"{len(chosen)} notes")
    rows: dict[str, list[Row]] = defaultdict(list)
    for notes, place in chosen:
        row = compare(notes, place)
        if row["pitch_accuracy_real"] >= TRACKED:
            rows[""].append(row)
            rows[f"_{notes[place].family}"].append(row)
    counts = {"notes": len(chosen), "notes_tracked": len(rows[""])}
    return counts | {
        key: value
        for family in sorted(rows)
        for key, value in medians(rows[family], family).items()
    }


def choose(sets: Iterable[NoteSet], each: int) -> Iterable[tuple[NoteSet, int]]:
    """So many notes of each family of each set, drawn."""
    draw = random.Random(11)
    for notes in sets:
        by_family = defaultdict(list)
        for place in range(len(notes)):
            by_family[int(notes.family[place])].append(place)
        for family in sorted(by_family):
            places = by_family[family]
            yield from ((notes, place) for place in draw.sample(places, min(each, len(places))))


def compare(notes: NoteSet, place: int) -> Row:
    """One note against its resynthesis, its shifted neighbour, and one take against another."""
    from timbrel.dsp.tracks import render_tracks
    from timbrel.dsp.tracks.analysis import analyse
    from timbrel.units import midi_to_hz

    rate, pitch = notes.sample_rate, float(notes.pitch[place])
    real = notes.audio(place)
    tracks = analyse(real, rate, midi_to_hz(pitch))
    take, other = (
        render_tracks(tracks, rate, length=len(real), noise_start=as_take(start))
        for start in (0, OTHER_TAKE)
    )
    row = {"pitch_accuracy_real": heard(real, rate, pitch)}
    if row["pitch_accuracy_real"] >= TRACKED:
        row["pitch_accuracy"] = heard(take, rate, pitch)
        row |= distances(take, real, rate, "") | distances(other, take, rate, "_noise")
        neighbour = shifted_neighbour(notes, place)
        row |= {} if neighbour is None else distances(neighbour, real, rate, "_neighbour")
    return row


def as_take(start: int) -> Tensor:
    import torch

    return torch.tensor(start)


def shifted_neighbour(notes: NoteSet, place: int) -> Tensor | None:
    """The instrument's recording nearest in pitch, and then in velocity, at this note's pitch."""
    from timbrel.dsp.shifting import shift_pitch

    own = (notes.instrument == notes.instrument[place]).nonzero()[:, 0].tolist()
    others = [other for other in own if notes.pitch[other] != notes.pitch[place]]
    if not others:
        return None

    def away(other: int) -> tuple[int, ...]:
        return tuple(abs(int(x[other] - x[place])) for x in (notes.pitch, notes.velocity))

    nearest = min(others, key=away)
    semitones = float(notes.pitch[place] - notes.pitch[nearest])
    return shift_pitch(notes.audio(nearest), notes.sample_rate, semitones)


def distances(audio: Tensor, target: Tensor, sample_rate: int, end: str) -> Row:
    """`log_mel_l1_db` is defined at 16 kHz, the other at any rate."""
    from timbrel.dsp.distances import log_mel_l1_db, mss_db

    ours, theirs = (at_16_khz(sound, sample_rate) for sound in (audio, target))
    return {
        f"log_mel_l1_db{end}": log_mel_l1_db(ours, theirs).item(),
        f"mss{end}": mss_db(audio, target, sample_rate).item(),
    }


def heard(audio: Tensor, sample_rate: int, pitch: float) -> float:
    from timbrel.dsp.distances import pitch_accuracy

    return pitch_accuracy(at_16_khz(audio, sample_rate), 16000, pitch)


def at_16_khz(audio: Tensor, sample_rate: int) -> Tensor:
    from timbrel.audio import resample

    return audio if sample_rate == 16000 else resample(audio, sample_rate, 16000)


def medians(rows: Sequence[Row], family: str) -> dict[str, float]:
    """Keys are METRIC, then the family, then what was compared."""
    figures = {}
    for key in dict.fromkeys(key for row in rows for key in row):
        metric, end = split_end(key)
        values = [row[key] for row in rows if key in row]
        figures[f"{metric}{family}{end}"] = statistics.median(values)
    return figures


def split_end(key: str) -> tuple[str, str]:
    """A key without what was compared, and that: ("mss", "_noise")."""
    end = next((end for end in ("_neighbour", "_noise", "_real") if key.endswith(end)), "")
    return key[: len(key) - len(end)], end


if __name__ == "__main__":
    run("analysis", measure, threads=1, takes_data=True)
