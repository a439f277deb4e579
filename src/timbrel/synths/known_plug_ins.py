"""Plug-ins that were loaded on this machine by their paths: files of others may name these alone.

A plug-in is a program. A model or a set may be anybody's, and name any file that there is, or that
came with it. It is loaded only if whoever works here has loaded it before, by a path they gave.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import platformdirs

from timbrel.errors import BadInput

_LIST = "plug-ins.txt"


def remember_plug_in(path: str) -> None:
    """Keep that a user gave this path. Where nothing can be kept, it is given again."""
    line = whole_path(path)
    if line in _known() or len(line.splitlines()) > 1:
        return
    with suppress(OSError):
        _list().parent.mkdir(parents=True, exist_ok=True)
        with _list().open("a", encoding="utf-8", errors="surrogateescape") as file:
            file.write(f"{line}\n")


def require_known_plug_in(path: str, told_by: Path) -> None:
    """That a file, which may be anybody's, names a plug-in that was loaded here by its path.

    Nothing is asked of the path itself: to look for it may already be to ask a foreign host.

    Raises:
        BadInput: it was not.
    """
    if whole_path(path) not in _known():
        raise BadInput(
            f"{told_by} names the plug-in {path!r:.200}, which nobody has loaded here: "
            "if you trust it, give it once to timbrel match --synth"
        )


def whole_path(path: str) -> str:
    """A path that is the same from any folder."""
    return str(Path(path).absolute())


def _known() -> list[str]:
    try:
        return _list().read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []


def _list() -> Path:
    return Path(platformdirs.user_data_dir("timbrel")) / _LIST
