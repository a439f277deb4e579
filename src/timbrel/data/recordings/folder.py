"""Anybody's recordings as a note set, with a report of what was refused and why.

    files -> notes, each file by one of several processes, kept in `.unfinished/` as they come
          -> instruments, velocities, names -> nsynth-train/ and report.json

A run that was stopped goes on where it was: a file that has not changed is not heard again until
the set is whole. The same sources again make the same set anew, other sources want another folder.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

from timbrel.audio import SUFFIXES
from timbrel.data.claim import alone_in
from timbrel.data.notes.annotation import Entry, with_qualities
from timbrel.data.notes.nsynth_layout import UNKNOWN, example, split_folder, write_examples
from timbrel.data.recordings.hearing import FolderSettings, Found, hear
from timbrel.data.recordings.instrument_names import instrument_names
from timbrel.data.recordings.instrument_words import family_in, source_in
from timbrel.data.recordings.report import FolderReport, RefusedSound, UsedNote
from timbrel.data.workers import available_cores, each, worker_pool
from timbrel.errors import BadInput
from timbrel.files import replacing
from timbrel.progress import Progress

REPORT = "report.json"

_UNFINISHED = ".unfinished"
_SOURCES = "sources.json"
_LOUDEST_VELOCITY = 100
_TOLD = ("pitch", "cents", "hold_s", "start_s", "pitch_from")


def collect_folder(
    sources: str | Path | Iterable[str | Path],
    out: str | Path,
    settings: FolderSettings | None = None,
    *,
    processes: int | None = None,
    progress: Progress | None = None,
) -> FolderReport:
    """Make a note set of recordings: each file one note, or notes with silence between them.

    Pitch is heard in the sound (or read in a name such as `piano_C4.wav` where none can be heard),
    silence is trimmed, velocity is told by the level under the loudest note of the same instrument
    (that one gets 100, one 12 dB softer 50), `hold_s` is estimated. One folder of files is one
    instrument and gives it its name (see `instrument_names`); family and source come from folder
    and file names, or are "unknown" and "acoustic".

    Args:
        sources: patterns ("data/**/*.wav"), folders or files.
        out: folder of the set.
        settings: how recordings become notes.
        processes: how many files are heard at once; None for one a core, 0 for none but this.
        progress: told how many files are done.

    Raises:
        BadInput: no file is found, none can be used, `out` holds another set, or another process
            is at work there.
    """
    settings, out = settings or FolderSettings(), Path(out)
    wanted = [sources] if isinstance(sources, str | Path) else list(sources)
    files = find_recordings(wanted, out)
    with alone_in(out):
        _claim(out, [str(Path(source).absolute()) for source in wanted])
        return _collected(files, out, settings, processes, progress)


def _collected(
    files: list[Path],
    out: Path,
    settings: FolderSettings,
    processes: int | None,
    progress: Progress | None,
) -> FolderReport:
    processes = min(available_cores() if processes is None else processes, len(files))
    with worker_pool(processes) as pool:
        try:
            found = _heard(pool, files, out, settings, progress)
        except BrokenProcessPool:
            raise BadInput(
                "a recording made its reader crash: find it by giving fewer files (or this call "
                "stands in a script outside `if __name__ == '__main__':`)"
            ) from None
        notes, refused = _sorted_out(found, settings)
        if not notes:
            _clear(out)
            first = refused[0]
            raise BadInput(
                f"none of {len(files)} recordings can be used; the first, {first.file}: "
                f"{first.reason}"
            )
        _write_set(pool, out, notes, settings, progress)
    sources = _sources_of(out) or []
    report = FolderReport(out, tuple(sources), tuple(note for note, _ in notes), tuple(refused))
    with replacing(out / REPORT) as temporary:
        temporary.write_text(report.to_json(), encoding="utf-8")
    _clear(out)
    return report


def find_recordings(sources: str | Path | Iterable[str | Path], out: Path) -> list[Path]:
    """The audio files that patterns, folders and file names stand for, sorted; none below `out`.

    Raises:
        BadInput: there are none.
    """
    wanted = [sources] if isinstance(sources, str | Path) else list(sources)
    found = {path for source in wanted for path in _named_by(Path(source))}
    inside = out.absolute()
    files = sorted(
        path for path in found
        if path.is_file() and inside not in path.parents and not path.name.startswith(".")
    )  # fmt: skip
    if not files:
        said = ", ".join(str(source) for source in wanted)
        raise BadInput(
            f"no recordings at {said}: give a folder, or a pattern in quotes such as "
            f"'data/**/*.wav' ({', '.join(suffix[1:] for suffix in SUFFIXES)})"
        )
    return files


def _named_by(source: Path) -> Iterable[Path]:
    if source.is_file():
        return [source.absolute()]
    root, pattern = Path(source.anchor or "."), str(source.relative_to(source.anchor))
    try:
        names = source.rglob("*") if source.is_dir() else root.glob(pattern)
        return [path.absolute() for path in names if path.suffix.lower() in SUFFIXES]
    except (ValueError, NotImplementedError) as error:
        raise BadInput(f"{source} is no pattern ({error}): write 'folder/**/*.wav'") from None


def _claim(out: Path, sources: list[str]) -> None:
    """Say in the folder whose set it is to hold.

    Raises:
        BadInput: it is another's.
    """
    before = _sources_of(out)
    if before is None and (any(out.glob("nsynth-*")) or (out / "examples.json").exists()):
        raise BadInput(f"{out} holds a set that is not of recordings: choose another folder")
    if before is not None and sorted(before) != sorted(sources):
        raise BadInput(
            f"{out} holds a set of other recordings ({', '.join(before) or 'see ' + REPORT}): "
            "choose another folder, or delete that one"
        )
    with replacing(out / _UNFINISHED / _SOURCES) as temporary:
        temporary.write_text(json.dumps(sources), encoding="utf-8")


def _sources_of(out: Path) -> list[str] | None:
    """What the set in a folder, whole or begun, is made of; None where none is."""
    begun, whole = out / _UNFINISHED / _SOURCES, out / REPORT
    try:
        if begun.is_file():
            return list(json.loads(begun.read_bytes()))
        return list(json.loads(whole.read_bytes())["sources"]) if whole.is_file() else None
    except (ValueError, KeyError, TypeError):
        return []


def _clear(out: Path) -> None:
    """Take away what was kept for a run that is over."""
    shutil.rmtree(out / _UNFINISHED, ignore_errors=True)


def _heard(
    pool: Executor,
    files: Sequence[Path],
    out: Path,
    settings: FolderSettings,
    progress: Progress | None,
) -> list[Found]:
    unfinished = out / _UNFINISHED
    found: list[Found] = []
    for result in each(pool, partial(hear, unfinished=unfinished, settings=settings), files):
        found.append(result)
        if progress:
            progress("listening", len(found), len(files))
    return sorted(found, key=lambda one: one["file"])


def _sorted_out(
    found: Sequence[Found], settings: FolderSettings
) -> tuple[list[tuple[UsedNote, str]], list[RefusedSound]]:
    """Notes with their names, each with its sound's name in `.unfinished`; and the refusals."""
    refused = [RefusedSound(one["file"], **sound) for one in found for sound in one["refused"]]
    called = instrument_names(one["file"] for one in found if one["notes"])
    instruments: dict[str, list[tuple[str, Found]]] = {}
    for one in found:
        for note in one["notes"]:
            instruments.setdefault(called[one["file"]], []).append((one["file"], note))
    used: list[tuple[UsedNote, str]] = []
    names: dict[str, int] = {}
    for number, (instrument, notes) in enumerate(sorted(instruments.items())):
        family = settings.family or _most((family_in(_near(file)) for file, _ in notes), UNKNOWN)
        source = settings.source or _most((source_in(_near(file)) for file, _ in notes), "acoustic")
        loudest_db = max(note["level_db"] for _, note in notes)
        for file, note in notes:
            velocity = velocity_of(note["level_db"] - loudest_db)
            name = f"{instrument}-{note['pitch']:03d}-{velocity:03d}"
            names[name] = names.get(name, 0) + 1
            unique = name if names[name] == 1 else f"{name}-{names[name]}"
            facts = {key: note[key] for key in _TOLD}
            one_note = UsedNote(
                file,
                unique,
                instrument,
                str(Path(file).parent),
                family,
                source,
                number,
                velocity,
                **facts,
            )
            used.append((one_note, note["sound"]))
    return used, refused


