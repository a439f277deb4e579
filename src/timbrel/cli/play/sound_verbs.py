"""Verbs that hear and make single sounds: inspect, encode, morph, blend, generate."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from timbrel.cli.arguments import (
    NOTE,
    USING,
    Count,
    Grid,
    Json,
    Note,
    Out,
    Patience,
    Pitch,
    Plot,
    Share,
    Shares,
    Using,
)
from timbrel.cli.output import say_figures, say_json, say_note, say_paths


def inspect(audio: Path, *, out: Out = None, json: Json = False) -> None:
    """A sound as a picture (wave, mel spectrogram, pitch, loudness) and as numbers.

    Args:
        audio: A sound file.
    """
    from timbrel.cli.names import path_name
    from timbrel.cli.places import place_for
    from timbrel.cli.play.inspection import look_at

    place = place_for(out, path_name(audio), (".png", ".svg", ".pdf"), [audio])
    view = look_at(audio)
    picture = place.fill(lambda folder: [view.draw(folder / place.file)])[0]
    if view.first_s is not None:
        first = f"the first lasts {view.first_s:.2f} s"
        say_note(f"{audio} holds several notes, {first}: no figure is of it alone")
    if json:
        return say_json(view.figures | {"picture": picture})
    say_figures(view.figures)
    return say_paths([picture])


def encode(
    sound: Path,
    *,
    name: str | None = None,
    pitch: Pitch | None = None,
    seconds: Patience = 0.0,
    using: Using = USING,
    out: Out = None,
) -> None:
    """A recording as a timbre: a file of its own, or an entry of the bank given.

    Args:
        sound: One note, as a sound file.
        name: What to call it; the file's name otherwise.
        pitch: Its MIDI number or name; found by listening otherwise.
        seconds: Time that may be spent on fitting the timbre to the sound.
    """
    from timbrel.cli.timbres import keep, open_timbres

    timbres = open_timbres(using, pitch, seconds, new_bank=True)
    say_paths([keep(timbres, sound.stem if name is None else name, sound, using.bank, out)])


def morph(
    *sounds: str,
    a: str | None = None,
    b: str | None = None,
    alpha: Share | None = None,
    steps: Count | None = None,
    weights: Shares | None = None,
    grid: Grid | None = None,
    path: Literal["linear", "spherical"] = "linear",
    note: Note = NOTE,
    using: Using = USING,
    out: Out = None,
    plot: Plot = False,
) -> None:
    """A sound on the way from A to B, a row of them, or a pad of two to four corners to play.

    Args:
        sounds: Two to four sound files, names or expressions.
        a: The first, for those who like to say it.
        b: The second.
        alpha: How far from A (0) to B (1); 0.5 where nothing else is asked for.
        steps: Write so many sounds from the first to the last.
        weights: How much of each sound, such as 1,2,1.
        grid: Write a pad that can be played, such as 9x9.
        path: Mix latents along a line, or along the sphere that they lie on.
    """
    from timbrel.cli.play.morphing import Corners, Wish, write_morph, write_pad
    from timbrel.cli.timbres import open_timbres

    wish = Wish(alpha, steps, weights, grid)
    corners = Corners.of(open_timbres(using), [*filter(None, (a, b)), *sounds])
    write = write_morph if grid is None else write_pad
    say_paths(write(corners, wish, path, note, out, plot))


def blend(
    expression: str,
    *,
    note: Note = NOTE,
    using: Using = USING,
    out: Out = None,
    plot: Plot = False,
) -> None:
    """A note with the timbre that an expression says; its patch too, of a synthesizer.

    Args:
        expression: Such as "violin + 0.5*bright - dark" or "0.5*'my.wav' + 0.5*piano".
    """
    from timbrel.cli.names import result_name, shown_name, written_name
    from timbrel.cli.places import place_for
    from timbrel.cli.play.patch_files import patch_series, write_timbres
    from timbrel.cli.play.takes import play
    from timbrel.cli.timbres import MIDDLE_C, open_timbres

    timbres = open_timbres(using)
    timbre = timbres.resolve(expression)
    name = result_name(written_name(expression), using, pitch=note.pitch)
    series = patch_series(timbres.instrument)
    place = place_for(out, name, reads=timbres.reads, series=series)

    def write(folder: Path) -> list[Path]:
        shown = shown_name(expression)
        takes = play(timbres.instrument, timbre[None], [shown], note, MIDDLE_C)
        paths = takes.write(folder, place.file, plot)
        named = [(paths[0].stem, shown)]
        return [*paths, *write_timbres(folder, timbres.instrument, named, timbre[None])]

    say_paths(place.fill(write))


def generate(
    *,
    count: Count = 1,
    prior: bool = False,
    note: Note = NOTE,
    using: Using = USING,
    out: Out = None,
    plot: Plot = False,
) -> None:
    """New sounds that nobody recorded, and a bank with their timbres, to use them again.

    Of a synthesizer the patches, too.

    Args:
        count: How many.
        prior: Draw from the model's prior, not from what its named sounds span.
    """
    from timbrel.cli.names import result_name
    from timbrel.cli.play.patch_files import write_timbres
    from timbrel.cli.play.takes import place_of_takes, play
    from timbrel.cli.timbres import MIDDLE_C, invent, keep_all, open_timbres

    timbres = open_timbres(using)
    names, chosen = invent(timbres, count, note.seed, prior=prior)
    what = names[0] if count == 1 else names[0].rpartition("_")[0]
    name = result_name(what, using, pitch=note.pitch)
    place = place_of_takes(out, count, name, timbres.reads)

    def write(folder: Path) -> list[Path]:
        takes = play(timbres.instrument, chosen, names, note, MIDDLE_C)
        paths = takes.write(folder, place.file, plot)
        named = [(paths[0].stem if count == 1 else one, one) for one in names]
        patches = write_timbres(folder, timbres.instrument, named, chosen)
        return [*paths, *patches, keep_all(timbres, names, chosen, paths[0])]

    say_paths(place.fill(write))
