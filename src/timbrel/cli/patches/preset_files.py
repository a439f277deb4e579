"""What `data presets` does with files of patches."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from timbrel.cli.output import say_note
from timbrel.cli.places import file_name, folder_for, place_for
from timbrel.data.presets.names import known_category
from timbrel.errors import BadInput, BadPatch, TimbrelError
from timbrel.synths import Parameters, Patch, Synth, load_synth, synths
from timbrel.synths.files import (
    PATCH_SUFFIXES,
    Program,
    changed,
    checksum,
    own_suffixes,
    parameters_of,
    patch_files,
    read_patches,
    read_programs,
    write_patch,
    write_patches,
)

_WIDEST = 100
_MOST_COPIES_NAMED = 3


def loaded(synth: str | None) -> Synth | None:
    """The synthesizer that was named, if one was."""
    return None if synth is None else load_synth(synth)


def rows(files: Sequence[Path], synth: Synth | None) -> list[dict[str, Any]]:
    """What `show` says of each patch.

    Raises:
        BadInput: no files were named, or a folder in which none can be read.
        BadPatch: a file that was named cannot be read.
    """
    found = [row for place in files for row in _rows_of(place, synth)]
    if not found:
        raise BadInput("no files to show: name some, such as pad.fxp, or a folder of them")
    return found


def _rows_of(place: Path, synth: Synth | None) -> Iterator[dict[str, Any]]:
    """Of a file, or of a folder, in which there may be others that cannot be read."""
    for file in patch_files(place):
        try:
            yield from _rows(file, synth)
        except TimbrelError as error:
            if file == place:
                raise
            say_note(f"left out: {error}")


def _rows(file: Path, synth: Synth | None) -> Iterator[dict[str, Any]]:
    for thing in _held(file, synth):
        if isinstance(thing, Program):
            yield {"file": file, "name": thing.name, "synth": _whose(thing),
                   **_category(thing.name, ""), "author": "", "knobs": {},
                   "checksum": ""}  # fmt: skip
            continue
        knobs = _knobs(thing, synth)
        moved = changed(thing, knobs)
        yield {"file": file, "name": thing.name, "synth": thing.synth,
               **_category(thing.name, thing.category), "author": thing.author,
               "knobs": knobs.named(moved) if knobs else dict(moved),
               "checksum": checksum(thing, knobs)}  # fmt: skip


def _category(name: str, category: str) -> dict[str, str]:
    """Of a patch, and whether its maker says so or only its name."""
    found = known_category(name, category)
    return {"category": found.category if found else "", "category_by": found.by if found else ""}


def overview(found: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Rows as lines for people; a single patch with all of its knobs."""
    if len(found) == 1:
        row = found[0] | found[0]["knobs"]
        shown = {key: value for key, value in row.items() if key != "knobs" and value != ""}
        width = max(map(len, shown))
        for key, value in shown.items():
            yield f"{key:<{width}}  {_number(value)}"
        return
    several = len({row["file"] for row in found}) > 1
    found = [row | {"file": str(row["file"])} for row in found]
    columns = (*(["file"] if several else []), "name", "synth", "category", "category_by")
    widths = {c: max(len(c), *(len(row[c]) for row in found)) for c in columns}
    yield "  ".join([*(f"{c:<{widths[c]}}" for c in columns), "knobs away from default"])
    for row in found:
        knobs = ", ".join(f"{name} {_number(value)}" for name, value in row["knobs"].items())
        cut = knobs if len(knobs) <= _WIDEST else f"{knobs[: _WIDEST - 4]} ..."
        yield "  ".join([*(f"{row[c]:<{widths[c]}}" for c in columns),
                         f"{len(row['knobs'])}: {cut}" if knobs else "-"])  # fmt: skip


