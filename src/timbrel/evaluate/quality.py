"""How well an instrument plays what it hears: its figures on held-out notes, beside baselines.

    METRIC _ WHAT [_INTERVAL] [_unseen] [_shifted | _ceiling | _real]

- METRIC: mss, log_mel_l1, wmfcc (dB or alike, lower is nearer), sot_hz, rms_cosine (1 is best),
  level_error_db and attack_error_ms (unsigned), pitch_accuracy.
- WHAT: `self`, the note that was heard; `other_pitch`, the same instrument's note at another
  pitch, as many of each interval; the intervals by themselves (`within` an octave, `12`,
  `minus_12`, `24`, `minus_24` semitones up from what was heard), and the last four together
  (`octave_and_beyond`), for mss, log_mel_l1 and pitch_accuracy alone.
- `_unseen`: held-out instruments; without it, held-out notes of known ones.
- `_shifted`: librosa's pitch_shift of the recording instead of the instrument; `_ceiling`: the true
  note's own mels made audible again; `_real`: the true note itself. Pitch accuracy is taken where
  the true note tracks (`tracked_share` of the targets).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.audio import resample
from timbrel.data import NoteSet
from timbrel.data.notes.encoding import encode_notes
from timbrel.dsp.shifting import shift_pitch
from timbrel.evaluate.baselines import through_mels
from timbrel.evaluate.comparison import SAMPLE_RATE, TRACKS, Row, compare, heard_pitch, means
from timbrel.evaluate.held_out import held_out_sets
from timbrel.evaluate.trials import INTERVALS, Trial, interval_trials, self_trials
from timbrel.instruments.instrument import Instrument
from timbrel.progress import Progress, silent
from timbrel.sound import Notes

_BATCH = 8


def evaluate_instrument(
    instrument: Instrument,
    data: NoteSet | str | Path | None = None,
    *,
    notes: int = 60,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, float]:
    """All quality figures of an instrument, flat; NaN where a set has no such notes.

    Args:
        instrument: one that can encode.
        data: a note set or its folder; None takes the default held-out set.
        notes: how many are played back, and how many at other pitches, in each split.
        seed: of the draw of the notes, and of the randomness in encoding.
        progress: told how many notes are judged.

    Raises:
        Unsupported: the instrument cannot encode.
        BadInput: there are no notes to judge by.
    """
    sets = held_out_sets(data, progress)
    trials = {end: _draw(held_out, notes, seed) for end, held_out in sets.items()}
    total = sum(len(t) for groups in trials.values() for t in groups.values())
    done = 0
    tell = progress or silent
    tell("judging notes", 0, total)
    figures: dict[str, float] = {}
    for end, held_out in sets.items():
        rows: dict[str, list[_Judged]] = {}
        for what, group in trials[end].items():
            rows[what] = []
            for judged in _judge(instrument, held_out, group, seed):
                rows[what].append(judged)
                done += 1
                tell("judging notes", done, total)
        figures |= _figures(rows, end)
    return figures


def render_trials(
    instrument: Instrument, notes: NoteSet, trials: Sequence[Trial], seed: int = 0
) -> Iterator[Float[Tensor, " time"]]:
    """What the instrument plays in each trial, at `SAMPLE_RATE`."""
    generator = torch.Generator().manual_seed(seed)
    for start in range(0, len(trials), _BATCH):
        batch = trials[start : start + _BATCH]
        sources = [t.source for t in batch]
        timbres = encode_notes(instrument, notes, sources, generator=generator)
        targets = torch.tensor([t.target for t in batch])
        wanted = Notes(
            notes.pitch[targets].float(),
            notes.velocity[targets] / 127.0,
            notes.hold_s[targets],
        )
        with torch.no_grad():
            rendered = instrument.render(wanted, timbres)
        for audio in rendered:
            yield resample(audio, rendered.sample_rate, SAMPLE_RATE)


_Judged = dict[str, Row]
"""One trial's rows by ending: "" for the instrument, "_shifted", "_ceiling", "_real"."""


_GROUPS: dict[str, tuple[str, ...]] = {
    "self": ("self",),
    "other_pitch": tuple(INTERVALS),
    "octave_and_beyond": tuple(INTERVALS)[1:],
} | {interval: (interval,) for interval in INTERVALS}
_HEADLINES = ("mss", "log_mel_l1", "pitch_accuracy", "tracked_share")


def _draw(notes: NoteSet, count: int, seed: int) -> dict[str, list[Trial]]:
    each = max(1, count // len(INTERVALS))
    return {"self": self_trials(notes, count, seed)} | {
        interval: interval_trials(notes, interval, each, seed) for interval in INTERVALS
    }


def _judge(
    instrument: Instrument, notes: NoteSet, trials: Sequence[Trial], seed: int
) -> Iterator[_Judged]:
    for trial, audio in zip(trials, render_trials(instrument, notes, trials, seed), strict=True):
        source, target = (notes.audio(i, SAMPLE_RATE) for i in (trial.source, trial.target))
        pitch = float(notes.pitch[trial.target])
        moved = shift_pitch(source, SAMPLE_RATE, pitch - float(notes.pitch[trial.source]))
        versions = {"": audio, "_shifted": moved, "_ceiling": through_mels(target, pitch)}
        judged: dict[str, dict[str, float]] = {
            ending: compare(version, target) for ending, version in versions.items()
        }
        real = heard_pitch(target, pitch)
        judged["_real"] = {"pitch_accuracy": real if real >= TRACKS else math.nan}
        judged["_real"] |= {"tracked_share": float(real >= TRACKS)}
        for ending, version in versions.items():
            accuracy = heard_pitch(version, pitch) if real >= TRACKS else math.nan
            judged[ending]["pitch_accuracy"] = accuracy
        yield dict(judged)


def _figures(rows: Mapping[str, Sequence[_Judged]], end: str) -> dict[str, float]:
    figures: dict[str, float] = {}
    for what, intervals in _GROUPS.items():
        judged = [row for interval in intervals for row in rows[interval]]
        figures[f"notes_{what}{end}"] = len(judged)
        for version in ("", "_shifted", "_ceiling", "_real"):
            found = means([_kept(row[version], what) for row in judged])
            figures |= {f"{key}_{what}{end}{version}": value for key, value in found.items()}
        share = figures.pop(f"tracked_share_{what}{end}_real", math.nan)
        figures[f"tracked_share_{what}{end}"] = share
    return figures


def _kept(row: Row, what: str) -> Row:
    """Every column of the two main groups, the headlines of the others."""
    if what in ("self", "other_pitch"):
        return row
    return {key: value for key, value in row.items() if key in _HEADLINES}
