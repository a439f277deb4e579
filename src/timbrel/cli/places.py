"""Where results go: one rule for the --out of every verb.

`--out NAME.wav` is a file. Any other `--out NAME` is a folder for results, which then have names of
their own; without --out that folder is `out/`. Missing folders are made.

A verb writes into a hidden folder beside its results' places, and moves them there when all are
whole. A file that the user named is replaced. A file that timbrel named replaces only what timbrel
wrote there before, for which each folder of results keeps a list (`.timbrel.json`); where a folder
is one result, what an earlier run left in it goes. What a verb reads is never written over.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from timbrel.errors import BadInput
from timbrel.files import is_stream, replacing

OUT = Path("out")
LIST = ".timbrel.json"
SOUNDS = (".wav", ".flac")

_LONGEST_NAME = 100


@dataclass(frozen=True)
class Place:
    """A place for results.

    Attributes:
        folder: they lie in it.
        file: name of the one result, or of the first; "" where the folder itself is the result.
        chosen: names that the user chose.
        reads: files that must not be written over.
        series: endings of numbered files that belong to the result, such as NAME_2.toml.

    Raises:
        BadInput: it is the root, where nobody keeps results.
    """

    folder: Path
    file: str = ""
    chosen: frozenset[str] = frozenset()
    reads: tuple[Path, ...] = ()
    series: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        resolved = self.folder.resolve()
        if resolved == Path(resolved.anchor) and not self.chosen:
            raise BadInput(f"--out {self.folder} is the root: give a folder for results")

    def require_apart(self) -> None:
        """That nothing which is read would be written over, or go: before work that takes long.

        Raises:
            BadInput: it would.
        """
        for read in self.reads:
            if read.name == self.file or self._is_numbered(read.name):
                require_other(self.folder / read.name, [read])

    def require_free(self, names: Iterable[str]) -> None:
        """That nothing of others lies where results of these names go, before work that takes long.

        Raises:
            BadInput: something does.
        """
        before = _written(self.folder)
        for name in names:
            self._require_free(name, before.get(name))

    def fill(self, write: Callable[[Path], Sequence[Path]]) -> list[Path]:
        """Have `write` fill a new folder, and move its files to their place.

        Args:
            write: gets the new folder; its result is the paths in it, the most important first.

        Returns:
            The same paths in their place.

        Raises:
            BadInput: the place cannot be written, or something is in the way.
        """
        with _unfinished(self.folder) as new:
            paths = [path.relative_to(new) for path in write(new)]
            if not all((new / path).exists() for path in paths):
                raise BadInput(f"{self.folder} was removed meanwhile: run it again")
            found = sorted(path.relative_to(new) for path in new.rglob("*") if path.is_file())
            self._move(new, [path.as_posix() for path in found])
        return [self.folder / path for path in paths]

    def _move(self, new: Path, names: list[str]) -> None:
        before = _written(self.folder)
        for name in names:
            self._require_free(name, before.get(name))
        written = {name: _digest(new / name) for name in names}
        if not before and self.chosen.issuperset(names):
            written = {}  # a file that the user named, anywhere: no list is needed
        stale = [name for name in before if name not in names and self._renews(name, names)]
        for name in stale:
            require_other(self.folder / name, self.reads)
        kept = {name: digest for name, digest in before.items() if name not in stale}
        # An interrupted move leaves a list that has too much in it, never too little.
        _list(self.folder, before | written)
        for name in names:
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (new / name).replace(self.folder / name)
        for name in stale:
            if _is_same(self.folder / name, before[name]):
                (self.folder / name).unlink()
        _list(self.folder, kept | written)

    def _require_free(self, name: str, digest: str | None) -> None:
        path = self.folder / name
        require_other(path, self.reads)
        if path.is_dir():
            raise BadInput(f"{path} is a folder: move it, or give another --out")
        if is_stream(path):
            raise BadInput(f"{path} is a pipe or a device: give another --out")
        if name not in self.chosen and _is_there(path) and not _is_same(path, digest):
            raise BadInput(f"{path} is there, and not from timbrel: move it, or give another --out")

    def _renews(self, name: str, names: Iterable[str]) -> bool:
        """Whether an earlier file belonged to the result that is written now."""
        within = {other.rpartition("/")[0] for other in names} - {""}
        return not self.file or name.rpartition("/")[0] in within or self._is_numbered(name)

    def _is_numbered(self, name: str) -> bool:
        stem, ending = Path(self.file).stem, Path(name).suffix
        number = name.removeprefix(stem).removesuffix(ending)
        is_ours = name.startswith(stem) and bool(re.fullmatch(r"(_\d+)?", number))
        return is_ours and ending in self.series


def place_for(
    out: Path | None, name: str, suffixes: Sequence[str] = SOUNDS, reads: Iterable[Path] = (),
    series: tuple[str, ...] = (),
) -> Place:  # fmt: skip
    """Where one result goes, such as a sound.

    Args:
        out: what the user said.
        name: of the result, for a folder; see `file_name`.
        suffixes: what a file of it may end in, the usual one first.
        reads: files that must not be written over.
        series: endings of numbered files beside it: of an earlier run, they go.

    Raises:
        BadInput: that is no place to write.
    """
    folder = OUT if out is None else out
    is_file = out is not None and bool(out.suffix) and not out.is_dir()
    if not is_file:
        file = f"{file_name(name)}{suffixes[0]}"
        return Place(folder, file, reads=tuple(reads), series=series)
    if folder.suffix.lower() not in suffixes:
        beside = "; the patches beside it are called alike" if series else ""
        wanted = f"{' or '.join(suffixes)}{beside}"
        raise BadInput(f"{folder} ends in {folder.suffix!r}: end it in {wanted}")
    require_other(folder, tuple(reads))
    return Place(folder.parent, folder.name, frozenset({folder.name}), tuple(reads), series)


def folder_for(out: Path | None, name: str, reads: Iterable[Path] = ()) -> Place:
    """Where a result of many files goes: a folder of its own.

    Raises:
        BadInput: that is no place to write.
    """
    if out is not None and out.suffix and not out.is_dir():
        raise BadInput(f"--out {out}: these are many files, name a folder")
    return Place(OUT / file_name(name) if out is None else out, reads=tuple(reads))


def require_other(path: Path, reads: Iterable[Path]) -> None:
    """That a file to be written is none of those that are read.

    Raises:
        BadInput: it is, under this name or another.
    """
    for read in reads:
        if path.exists() and read.exists() and path.samefile(read):
            raise BadInput(f"{path} is what is read ({read}): give another --out")


def file_name(name: str) -> str:
    """A name as a file's, on every system.

    >>> file_name("violin + 0.5*bright - dark"), file_name("song-bass=0.5*'my door'-F#3")
    ('violin+0.5bright-dark', 'song-bass=0.5my_door-F#3')
    """
    spelled = re.sub(r"\s*([-+])\s*", r"\1", re.sub(r"[*'\"]", "", name))
    safe = re.sub(r"[^\w.()+=#-]+", "_", spelled).lstrip("._+-").rstrip("._") or "sound"
    if len(safe) > _LONGEST_NAME:
        whole = hashlib.blake2b(name.encode(errors="backslashreplace"), digest_size=4).hexdigest()
        safe = f"{safe[: _LONGEST_NAME - 9]}_{whole}"
    return safe


@contextmanager
def _unfinished(folder: Path) -> Iterator[Path]:
    """A new hidden folder in `folder`; gone afterwards, with what of `folder` stayed empty."""
    new = folder / f".{secrets.token_hex(4)}-timbrel"
    made = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    try:
        new.mkdir(parents=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"cannot write into {folder} ({reason}): choose another folder") from None
    try:
        yield new
    except BadInput as error:  # the user does not know the hidden folder
        told = str(error).replace(f"{new}{os.sep}", f"{folder / '_'}"[:-1])
        raise type(error)(told.replace(str(new), str(folder))) from None
    finally:
        shutil.rmtree(new, ignore_errors=True)
        for parent in made:
            if parent.is_dir() and not any(parent.iterdir()):
                parent.rmdir()


def _is_there(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _is_same(path: Path, digest: object) -> bool:
    return path.is_file() and not path.is_symlink() and _digest(path) == digest


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _written(folder: Path) -> dict[str, str]:
    """What timbrel wrote into a folder: digests by name; a list that is damaged counts as none."""
    try:
        listed = json.loads((folder / LIST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return {
        name: digest
        for name, digest in (listed.items() if isinstance(listed, dict) else ())
        if isinstance(digest, str) and not Path(name).is_absolute() and ".." not in Path(name).parts
    }


def _list(folder: Path, written: dict[str, str]) -> None:
    if not written:
        (folder / LIST).unlink(missing_ok=True)
        return
    with replacing(folder / LIST) as path:
        path.write_text(json.dumps(written, indent=1), encoding="utf-8")
