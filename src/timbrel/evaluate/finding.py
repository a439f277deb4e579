"""Finding directions for a bank: measured on one set of notes, kept if they hold on another.

A bank made in training knows which notes have a quality; here the quality's amount is measured in
each note's own samples, and what does not do what it says on held-out notes is not shipped.
"""

from __future__ import annotations

from pathlib import Path

import torch

from timbrel.data import NoteSet
from timbrel.data.workers import Progress
from timbrel.errors import BadInput
from timbrel.evaluate.amounts import AMOUNTS
from timbrel.evaluate.comparison import SAMPLE_RATE
from timbrel.evaluate.directions import choose_notes, direction_figures, encode_notes, real_audio
from timbrel.instruments.instrument import Instrument
from timbrel.timbre import Bank, Entry
from timbrel.timbre.directions import SHRINKAGE, class_weights, measure_direction


def find_directions(
    instrument: Instrument,
    learned: NoteSet,
    *,
    notes: int = 600,
    shrinkage: float = SHRINKAGE,
    seed: int = 0,
) -> dict[str, Entry]:
    """A direction for every quality that the notes tell, by name.

    Pitch and velocity are taken out, and every instrument counts alike.

    Args:
        instrument: one that can encode.
        learned: notes to measure on; those that the instrument was trained on will do.
        notes: how many of them.
        shrinkage: see `measure_direction`.
        seed: of the draw of the notes.
    """
    chosen = choose_notes([learned], notes, seed)
    encoded = encode_notes(instrument, chosen, seed)
    audio = real_audio(chosen)
    pitch = encoded.notes.pitch / 60
    beside = torch.stack([pitch, pitch.square(), encoded.notes.velocity], dim=1)
    weights = class_weights([int(learned.instrument[i]) for _, i in chosen])
    found = {}
    for name, amount in AMOUNTS.items():
        measured = amount.of(audio, encoded.notes.duration_s, SAMPLE_RATE)
        known = ~measured.isnan()
        try:
            direction = measure_direction(
                encoded.timbres[known],
                measured[known],
                beside=beside[known],
                weights=weights[known],
                shrinkage=shrinkage,
            )
        except BadInput:
            continue
        found[name] = Entry("direction", direction)
    return found


def ship_directions(
    instrument: Instrument,
    bank: Bank,
    found: dict[str, Entry],
    held_out: NoteSet | str | Path | None = None,
    *,
    least_share: float = 0.9,
    notes: int = 120,
    progress: Progress | None = None,
) -> dict[str, float]:
    """Puts those directions into the bank that hold on held-out notes, and takes the others out.

    Directions of the bank that nobody found anew are held to the same, and go if they fail.

    Args:
        instrument: one that can encode.
        bank: is changed.
        found: directions to try; they replace those of the same name.
        held_out: notes to judge by; None takes the default held-out set.
        least_share: of the notes, how many must move the right way.
        notes: how many are judged.
        progress: told how many directions are judged.

    Returns:
        The figures of all that were tried.
    """
    tried = Bank(bank.model, {n: bank.lookup(n) for n in bank})
    for name, entry in found.items():
        tried.add(name, entry.timbre, "direction", replace=True)
    figures = direction_figures(instrument, tried, held_out, notes=notes, progress=progress)
    for name in tried.names("direction"):
        share = figures.get(f"{name}_share", 0.0)
        if share >= least_share:
            unit = AMOUNTS[name].unit if name in AMOUNTS else ""
            change = figures[f"{name}_change"]
            about = f"{share:.0%} of held-out notes, by {change:.2g} {unit}".strip()
            bank.add(name, tried[name], "direction", about, replace=True)
        elif name in bank:
            bank.remove(name)
    return figures
