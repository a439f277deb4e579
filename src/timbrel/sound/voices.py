"""Which note sounds on which voice, and which voice is stolen: for players of every family."""

from __future__ import annotations

from dataclasses import dataclass

from timbrel.errors import BadInput

MOST_VOICES = 256


@dataclass
class _Voice:
    note_id: int
    is_held: bool


class Voices:
    """A fixed number of voices and the notes on them.

    Args:
        n_voices: how many there are.

    Raises:
        BadInput: there would be none, or more than `MOST_VOICES`.

    >>> voices = Voices(2)
    >>> voices.begin(60), voices.begin(64), voices.steal(), voices.begin(67), voices.sounding
    (0, 1, 0, 0, [1, 0])
    """

    def __init__(self, n_voices: int) -> None:
        if not (isinstance(n_voices, int) and 1 <= n_voices <= MOST_VOICES):
            raise BadInput(f"{n_voices} voices, wanted 1 to {MOST_VOICES}")
        self._free = list(range(n_voices))
        # in the order of their beginnings
        self._sounding: dict[int, _Voice] = {}

    @property
    def sounding(self) -> list[int]:
        """Voices that sound, held or released, the oldest note first."""
        return list(self._sounding)

    @property
    def is_full(self) -> bool:
        """Whether a note can begin only on a stolen voice."""
        return not self._free

    def steal(self) -> int:
        """A voice that sounded and is free now: the oldest released one, or else the oldest."""
        released = (v for v, voice in self._sounding.items() if not voice.is_held)
        voice = next(released, next(iter(self._sounding)))
        self.end(voice)
        return voice

    def begin(self, note_id: int) -> int:
        """The voice that a note takes; one must be free."""
        voice = self._free.pop(0)
        self._sounding[voice] = _Voice(note_id, is_held=True)
        return voice

    def release(self, note_id: int) -> int | None:
        """The voice on which the note is held, from now on released; None where it is not held."""
        for number, voice in self._sounding.items():
            if voice.is_held and voice.note_id == note_id:
                voice.is_held = False
                return number
        return None

    def pass_on(self, from_id: int, to_id: int) -> None:
        """A held note gets another name."""
        for voice in self._sounding.values():
            if voice.is_held and voice.note_id == from_id:
                voice.note_id = to_id

    def end(self, voice: int) -> None:
        """The voice has died away."""
        del self._sounding[voice]
        self._free.append(voice)