def velocity_of(level_db: float) -> int:
    """MIDI velocity of a level under the instrument's loudest note: amplitude as its square.

    >>> velocity_of(0.0), velocity_of(-12.0)
    (100, 50)
    """
    return min(127, max(1, round(_LOUDEST_VELOCITY * 10.0 ** (level_db / 40.0))))


def _near(file: str) -> Path:
    """A file's name and the two folders above it: further up, names speak of other things."""
    return Path(*Path(file).parts[-3:])


def _most(words: Iterable[str], otherwise: str) -> str:
    """The word that more than half of those agree on that say anything."""
    said = [word for word in words if word != otherwise]
    word = max(sorted(set(said)), key=said.count, default=otherwise)
    return word if said.count(word) * 2 > len(said) else otherwise


def _write_set(
    pool: Executor,
    out: Path,
    notes: Sequence[tuple[UsedNote, str]],
    settings: FolderSettings,
    progress: Progress | None,
) -> None:
    """Build the split beside its place, and put it there when it is whole."""
    unfinished, home = out / _UNFINISHED, split_folder(out, "train")
    built = unfinished / "set"
    for rest in (built, unfinished / "before"):
        shutil.rmtree(rest, ignore_errors=True)
    (built / "audio").mkdir(parents=True)
    for note, sound in notes:
        _link(unfinished / sound, built / "audio" / f"{note.note_str}.wav")
    entries = [_entry(note, settings) for note, _ in notes]
    write_examples(built, with_qualities(pool, built, entries, progress))
    if home.exists():
        home.replace(unfinished / "before")
    built.replace(home)


def _link(source: Path, target: Path) -> None:
    """A second name for a file where the disk can, a copy where it cannot."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _entry(note: UsedNote, settings: FolderSettings) -> Entry:
    return example(
        note.note_str,
        note.instrument_str,
        note.number,
        family=note.family,
        source=note.source,
        pitch=note.pitch,
        velocity=note.velocity,
        sample_rate=settings.sample_rate,
        hold_s=note.hold_s,
    )
