"""One melody out of many keys: the last key that went down sounds, and notes are slurred."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from timbrel.sound.playing import Player


class _Key(NamedTuple):
    note_id: int
    pitch: float
    velocity: float


class Line:
    """Keys of a player that is to play one note at a time.

    A key that goes down while another is held goes on from that one's note; when it comes up, the
    one that is still held goes on. Keys of the player that it was not told of may be released
    through it.

    Args:
        player: that plays.
    """

    def __init__(self, player: Player) -> None:
        self._player = player
        self._held: list[_Key] = []

    def note_on(self, note_id: int, pitch: float, velocity: float) -> None:
        """A key goes down."""
        key = _Key(note_id, pitch, velocity)
        before = self._held[-1] if self._held else None
        self._held = [*(held for held in self._held if held.note_id != note_id), key]
        if before is None or before.note_id == note_id:
            self._player.note_on(*key)
        else:
            self._player.slur(before.note_id, *key)

    def release(self, note_ids: Iterable[int]) -> None:
        """Keys come up, all at once."""
        released = set(note_ids)
        before = self._held
        self._held = [key for key in before if key.note_id not in released]
        for note_id in sorted(released - {key.note_id for key in before}):
            self._player.note_off(note_id)
        if before and before[-1].note_id in released:
            if self._held:
                self._player.slur(before[-1].note_id, *self._held[-1])
            else:
                self._player.note_off(before[-1].note_id)

    def forget(self) -> None:
        """The player was silenced."""
        self._held = []
