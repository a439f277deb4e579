"""What is doubted: each fault by itself, and nothing where there is none."""

from __future__ import annotations

import pytest
import torch

from timbrel.data.phrases.melodies import hear_melody
from timbrel.data.phrases.melody_quality import ClipFigures, measure_clip, octave_leaps
from timbrel.sound import Performance
from timbrel.units import hz_to_midi, midi_to_hz

RATE = 16000


def tone(pitch: float, seconds: float = 2.0) -> torch.Tensor:
    time_s = torch.arange(round(seconds * RATE), dtype=torch.float64) / RATE
    f0_hz = midi_to_hz(pitch)
    parts = [(2 * torch.pi * k * f0_hz * time_s).sin() / k for k in range(1, 9)]
    return (0.2 * sum(parts)).float()


def judged(audio: torch.Tensor, other: Performance | None = None) -> ClipFigures:
    return measure_clip(audio, RATE, hear_melody(audio, RATE), other)


def melody(pitches: list[float], confidence: float = 0.99) -> Performance:
    pitch = torch.tensor(pitches)
    level = torch.full((len(pitch),), -20.0)
    return Performance(midi_to_hz(pitch), level, torch.full((len(pitch),), confidence), 200.0)


def test_a_clear_line_is_not_doubted():
    figures = judged(torch.cat([tone(60), torch.zeros(8000), tone(67)]))
    assert figures.doubts == ()
    assert figures.pitched_share > 0.98
    assert figures.blurred_share < 0.02
    assert figures.hollow_share == 0
    assert (figures.lowest, figures.highest) == pytest.approx((60, 67), abs=0.05)
    assert figures.duration_s == 4.5
    assert figures.sounding_share == pytest.approx(4 / 4.5, abs=0.02)


@pytest.mark.parametrize("chord", [(60, 64, 67), (60, 63, 67), (48, 52, 55), (60, 64)])
def test_a_chord_is_several_notes_at_once(chord):
    """Some have a bad period; of others it is good, but none of their notes lies there."""
    figures = judged(sum(map(tone, chord)))
    assert any(doubt.startswith("several notes at once") for doubt in figures.doubts)
    assert max(figures.blurred_share, figures.hollow_share) > 0.9


def test_noise_has_hardly_any_pitch(generator):
    figures = judged(0.1 * torch.randn(32000, generator=generator))
    assert figures.doubts == (f"hardly any pitch ({figures.pitched_share:.0%})",)
    assert figures.lowest is None


@pytest.mark.parametrize("audio", [torch.zeros(RATE), 1e-4 * tone(60)])
def test_silence_is_silent(audio):
    assert judged(audio).doubts == ("silent",)


def test_runs_at_full_scale_are_clipped_and_peaks_are_not():
    loud = tone(48)
    peaks = loud / loud.abs().max()
    assert judged(peaks).clipped_share == 0
    cut = (8 * loud).clamp(-1, 1)
    share = float((cut.abs() >= 0.999).float().mean())
    assert judged(cut).clipped_share == pytest.approx(share, rel=0.05)
    assert judged(cut).doubts == (f"clipped ({judged(cut).clipped_share:.2%})",)


class TestLeaps:
    def test_there_and_back_at_once_counts_for_each_factor(self):
        for away in (12, -12, 19, 24):
            assert octave_leaps(melody([60] * 50 + [60 + away] * 10 + [60] * 50)) == 1
        assert octave_leaps(melody(([60] * 50 + [72] * 10) * 3 + [60] * 50)) == 3

    def test_what_lasts_is_music(self):
        assert octave_leaps(melody([60] * 50 + [72] * 60 + [60] * 50)) == 0

    def test_other_intervals_and_what_is_not_sure_are_none(self):
        assert octave_leaps(melody([60] * 50 + [67] * 10 + [60] * 50)) == 0
        assert octave_leaps(melody([60] * 50 + [72] * 10 + [60] * 50, confidence=0.3)) == 0
        assert octave_leaps(melody([60])) == 0

    def test_many_are_doubted(self):
        audio = tone(60)
        wrong = melody((([60] * 50 + [48] * 10) * 7)[:401])
        assert "octave leaps (6)" in measure_clip(audio, RATE, wrong).doubts


def test_trackers_that_disagree_are_named():
    audio = tone(60)
    heard = hear_melody(audio, RATE)
    other = Performance(heard.f0_hz.clone(), heard.loudness_db, heard.confidence, 200.0)
    assert judged(audio, other).apart_share == 0
    other.f0_hz[100:200] *= 2
    assert judged(audio, other).apart_share == pytest.approx(0.25, abs=0.02)
    assert judged(audio, other).doubts == ("trackers disagree (25%)",)
    other.confidence[100:200] = 0.1
    assert judged(audio, other).doubts == ()
    assert float(hz_to_midi(heard.f0_hz[150])) == pytest.approx(60, abs=0.02)
