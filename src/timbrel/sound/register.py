"""Where an instrument plays: the pitches and levels that it was heard at."""

from __future__ import annotations

from typing import NamedTuple


class Register(NamedTuple):
    """What an instrument was heard at, its rarest tones left out.

    Attributes:
        lowest_pitch, highest_pitch: MIDI numbers.
        softest_db, loudest_db: A-weighted loudness of what sounds.
    """

    lowest_pitch: float
    highest_pitch: float
    softest_db: float
    loudest_db: float
