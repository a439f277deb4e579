"""A pad of timbres as files: the notes, a JSON that says which is which, and a page that plays.

`pad.html` holds everything it needs and plays offline in any browser: press, drag to morph, or use
the computer's keys.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from timbrel.audio import write_audio
from timbrel.cli.play.takes import Takes
from timbrel.files import replacing

_PAGE = Path(__file__).parent / "pad.html"


@dataclass(frozen=True)
class Pad:
    """A grid of notes between two to four named corners.

    Attributes:
        names: of the corners.
        columns, rows: size of the grid.
        pitch: MIDI number that all notes have.
        weights: of each corner in each cell, row by row from the top left.
        takes: one for each cell.
    """

    names: list[str]
    columns: int
    rows: int
    pitch: float
    weights: Float[Tensor, "cells corners"]
    takes: Takes

    @property
    def facts(self) -> dict[str, object]:
        """What the page and other programs need to know."""
        return {
            "names": self.names,
            "columns": self.columns,
            "rows": self.rows,
            "pitch": self.pitch,
            "sample_rate": self.takes.sample_rate,
            "weights": [[round(w, 6) for w in cell] for cell in self.weights.tolist()],
        }

    def write(self, folder: Path, plot: bool = False) -> list[Path]:
        """Write the page, the JSON and the notes; their paths, the page first."""
        rows, columns = range(self.rows), range(self.columns)
        notes = [folder / f"row{row}_column{column}.wav" for row in rows for column in columns]
        for path, sound in zip(notes, self.takes.sounds, strict=True):
            write_audio(path, sound, self.takes.sample_rate, "pcm16")
        page, facts = folder / "pad.html", folder / "pad.json"
        with replacing(facts) as path:
            text = json.dumps(self.facts | {"notes": [note.name for note in notes]}, indent=1)
            path.write_text(text, encoding="utf-8")
        with replacing(page) as path:
            path.write_text(self._page(notes), encoding="utf-8")
        return [page, *self._pictures(folder / "pad.png" if plot else None), facts, *notes]

    def _pictures(self, picture: Path | None) -> list[Path]:
        if picture is None:
            return []
        from timbrel.picture import draw_pad

        size, takes = (self.columns, self.rows), self.takes
        draw_pad(picture, self.names, size, takes.sounds, takes.sample_rate)
        return [picture]

    def _page(self, notes: list[Path]) -> str:
        sounds = [base64.b64encode(note.read_bytes()).decode() for note in notes]
        # A corner's name must not be able to end the script that holds it.
        data = json.dumps(self.facts | {"notes": sounds}).replace("<", "\\u003c")
        return _PAGE.read_text(encoding="utf-8").replace("{{PAD}}", data)
