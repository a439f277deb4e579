"""Whether directions do what they say, on notes that nobody measured them with.

For every direction D of the instrument's bank, each held-out note is encoded and played twice at
its own pitch, plain and with D added once:

- `D_share`: of the notes, the share whose amount of D grew (`amounts.py`; "bright" raises the
  spectral centroid, "dark" lowers it), notes left out that have no room for more of it;
- `D_change`: the median growth, in the amount's unit;
- `D_pitch_accuracy_change`: what it did to the pitch, where the true note tracks.

`pitch_accuracy_change` is the mean of the last over all directions. Sources that the bank holds as
means are judged as arithmetic uses them: "note - acoustic + synthetic", by a judge of real notes
(`synthetic_share` over the notes of other sources; `synthetic_judge_accuracy` on instruments that
the judge had not heard).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.audio import resample
from timbrel.data import NoteSet
from timbrel.data.notes.amounts import AMOUNTS
from timbrel.data.notes.encoding import encode_each
from timbrel.data.notes.nsynth_layout import SOURCES
from timbrel.errors import BadInput
from timbrel.evaluate.comparison import SAMPLE_RATE, TRACKS, heard_pitch
from timbrel.evaluate.held_out import held_out_sets
from timbrel.evaluate.sources import SourceJudge
from timbrel.evaluate.trials import spread
from timbrel.instruments.instrument import Instrument
from timbrel.progress import Progress, told
from timbrel.sound import Notes
from timbrel.timbre import Bank

_BATCH = 16
_JUDGED_NOTES = 400


@dataclass(frozen=True)
class Encoded:
    """Held-out notes as timbres, with what is needed to play them again.

    Attributes:
        timbres: one a note.
        notes: pitch, velocity and duration of each.
        sources: acoustic, electronic or synthetic.
        tracks: whether pYIN hears the label in the true note.
    """

    timbres: Float[Tensor, "notes params"]
    notes: Notes
    sources: tuple[str, ...]
    tracks: tuple[bool, ...]


def direction_figures(
    instrument: Instrument,
    bank: Bank | None = None,
    data: NoteSet | str | Path | None = None,
    *,
    notes: int = 60,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, float]:
    """Figures of every direction in a bank; flat.

    Args:
        instrument: one that can encode.
        bank: its directions; None takes the instrument's own bank.
        data: a note set or its folder; None takes the default held-out set.
        notes: how many are played with each direction.
        seed: of the draw of the notes, and of the randomness in encoding.
        progress: told how many directions are judged.

    Raises:
        Unsupported: the instrument cannot encode.
        BadInput: there are no notes to judge by, or no directions.
    """
    bank = instrument.bank if bank is None else bank
    if bank is None or not bank.names("direction"):
        raise BadInput("the bank holds no direction: train the model with a bank, or give one")
    sets = list(held_out_sets(data, progress).values())
    chosen = choose_notes(sets, notes, seed)
    encoded = encode_chosen(instrument, chosen, seed, progress)
    plain = play(instrument, encoded, encoded.timbres)
    before = _pitches(plain, encoded)
    sources = [name for name in SOURCES if name in bank]
    names = [name for name in bank.names("direction") if name not in sources]
    figures: dict[str, float] = {"notes": float(len(chosen))}
    changes: list[float] = []
    for name in told(names, "judging directions", progress):
        moved = play(instrument, encoded, encoded.timbres + bank[name])
        if name in AMOUNTS:
            hold_s = encoded.notes.duration_s
            before_and_after = (AMOUNTS[name].of(x, hold_s, SAMPLE_RATE) for x in (plain, moved))
            grown = AMOUNTS[name].growth(*before_and_after)
        else:
            grown = torch.full((len(chosen),), math.nan)
        figures |= _growth(name, grown)
        change = _pitch_change(moved, encoded, before)
        figures[f"{name}_pitch_accuracy_change"] = change
        changes.append(change)
    figures["pitch_accuracy_change"] = sum(changes) / len(changes) if changes else math.nan
    if sources:
        figures |= _source_figures(instrument, bank, encoded, plain, judge_of(sets, seed), sources)
    return figures


def choose_notes(sets: Sequence[NoteSet], count: int, seed: int = 0) -> list[tuple[NoteSet, int]]:
    """Notes held for a second or more, as many of each set, from all instruments in turn."""
    chosen = []
    for notes in sets:
        groups: dict[int, list[tuple[NoteSet, int]]] = {}
        for i, instrument in enumerate(notes.instrument.tolist()):
            if float(notes.hold_s[i]) >= 1.0:
                groups.setdefault(instrument, []).append((notes, i))
        chosen += spread(groups.values(), math.ceil(count / len(sets)), seed)
    return chosen


def encode_chosen(
    instrument: Instrument,
    chosen: Sequence[tuple[NoteSet, int]],
    seed: int = 0,
    progress: Progress | None = None,
) -> Encoded:
    """Each note's timbre."""
    generator = torch.Generator().manual_seed(seed)
    each = told(chosen, "hearing notes", progress)
    timbres = encode_each(instrument, each, generator=generator)
    tracks = tuple(
        heard_pitch(notes.audio(i, SAMPLE_RATE), float(notes.pitch[i])) >= TRACKS
        for notes, i in chosen
    )
    columns = [
        torch.stack([getattr(notes, name)[i].float() for notes, i in chosen])
        for name in ("pitch", "velocity", "hold_s")
    ]
    wanted = Notes(columns[0], columns[1] / 127.0, columns[2])
    sources = tuple(notes[i].source for notes, i in chosen)
    return Encoded(timbres, wanted, sources, tracks)


