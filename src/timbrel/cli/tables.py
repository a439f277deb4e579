"""The figures of `evaluate` as tables for people: an instrument beside its baselines.

What the rows and columns mean stands in docs/measures.md, under the same names.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from rich.table import Table

Figures = dict[str, Any]

_SPLITS = {"": "known", "_unseen": "unseen"}
_VERSIONS = {"_shifted": "pitch_shift", "_ceiling": "ceiling", "_real": "real"}
_WHATS = {
    "self": "self", "other_pitch": "other pitch", "within": "within 12",
    "12": "12", "minus_12": "-12", "24": "24", "minus_24": "-24",
    "octave_and_beyond": "12 and more",
}  # fmt: skip
_METRICS = (
    "notes", "mss", "log_mel_l1", "pitch_accuracy", "tracked_share",
    "level_error_db", "wmfcc", "sot_hz", "rms_cosine", "attack_error_ms",
)  # fmt: skip
_TITLE = (
    "known: held-out notes of known instruments; unseen: held-out instruments.\n"
    "self: the note that was heard; else played so many semitones from it"
)
_DIRECTION = ("share", "change", "pitch_accuracy_change", "judge_accuracy")

Rows = dict[str, dict[str, str]]
"""The key of each figure, by row and column."""


def tables(model: str, figures: Figures) -> Iterator[Table]:
    """Tables of all figures that have a place in one.

    Args:
        model: heads the instrument's own columns.
        figures: as `measure` returns them; what is shown is taken out.
    """
    quality = {metric: _quality(metric, model) for metric in _METRICS}
    yield from _table(_TITLE, quality, figures)
    names = [*_between(figures, "morph_crossfade_", ""), "ends_difference"]
    columns = {model: "morph_{}", "cross-fade": "morph_crossfade_{}", "real": "morph_{}_real"}
    morphs = {n: {head: key.format(n) for head, key in columns.items()} for n in names}
    yield from _table("morphs", {"": morphs}, figures)
    names = _between(figures, "direction_", "_share")
    directions = {n: {head: f"direction_{n}_{head}" for head in _DIRECTION} for n in names}
    yield from _table("directions", {"": directions}, figures)


def _quality(metric: str, model: str) -> Rows:
    return {
        said: {
            f"{split}\n{head}": f"{metric}_{what}{end}{version}"
            for end, split in _SPLITS.items()
            for version, head in {"": model, **_VERSIONS}.items()
        }
        for what, said in _WHATS.items()
    }


def _between(figures: Figures, start: str, end: str) -> list[str]:
    """What stands between a start and an end of the figures' names."""
    return [
        name.removeprefix(start).removesuffix(end)
        for name in figures
        if name.startswith(start) and name.endswith(end)
    ]


def _table(title: str, sections: dict[str, Rows], figures: Figures) -> Iterator[Table]:
    """Sections of rows of figures; what is empty is left out, the table too where all of it is."""
    shown = {
        section: {
            said: {head: figures.pop(key) for head, key in row.items() if key in figures}
            for said, row in rows.items()
        }
        for section, rows in sections.items()
    }
    rows = [row for rows in shown.values() for row in rows.values()]
    heads = dict.fromkeys(h for s in sections.values() for row in s.values() for h in row)
    used = [head for head in heads if any(head in row for row in rows)]
    if not used:
        return
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1), pad_edge=False)
    table.add_column("", no_wrap=True)
    for head in used:
        table.add_column(head, justify="right", overflow="fold")
    for section, said_rows in shown.items():
        filled = {said: row for said, row in said_rows.items() if row}
        if section and filled:
            table.add_row(section)
        for said, row in filled.items():
            cells = (_readable(row[head]) if head in row else "" for head in used)
            table.add_row(f"  {said}" if section else said, *cells)
    yield table


def _readable(value: float) -> str:
    if not math.isfinite(value):
        return "-"
    return f"{value:.0f}" if abs(value) >= 100 or float(value).is_integer() else f"{value:.3g}"
