"""Verbs that make instruments and measure them: train, evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from timbrel.cli.arguments import DEFAULT_MODEL, Aspect, Json, NoteCount, Plot
from timbrel.cli.output import progress_bar, say_json, say_paths, say_tables


def train(
    config: str | None = None,
    *overrides: str,
    from_: Annotated[str | None, Parameter(name="--from")] = None,
    only_bank: bool = False,
    out: Path | None = None,
) -> None:
    """Train an instrument; the same command goes on where a stopped run was.

    Args:
        config: A TOML file, such as configs/mel_vae.toml.
        overrides: Settings on top of it, such as loop.steps=2000.
        from_: A model to start from; without CONFIG its own training settings hold.
        only_bank: Train nothing: make the bank of the --from model again, from the same notes.
        out: Folder of the run; the default is runs/ and the configuration's name.
    """
    from timbrel.cli.learning.runs import hear_again, start

    if only_bank:
        return say_paths([hear_again(config, overrides, from_, out)])
    return say_paths([start(config, overrides, from_, out)])


def evaluate(
    model: str = DEFAULT_MODEL,
    *,
    data: Path | None = None,
    of: tuple[Aspect, ...] = (),
    notes: NoteCount | None = None,
    quick: Annotated[bool, Parameter(help="A quarter of the notes.")] = False,
    json: Json = False,
    plot: Plot = False,
) -> None:
    """How well an instrument plays notes that it never heard, beside its baselines.

    Args:
        model: A name or a model's folder.
        data: A note set; without it, the held-out notes that the shipped models are judged by.
        of: What to judge; quality otherwise.
        notes: How many notes of each set are judged; 60 otherwise (directions 120, morphs 40).
    """
    from timbrel.cli.learning.measuring import draw, measure

    with progress_bar("judging") as progress:
        figures: dict[str, Any] = dict(measure(model, data, of, notes, quick, progress))
        if plot:
            progress("drawing", 0, 1)
            figures["picture"] = draw(model, data)
    say_json(figures) if json else say_tables(Path(model).name, figures)
