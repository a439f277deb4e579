"""Verbs to begin with: demo, doctor, models."""

from __future__ import annotations

from pathlib import Path

from timbrel.cli.arguments import USING, Json, Using
from timbrel.cli.output import say_figures, say_json, say_paths, say_text


def demo(*, using: Using = USING, out: Path | None = None) -> None:
    """A morph, a blend and a song as sound files, and one picture of all three.

    Args:
        out: Folder to write to; out/demo otherwise.
    """
    from timbrel.cli.start.demonstration import demonstrate

    say_paths(demonstrate(using, out))


def doctor(*, json: Json = False) -> int:
    """Try each part of timbrel: what works, and what a missing part would add.

    The exit code is 1 where a part that is needed does not work.
    """
    from timbrel.cli.start.health import examine, summary

    findings = list(examine())
    if json:
        say_json([vars(finding) for finding in findings])
    else:
        print(*summary(findings), sep="\n")
    return int(any(finding.needed and not finding.works for finding in findings))


def models(name: str | None = None, *, json: Json = False) -> None:
    """The instruments there are: what each can do, its size, and the timbres that it knows.

    Args:
        name: One instrument, to see all of its timbres.
    """
    from timbrel.cli.start.catalogue import catalogue, one_model, overview

    if name is not None:
        return say_figures(one_model(name), as_json=json)
    rows = catalogue()
    return say_json(rows) if json else say_text(overview(rows))
