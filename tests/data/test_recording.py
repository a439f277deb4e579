from __future__ import annotations

from pathlib import Path, PurePath

import numpy as np
import pytest
import torch

from timbrel.data.notes.qualities import envelope_db
from timbrel.data.recordings.instrument_words import family_in, pitch_in, source_in
from timbrel.data.recordings.recording import FoundNote, estimate_hold_s, notes_in, sounding_spans
from timbrel.errors import BadAudio

RATE = 16000
UNNAMED = Path("take.wav")


def note(
    pitch: float, hold_s: float, release_s: float = 0.1, decay_db_s: float = 0.0
) -> np.ndarray:
    """A harmonic tone that falls steadily, and by 60 dB in `release_s` after its key went up."""
    time_s = np.arange(round((hold_s + release_s) * RATE)) / RATE
    f0_hz = 440 * 2 ** ((pitch - 69) / 12)
    tone = sum(np.sin(2 * np.pi * k * f0_hz * time_s) / k for k in range(1, 6))
    level_db = -decay_db_s * time_s - 60 * np.clip((time_s - hold_s) / release_s, 0, 1)
    return 0.3 * tone * 10 ** (level_db / 20) * np.clip(time_s / 0.005, 0, 1)


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE))


def recording(*parts: np.ndarray, hiss: float = 1e-5) -> torch.Tensor:
    audio = np.concatenate(parts)
    return torch.from_numpy(
        audio + hiss * np.random.default_rng(0).standard_normal(len(audio))
    ).float()


def only(audio: torch.Tensor, path: Path = UNNAMED, **keys) -> FoundNote:
    (found,) = notes_in(audio, RATE, path, **keys)
    assert isinstance(found, FoundNote), found
    return found


def refusal(audio: torch.Tensor, path: Path = UNNAMED) -> str:
    (found,) = notes_in(audio, RATE, path)
    assert not isinstance(found, FoundNote)
    return found[1]


def test_silence_is_trimmed_and_pitch_found():
    found = only(recording(silence(0.5), note(60, 1.0), silence(0.7)))
    assert found.pitch == 60
    assert abs(found.cents) < 3
    assert found.start_s == pytest.approx(0.5, abs=0.03)
    assert len(found.audio) / RATE == pytest.approx(1.08, abs=0.06)
    assert found.hold_s == pytest.approx(1.0, abs=0.06)
    assert found.pitch_from == "sound"


@pytest.mark.parametrize("detune", [-0.4, 0.3])
def test_a_note_between_keys_is_brought_to_the_nearest(detune):
    audio = recording(note(64 + detune, 1.5))
    found = only(audio)
    assert found.pitch == 64
    assert found.cents == pytest.approx(100 * detune, abs=2)
    again = only(found.audio)
    assert abs(again.cents) < 2
    left = only(audio, retune=False)
    assert abs(only(left.audio).cents - found.cents) < 2


def test_level_is_of_the_loudest_tenth_of_a_second():
    audio = recording(note(69, 1.0))
    expected = 20 * np.log10(0.3 * np.sqrt(sum(1 / k**2 for k in range(1, 6)) / 2))
    assert only(audio).level_db == pytest.approx(expected, abs=0.3)
    assert only(audio / 10).level_db == pytest.approx(expected - 20, abs=0.3)


def test_notes_with_silence_between_them_are_notes_of_their_own():
    scale = [part for p in (60, 62, 64) for part in (note(p, 0.6), silence(0.4))]
    found = list(notes_in(recording(*scale), RATE, Path("scale_C4.wav")))
    assert [one.pitch for one in found if isinstance(one, FoundNote)] == [60, 62, 64]
    starts = [one.start_s for one in found if isinstance(one, FoundNote)]
    assert starts == pytest.approx([0.0, 1.1, 2.2], abs=0.03)


def test_a_sound_far_below_the_others_is_no_note():
    quiet = 0.01 * note(60, 0.5)
    found = list(notes_in(recording(note(60, 0.6), silence(0.5), quiet), RATE, UNNAMED))
    assert isinstance(found[0], FoundNote)
    assert len(found) == 2
    assert "40 dB under the loudest sound of its file: a noise" in str(found[1])


