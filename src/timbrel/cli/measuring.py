"""Which figures `evaluate` takes, and on how many notes."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from timbrel.cli.arguments import Aspect
from timbrel.cli.places import place_for
from timbrel.errors import BadInput
from timbrel.evaluate import direction_figures, evaluate_instrument, morph_figures
from timbrel.instruments import Instrument, load
from timbrel.progress import Progress

_QUALITY_NOTES, _MORPH_PAIRS, _DIRECTION_NOTES = 60, 20, 120
_QUICK = 4
"""A quick look takes a quarter of them."""


def measure(
    model: str, data: Path | None, aspects: tuple[Aspect, ...], quick: bool, progress: Progress
) -> dict[str, float]:
    """The figures of each aspect, flat; aspects but the first carry their name.

    Raises:
        BadModel: there is no such model.
        BadInput: there are no notes to judge by, or the instrument has no directions.
        Unsupported: the instrument cannot encode.
    """
    instrument = load(model)
    share = _QUICK if quick else 1
    figures: dict[str, float] = {}
    for aspect in aspects or ("quality",):
        found = _figures_of(aspect, instrument, data, share, progress)
        prefix = "" if aspect == "quality" else f"{aspect.removesuffix('s')}_"
        figures |= {prefix + name: value for name, value in found.items()}
    return figures


def _figures_of(
    aspect: Aspect, instrument: Instrument, data: Path | None, share: int, progress: Progress
) -> dict[str, float]:
    if aspect == "quality":
        notes = _QUALITY_NOTES // share
        return evaluate_instrument(instrument, data, notes=notes, progress=progress)
    if aspect == "morphs":
        return morph_figures(instrument, data, pairs=_MORPH_PAIRS // share, progress=progress)
    if instrument.bank is None or not instrument.bank.names("direction"):
        raise BadInput(f"{instrument.family} knows no directions: evaluate {_others()}")
    notes = _DIRECTION_NOTES // share
    return direction_figures(instrument, data=data, notes=notes, progress=progress)


def _others() -> str:
    return " or ".join(aspect for aspect in get_args(Aspect) if aspect != "directions")


def draw(model: str, data: Path | None) -> Path:
    """Held-out notes beside what the model makes of them."""
    from timbrel.evaluate import draw_comparison

    place = place_for(None, Path(model).name, (".png",))
    return place.fill(lambda new: [draw_comparison(new / place.file, load(model), data)])[0]