def play(
    instrument: Instrument, encoded: Encoded, timbres: Float[Tensor, "notes params"]
) -> Float[Tensor, "notes time"]:
    """The notes with other timbres, at `SAMPLE_RATE`, padded to the longest."""
    legal = instrument.timbre_space.project(timbres)
    sounds = []
    for start in range(0, len(legal), _BATCH):
        span = slice(start, start + _BATCH)
        with torch.no_grad():
            rendered = instrument.render(encoded.notes[span], legal[span])
        sounds += [resample(audio, rendered.sample_rate, SAMPLE_RATE) for audio in rendered]
    return torch.nn.utils.rnn.pad_sequence(sounds, batch_first=True)


def real_audio(chosen: Sequence[tuple[NoteSet, int]]) -> Float[Tensor, "notes time"]:
    """The notes as they were recorded, at `SAMPLE_RATE`, padded to the longest."""
    audio = [notes.audio(i, SAMPLE_RATE) for notes, i in chosen]
    return torch.nn.utils.rnn.pad_sequence(audio, batch_first=True)


def judge_of(sets: Sequence[NoteSet], seed: int = 0) -> tuple[SourceJudge, list[str]]:
    """A judge of sources shown real notes of these sets, and the notes' instruments."""
    chosen = choose_notes(sets, _JUDGED_NOTES, seed)
    pitch = torch.stack([notes.pitch[i].float() for notes, i in chosen])
    records = [notes[i] for notes, i in chosen]
    judge = SourceJudge(real_audio(chosen), pitch, [record.source for record in records])
    return judge, [record.instrument_str for record in records]


def _source_figures(
    instrument: Instrument,
    bank: Bank,
    encoded: Encoded,
    plain: Float[Tensor, "notes time"],
    judged: tuple[SourceJudge, list[str]],
    names: Sequence[str],
) -> dict[str, float]:
    judge, instruments = judged
    pitch = encoded.notes.pitch
    figures: dict[str, float] = {}
    for name in names:
        others = torch.tensor([source != name for source in encoded.sources])
        if bank.lookup(name).is_absolute:
            away = [bank[source] if source in bank else bank[name] for source in encoded.sources]
            moved = encoded.timbres - torch.stack(away) + bank[name]
        else:
            moved = encoded.timbres + bank[name]
        sounds = play(instrument, encoded, moved)
        grown = judge.amount(name, sounds, pitch) - judge.amount(name, plain, pitch)
        figures |= _growth(name, grown[others])
        figures[f"{name}_judge_accuracy"] = judge.accuracy(name, instruments)
    return figures


def _growth(name: str, grown: Float[Tensor, " notes"]) -> dict[str, float]:
    known = grown[~grown.isnan()]
    if not len(known):
        return {f"{name}_share": math.nan, f"{name}_change": math.nan}
    return {
        f"{name}_share": float((known > 0).float().mean()),
        f"{name}_change": float(known.median()),
    }


def _pitches(audio: Float[Tensor, "notes time"], encoded: Encoded) -> list[float]:
    """Pitch accuracy of each note that tracks; NaN for the others."""
    return [
        heard_pitch(sound, pitch) if tracks else math.nan
        for sound, pitch, tracks in zip(
            audio, encoded.notes.pitch.tolist(), encoded.tracks, strict=True
        )
    ]


def _pitch_change(moved: Tensor, encoded: Encoded, before: Sequence[float]) -> float:
    after = _pitches(moved, encoded)
    pairs = zip(after, before, strict=True)
    changes = [ours - theirs for ours, theirs in pairs if not math.isnan(theirs)]
    return sum(changes) / len(changes) if changes else math.nan