def test_vibrato_is_a_note_and_a_melody_is_not():
    time_s = np.arange(2 * RATE) / RATE
    phase = 2 * np.pi * 440 * time_s + 2.0 * np.sin(2 * np.pi * 6 * time_s)
    vibrato = 0.3 * sum(np.sin(k * phase) / k for k in range(1, 6))
    assert only(recording(vibrato)).pitch == 69
    slurred = np.concatenate([note(60, 0.8, 0.001), note(65, 0.8, 0.001)])
    phrase = np.convolve(slurred, np.ones(8) / 8, "same")
    assert "its pitch moves from 60.0 to 65.0 (MIDI): not one note" in refusal(recording(phrase))


def test_a_second_stroke_is_refused():
    struck = note(60, 0.5, 0.05, decay_db_s=60)
    assert "struck again 0.5" in refusal(recording(struck, struck))


def test_a_noise_has_no_pitch_unless_its_name_tells_one():
    noise = 0.2 * np.random.default_rng(1).standard_normal(RATE)
    assert "no pitch can be heard, and the file's name tells none" in refusal(recording(noise))
    named = only(recording(noise), Path("snare_C4.wav"))
    assert (named.pitch, named.cents, named.pitch_from) == (60, 0.0, "name")


def test_silence_is_no_recording():
    with pytest.raises(BadAudio, match="silent, or over in less than 60 ms"):
        list(notes_in(torch.zeros(RATE), RATE, UNNAMED))
    assert sounding_spans(torch.zeros(0), RATE) == []


def test_a_noise_floor_does_not_hide_the_end():
    audio = recording(silence(0.5), note(60, 1.0), silence(1.0), hiss=2e-3)
    ((start_s, end_s),) = sounding_spans(audio, RATE)
    assert start_s == pytest.approx(0.5, abs=0.05)
    assert end_s == pytest.approx(1.6, abs=0.1)


@pytest.mark.parametrize("hold_s", [0.3, 1.0, 2.5])
@pytest.mark.parametrize(("release_s", "decay_db_s"), [(0.05, 0.0), (0.3, 0.0), (0.2, 10.0)])
def test_key_up_is_where_the_level_begins_to_fall(hold_s, release_s, decay_db_s):
    audio = recording(note(60, hold_s, release_s, decay_db_s), hiss=0.0)
    level_db = envelope_db(audio[None], RATE)[0].numpy()
    assert estimate_hold_s(level_db) == pytest.approx(hold_s, abs=0.05)


def test_a_note_that_dies_away_was_held_to_its_end():
    level_db = envelope_db(recording(note(60, 1.4, 0.01, 30.0))[None, : 1 * RATE], RATE)[0].numpy()
    assert estimate_hold_s(level_db) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("path", "family", "source"),
    [
        ("Grand Piano/C3.wav", "keyboard", "acoustic"),
        ("electric_bass/soft/e1.wav", "bass", "electronic"),
        ("bass clarinet/C3.wav", "reed", "acoustic"),
        ("BassGuitar/C3.wav", "bass", "acoustic"),
        ("samples/Bassoon_A3.wav", "reed", "acoustic"),
        ("harpsichord/1.wav", "keyboard", "acoustic"),
        ("strings/violin_A4.wav", "string", "acoustic"),
        ("analog synth lead/C3.wav", "synth_lead", "synthetic"),
        ("synth pad/C4.wav", "synth_lead", "synthetic"),
        ("SuperSaw/C4.wav", "unknown", "synthetic"),
        ("guitars/telecaster_C3.wav", "guitar", "electronic"),
        ("x/Saxony/1.wav", "unknown", "acoustic"),
        ("takes/003.wav", "unknown", "acoustic"),
    ],
)
def test_words_tell_family_and_source(path, family, source):
    assert (family_in(PurePath(path)), source_in(PurePath(path))) == (family, source)


@pytest.mark.parametrize(
    ("name", "pitch"),
    [
        ("piano_C4.wav", 60), ("A4.wav", 69), ("gtr-Bb2-soft.wav", 46), ("F#-1.wav", 6),
        ("Ds3.wav", 51), ("take 3.wav", None), ("C4_to_E4.wav", None), ("abc12.wav", None),
        ("C4-C4.wav", 60), ("G10.wav", None), ("G9.wav", 127), ("A9.wav", None),
    ],
)  # fmt: skip
def test_names_tell_pitches(name, pitch):
    assert pitch_in(PurePath(name)) == pitch
