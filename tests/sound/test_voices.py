"""Voices: who sounds, who is stolen."""

from __future__ import annotations

import pytest

from timbrel.errors import BadInput
from timbrel.sound.voices import Voices


def test_a_released_note_is_stolen_before_an_older_one_that_is_held() -> None:
    voices = Voices(3)
    for note_id in (60, 64, 67):
        voices.begin(note_id)
    assert voices.release(64) == 1
    assert voices.is_full
    assert voices.steal() == 1
    assert voices.begin(72) == 1
    assert voices.steal() == 0


def test_a_note_is_released_once() -> None:
    voices = Voices(2)
    voices.begin(60)
    assert [voices.release(60), voices.release(60), voices.release(61)] == [0, None, None]
    voices.begin(60)
    assert voices.release(60) == 1


def test_voices_that_died_away_are_taken_again() -> None:
    voices = Voices(2)
    for note_id in range(100):
        voice = voices.begin(note_id)
        voices.release(note_id)
        voices.end(voice)
    assert voices.sounding == []
    assert not voices.is_full


def test_there_must_be_a_voice() -> None:
    with pytest.raises(BadInput, match="0 voices, wanted 1 to 256"):
        Voices(0)
