"""The sheet that a picture is drawn on: our style, no global state, files whole or not at all.

Figures are made without pyplot, which would keep every one of them alive and look for a screen.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.text import Text

from timbrel.errors import BadInput
from timbrel.files import replacing

STYLE = Path(__file__).parent / "timbrel.mplstyle"
INK, BLUE, ORANGE, GREEN, RED, GREY = (
    "#22303c", "#2f6f9f", "#d9822b", "#4f9d69", "#c4473a", "#8a949e",
)  # fmt: skip
COLOURS = (BLUE, ORANGE, GREEN, RED, "#7b5ea7", "#3aa0a0", "#b5893c", GREY)

LEVELS = LinearSegmentedColormap.from_list(
    "levels",
    ["#ffffff", "#e3eef4", "#a9cfdc", "#5aa3bd", "#2f6f9f", "#2a4379", "#241a4a"],
)
"""Silence is paper, loud is ink: evenly darkening, so that it reads in grey print too."""


def _printable(text: str) -> str:
    r"""Without what names of files may hold and no letter is.

    >>> _printable("a\x1b[31m\udcff\nb")
    'a�[31m�\nb'
    """
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)


@contextmanager
def sheet(
    path: str | Path, width: float = 8.0, height: float = 5.0, title: str = ""
) -> Iterator[Figure]:
    """A figure in inches that is written to `path` when the block ends without an error.

    Raises:
        BadInput: the path does not end in .png, .svg or .pdf.
    """
    path = Path(path)
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise BadInput(f"{path} is no picture's name: wanted one ending in .png, .svg or .pdf")
    with mpl.rc_context(fname=STYLE):
        figure = Figure(figsize=(width, height))
        FigureCanvasAgg(figure)
        if title:
            figure.suptitle(title, x=0.012, ha="left")
        yield figure
        for text in figure.findobj(Text):
            if (printable := _printable(text.get_text())) != text.get_text():
                text.set_text(printable)
        with replacing(path) as temporary, warnings.catch_warnings():
            # a letter that no font has is drawn as a box
            warnings.filterwarnings("ignore", "Glyph .* missing from")
            figure.savefig(temporary, format=path.suffix[1:].lower())