def converted(source: Path, out: Path, to: str | None, synth: Synth | None) -> list[Path]:
    """The files that were written.

    Raises:
        BadPatch: what is read cannot be, or not written so.
        BadInput: the place cannot be written, or a file of that name is there.
    """
    patches = read_patches(source, synth)
    if out.suffix.lower() in PATCH_SUFFIXES and not out.is_dir():
        if to is not None and out.suffix.lower() != f".{to}":
            raise BadInput(f"{out} is no .{to}: leave out --to, or give another name or a folder")
        place = place_for(out, out.stem, PATCH_SUFFIXES, reads=[source])
        if out.exists():
            raise BadInput(f"{out} is there: give another name, or remove it first")

        def write(folder: Path) -> list[Path]:
            write_patches(folder / place.file, patches, synth)
            return [folder / place.file]

        return place.fill(write)

    def write_each(folder: Path) -> list[Path]:
        paths = []
        for number, patch in enumerate(patches, start=1):
            ending = f".{to}" if to else own_suffixes(patch.synth)[0]
            paths.append(folder / f"{number:03d}-{file_name(patch.name or 'patch')}{ending}")
            write_patch(paths[-1], patch, synth)
        return paths

    return folder_for(out, out.name, reads=[source]).fill(write_each)


@dataclass(frozen=True)
class Verdict:
    """What is to be said of one file.

    Attributes:
        file: the file.
        is_good: whether it can be used.
        detail: what it holds, or what is wrong.
        copies: patches in it that sound as an earlier one, and where that is.
    """

    file: Path
    is_good: bool
    detail: str
    copies: list[str] = field(default_factory=list)

    @property
    def line(self) -> str:
        """For people."""
        named = self.copies[:_MOST_COPIES_NAMED]
        more = len(self.copies) - len(named)
        copies = "".join(f"; {copy}" for copy in named) + (f"; {more} more copies" if more else "")
        name = "" if str(self.file) in self.detail else f"{self.file}: "
        return f"{'good' if self.is_good else 'BAD '} {name}{self.detail}{copies}"


def verdicts(places: Iterable[Path], synth: Synth | None) -> Iterator[Verdict]:
    """What is to be said of each file, in order.

    Raises:
        BadInput: there are none.
    """
    files = [file for place in places for file in patch_files(place)]
    if not files:
        suffixes = ", ".join(PATCH_SUFFIXES)
        raise BadInput(f"nothing to validate: name files of patches, or folders with {suffixes}")
    first: dict[str, tuple[Path, int, str]] = {}
    for file in files:
        try:
            held = _held(file, synth)
        except TimbrelError as error:
            yield Verdict(file, False, str(error))
            continue
        patches = [thing for thing in held if isinstance(thing, Patch)]
        foreign = [thing for thing in held if isinstance(thing, Program)]
        if patches:
            detail = _many(patches) + _unchecked(patches, synth)
        else:
            detail = f"{_whose(foreign[0])}, which alone can read it"
        yield Verdict(file, True, detail, list(_copies(file, patches, synth, first)))


def _held(file: Path, synth: Synth | None) -> list[Patch] | list[Program]:
    """Patches; or programs, where they are of a plug-in that nobody here knows."""
    try:
        return read_patches(file, synth)
    except BadPatch:
        if synth is not None:
            raise
        try:
            programs = read_programs(file)
        except BadPatch:
            programs = []
        if not programs or programs[0].plugin_id == "amsy":
            raise
        return programs


def _copies(
    file: Path, patches: list[Patch], synth: Synth | None, first: dict[str, tuple[Path, int, str]]
) -> Iterator[str]:
    """Those that sound as an earlier one, but for the same file in another format."""
    for number, patch in enumerate(patches):
        digest = checksum(patch, _knobs(patch, synth))
        where, nth, name = first.setdefault(digest, (file, number, patch.name))
        is_itself = (where, nth) == (file, number)
        is_twin = where != file and where.with_suffix("") == file.with_suffix("")
        if not (is_itself or is_twin):
            yield f"{patch.name!r} sounds as {name!r} in {where}"


def _knobs(patch: Patch, synth: Synth | None) -> Parameters | None:
    return parameters_of(patch.synth) if synth is None else synth.parameters


def _whose(program: Program) -> str:
    return f"of the plug-in {program.plugin_id!r}"


def _many(patches: list[Patch]) -> str:
    whose = ", ".join(sorted({patch.synth for patch in patches}))
    return f"{len(patches)} {'patch' if len(patches) == 1 else 'patches'} of {whose}"


def _unchecked(patches: list[Patch], synth: Synth | None) -> str:
    """What is to be said where nobody here knows the knobs that patches name."""
    said = ""
    for name in sorted({patch.synth for patch in patches if _knobs(patch, synth) is None}):
        near = [one for one in difflib.get_close_matches(name, synths(), n=1) if one != name]
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        said += f"; {name} is not known here{hint}: its knobs were not checked"
    return said


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
