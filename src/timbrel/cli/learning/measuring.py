"""Which figures `evaluate` takes, and on how many notes."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from timbrel.cli.arguments import Aspect
from timbrel.cli.names import model_name
from timbrel.cli.output import say_note
from timbrel.cli.places import place_for
from timbrel.errors import BadInput
from timbrel.evaluate import direction_figures, evaluate_instrument, morph_figures
from timbrel.instruments import Instrument, load
from timbrel.progress import Progress

_NOTES: dict[Aspect, int] = {"quality": 60, "morphs": 40, "directions": 120}
_QUICK = 4
"""A quick look takes a quarter of them."""


def measure(
    model: str,
    data: Path | None,
    aspects: tuple[Aspect, ...],
    notes: int | None,
    quick: bool,
    progress: Progress,
) -> dict[str, float]:
    """The figures of each aspect, flat; aspects but the first carry their name.

    Raises:
        BadModel: there is no such model.
        BadInput: there are no notes to judge by, or the instrument has no directions.
        Unsupported: the instrument cannot encode.
    """
    if notes is not None and quick:
        raise BadInput("--notes and --quick exclude each other: give one of them")
    instrument = load(model)
    figures: dict[str, float] = {}
    for aspect in aspects or ("quality",):
        count = notes or _NOTES[aspect] // (_QUICK if quick else 1)
        said = f"judging {aspect} by {count} notes of each set: fewer (--notes, --quick) are sooner"
        found = _figures_of(aspect, instrument, data, count, _announced(said, progress))
        prefix = "" if aspect == "quality" else f"{aspect.removesuffix('s')}_"
        figures |= {prefix + name: value for name, value in found.items()}
    return figures


def _figures_of(
    aspect: Aspect, instrument: Instrument, data: Path | None, notes: int, progress: Progress
) -> dict[str, float]:
    if aspect == "quality":
        return evaluate_instrument(instrument, data, notes=notes, progress=progress)
    if aspect == "morphs":
        pairs = max(1, notes // 2)
        return morph_figures(instrument, data, pairs=pairs, progress=progress)
    if instrument.bank is None or not instrument.bank.names("direction"):
        raise BadInput(f"{instrument.family} knows no directions: evaluate {_others()}")
    return direction_figures(instrument, data=data, notes=notes, progress=progress)


def _announced(line: str, progress: Progress) -> Progress:
    """Says a line when the work begins: what cannot begin has an error's line alone."""
    is_said = False

    def tell(what: str, done: float, total: float) -> None:
        nonlocal is_said
        if done and not is_said:
            say_note(line)
            is_said = True
        progress(what, done, total)

    return tell


def _others() -> str:
    return " or ".join(aspect for aspect in get_args(Aspect) if aspect != "directions")


def draw(model: str, data: Path | None) -> Path:
    """Held-out notes beside what the model makes of them."""
    from timbrel.evaluate import draw_comparison

    place = place_for(None, f"evaluate_{model_name(model)}", (".png",))
    return place.fill(lambda new: [draw_comparison(new / place.file, load(model), data)])[0]
