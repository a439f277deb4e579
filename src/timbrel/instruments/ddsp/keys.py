"""Which note sounds on which row of `TrackVoices`: a stolen note fades on a row of its own."""

from __future__ import annotations

from timbrel.dsp.tracks import TrackVoices
from timbrel.sound.voices import Voices


class Keys:
    """The notes of a player.

    Args:
        voices: notes at once.
        tracks: twice as many rows.
    """

    def __init__(self, voices: Voices, tracks: TrackVoices) -> None:
        self._voices, self._tracks = voices, tracks
        self._row: dict[int, int] = {}
        self._held: dict[int, int] = {}

    @property
    def rows(self) -> list[int]:
        """Rows of the notes that sound, held or released, the oldest first."""
        return [self._row[voice] for voice in self._voices.sounding]

    def holds(self, note_id: int) -> bool:
        """Whether a note is held."""
        return note_id in self._held

    def begin(self, note_id: int) -> int:
        """The row on which a note is to begin; another note may have to end for it."""
        if self._voices.is_full:
            self._cut(self._voices.steal())
        row = self._free_row()
        self._row[self._voices.begin(note_id)] = self._held[note_id] = row
        return row

    def release(self, note_id: int) -> int | None:
        """The row of a note that is held no more; None where it was not."""
        return None if self._voices.release(note_id) is None else self._held.pop(note_id)

    def pass_on(self, from_id: int, note_id: int) -> int:
        """The row of a held note, which gets another name."""
        row = self._held[note_id] = self._held.pop(from_id)
        self._voices.pass_on(from_id, note_id)
        return row

    def silence(self) -> None:
        """All notes fade, and are none any more."""
        for voice in self._voices.sounding:
            self._voices.end(voice)
            self._cut(voice)

    def end_what_died(self) -> None:
        """Notes whose rows are silent give their voices back."""
        for voice in self._voices.sounding:
            if not self._tracks.sounding[self._row[voice]]:
                self._end(voice)

    def _free_row(self) -> int:
        """One that is silent, or else the one that has faded furthest."""
        of, sounding = self._tracks.state.of, self._tracks.sounding
        if not sounding.all():
            return int(sounding.argmin())
        row = int((of["fade_at"] - of["at"]).argmin())
        # a note that died away by itself fades there still: it gives its voice up
        for voice in self._voices.sounding:
            if self._row[voice] == row:
                self._end(voice)
        return row

    def _end(self, voice: int) -> None:
        self._voices.end(voice)
        self._forget(self._row[voice])

    def _cut(self, voice: int) -> None:
        self._tracks.end(self._row[voice])
        self._forget(self._row[voice])

    def _forget(self, row: int) -> None:
        for note_id in [note_id for note_id, held in self._held.items() if held == row]:
            del self._held[note_id]
