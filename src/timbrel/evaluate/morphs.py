"""How well an instrument morphs: figures of paths between pairs of sounds, beside a cross-fade.

At nine places between two encoded sounds, one pitch:

- `pitch_accuracy`: over all renders; `pitch_accuracy_real`: of the notes that were encoded.
- `step_ratio`: the largest log-mel step over the mean step (1 is even); `path_ratio`: the sum of
  the steps over the direct distance (1 is straight).
- `centroid_spearman`, `attack_spearman`: rank correlation of the spectral centroid and the attack
  time with the place, in the direction from end to end; pairs whose ends differ in it.
- `one_sound`: 0 where the middles are the two ends added, 1 where they are one sound on its way
  (`one_sound.py`).
- `ends_difference`: largest difference between the path's ends and the plain renders, in samples'
  amplitude.

`crossfade_*` are the same figures of the two end renders cross-faded.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from scipy.stats import rankdata
from torch import Tensor

from timbrel.audio import resample
from timbrel.data import NoteSet
from timbrel.data.notes.encoding import encode_each
from timbrel.dsp.descriptors import attack_s, spectral_centroid_hz
from timbrel.dsp.distances import log_mel_l1_db
from timbrel.evaluate.baselines import cross_fade
from timbrel.evaluate.comparison import SAMPLE_RATE, TRACKS, heard_pitch, means
from timbrel.evaluate.held_out import held_out_sets
from timbrel.evaluate.one_sound import Ends, Explained, one_sound_score
from timbrel.evaluate.trials import spread
from timbrel.instruments.instrument import Instrument
from timbrel.progress import Progress, silent, told
from timbrel.sound import MorphPath, Notes
from timbrel.timbre import alphas, path_weights

STEPS = 9
PITCH = 60
"""The pitch of every morph: middle C."""

_NEAREST = 6
_MIDDLES = (3, 4, 5)
_DURATION_S = 2.0
_CENTROID_RATIO = 1.2
_ATTACK_DIFFERENCE_S = 0.03


@dataclass(frozen=True)
class Pair:
    """Two notes of different instruments: places in their sets."""

    a: tuple[NoteSet, int]
    b: tuple[NoteSet, int]


def morph_figures(
    instrument: Instrument,
    data: NoteSet | str | Path | None = None,
    *,
    pairs: int = 20,
    seed: int = 0,
    path: MorphPath = "linear",
    progress: Progress | None = None,
) -> dict[str, float]:
    """Figures of morphs between held-out sounds, means over pairs; flat.

    Args:
        instrument: one that can encode.
        data: a note set or its folder; None takes the default held-out set.
        pairs: how many are morphed.
        seed: of the draw of the pairs, and of the randomness in encoding.
        path: how timbres are mixed.
        progress: told how many pairs are judged.

    Raises:
        Unsupported: the instrument cannot encode.
        BadInput: there are no notes to judge by.
    """
    sets = list(held_out_sets(data, progress).values())
    generator = torch.Generator().manual_seed(seed)
    chosen = choose_pairs(sets, pairs, seed, progress)
    rows: dict[str, list[dict[str, float]]] = {"": [], "crossfade_": []}
    middles: dict[str, list[Explained | None]] = {"": [], "crossfade_": []}
    for pair in told(chosen, "judging morphs", progress):
        timbres = encode_each(instrument, (pair.a, pair.b), generator=generator)
        steps = render_path(instrument, timbres, path)
        plain = [render_path(instrument, timbre[None])[0] for timbre in timbres]
        faded = cross_fade(steps[0], steps[-1], alphas(STEPS))
        ends = Ends(steps[0], steps[-1], SAMPLE_RATE, PITCH)
        for ending, sounds in (("", steps), ("crossfade_", list(faded))):
            row = path_row(sounds)
            if not ending:
                row["ends_difference"] = _difference(steps, plain)
            rows[ending].append(row)
            middles[ending] += [ends.explain(sounds[k]) for k in _MIDDLES]
    figures = {"pairs": float(len(chosen))}
    for ending in rows:
        row = means(rows[ending]) | {"one_sound": one_sound_score(middles[ending])}
        figures |= {ending + key: value for key, value in row.items()}
    real = [_real_pitch(*note) for pair in chosen for note in (pair.a, pair.b)]
    return figures | {"pitch_accuracy_real": math.fsum(real) / max(len(real), 1)}


def choose_pairs(
    sets: Sequence[NoteSet], count: int, seed: int = 0, progress: Progress | None = None
) -> list[Pair]:
    """Pairs of notes near middle C, of different instruments, families as mixed as possible.

    Both notes track (a pitch that is not there cannot be kept).
    """
    nearest: dict[str, tuple[NoteSet, int]] = {}
    for notes in sets:
        for i, place in enumerate(notes.instrument.tolist()):
            name, away = notes.instruments[place], _away(notes, i)
            if away[0] <= _NEAREST and (name not in nearest or away < _away(*nearest[name])):
                nearest[name] = (notes, i)
    by_family: dict[str, list[tuple[NoteSet, int]]] = {}
    for notes, i in nearest.values():
        by_family.setdefault(notes[i].family, []).append((notes, i))
    ordered = spread(list(by_family.values()), len(nearest), seed)
    every = [(a, b) for step in range(1, len(ordered)) for a, b in _apart(ordered, step)]
    chosen: list[Pair] = []
    tracks: dict[tuple[int, int], bool] = {}
    for a, b in every:
        (progress or silent)("choosing pairs", len(chosen), count)
        if len(chosen) == count:
            break
        for notes, i in (a, b):
            key = (id(notes), i)
            if key not in tracks:
                tracks[key] = _real_pitch(notes, i) >= TRACKS
        if tracks[id(a[0]), a[1]] and tracks[id(b[0]), b[1]]:
            chosen.append(Pair(a, b))
    return chosen


def _apart(ordered: Sequence[tuple[NoteSet, int]], step: int) -> Iterator[tuple]:
    """Neighbours at a distance, each note at most once in a round."""
    for start in range(0, len(ordered) - step, 2 * step):
        for i in range(start, min(start + step, len(ordered) - step)):
            yield ordered[i], ordered[i + step]


def _away(notes: NoteSet, index: int) -> tuple[int, int]:
    """How far a note is from a middle C that is played firmly."""
    return abs(int(notes.pitch[index]) - PITCH), abs(int(notes.velocity[index]) - 100)


def _real_pitch(notes: NoteSet, index: int) -> float:
    return heard_pitch(notes.audio(index, SAMPLE_RATE), float(notes.pitch[index]))


def render_path(
    instrument: Instrument,
    corners: Float[Tensor, "corners params"],
    path: MorphPath = "linear",
) -> list[Float[Tensor, " time"]]:
    """The notes of a path between two timbres, at `SAMPLE_RATE`; of one timbre, a plain note."""
    timbres = corners
    if len(corners) > 1:
        timbres = instrument.timbre_space.mix(corners, path_weights(alphas(STEPS)), path)
    notes = Notes.of([float(PITCH)] * len(timbres), duration_s=_DURATION_S)
    with torch.no_grad():
        rendered = instrument.render(notes, timbres)
    return [resample(audio, rendered.sample_rate, SAMPLE_RATE) for audio in rendered]


def path_row(sounds: Sequence[Float[Tensor, " _"]]) -> dict[str, float]:
    """The figures of one path; NaN where its ends do not differ enough to ask."""
    steps = torch.stack([log_mel_l1_db(b, a) for a, b in itertools.pairwise(sounds)])
    direct = log_mel_l1_db(sounds[-1], sounds[0])
    centroids = [float(spectral_centroid_hz(sound, SAMPLE_RATE)) for sound in sounds]
    attacks = [float(attack_s(sound, SAMPLE_RATE)) for sound in sounds]
    ratio = max(centroids[0], centroids[-1]) / max(min(centroids[0], centroids[-1]), 1e-9)
    attack_differs = abs(attacks[-1] - attacks[0]) >= _ATTACK_DIFFERENCE_S
    return {
        "pitch_accuracy": math.fsum(heard_pitch(s, PITCH) for s in sounds) / len(sounds),
        "step_ratio": float(steps.max() / steps.mean().clamp_min(1e-9)),
        "path_ratio": float(steps.sum() / direct.clamp_min(1e-9)),
        "centroid_spearman": along(centroids) if ratio >= _CENTROID_RATIO else math.nan,
        "attack_spearman": along(attacks) if attack_differs else math.nan,
    }


def along(values: Sequence[float]) -> float:
    """Spearman's rank correlation of values with their place, positive if they go as the ends do.

    >>> along([4.0, 3.0, 2.0]), round(along([1.0, 3.0, 2.0]), 2)
    (1.0, 0.5)
    """
    if len(set(values)) == 1:
        return 0.0
    direction = 1.0 if values[-1] >= values[0] else -1.0
    ranks = torch.tensor(rankdata(values))
    return direction * float(torch.corrcoef(torch.stack([torch.arange(len(values)), ranks]))[0, 1])


def _difference(steps: Sequence[Tensor], plain: Sequence[Tensor]) -> float:
    ends = zip((steps[0], steps[-1]), plain, strict=True)
    return max(float((ours - theirs).abs().max()) for ours, theirs in ends)
