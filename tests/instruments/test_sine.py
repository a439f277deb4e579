"""`sine` to the sample: every test above the interface relies on these numbers."""

from __future__ import annotations

import math

import pytest
import torch

from timbrel.config import make_settings
from timbrel.errors import BadAudio, BadConfig
from timbrel.instruments.sine import Sine, SineSettings
from timbrel.sound import Notes

FIRST = torch.tensor([1.0, 0.0, 0.0, 0.0])


def test_a_note_is_its_formula() -> None:
    """0.5 v sin(2 pi f t) under a rise of 5 ms and a fall of 20 ms after key up."""
    rendered = Sine().render(Notes.of(57.5, 0.6, 0.25), FIRST)
    time_s = torch.arange(round(0.27 * 16000), dtype=torch.float64) / 16000
    rise, fall = (time_s / 0.005).clamp(max=1), (1 - (time_s - 0.25) / 0.02).clamp(0, 1)
    hz = 440 * 2 ** ((57.5 - 69) / 12)
    wanted = 0.5 * 0.6 * torch.minimum(rise, fall) * (2 * math.pi * hz * time_s).sin()
    assert rendered.lengths.tolist() == [4320]
    torch.testing.assert_close(rendered.audio[0].double(), wanted, atol=1e-5, rtol=0)


def test_the_timbre_is_the_amplitudes_of_four_harmonics() -> None:
    timbre = torch.tensor([0.5, 0.25, 1.0, 0.125])
    hz = 500.0
    note = Notes.of(69 + 12 * math.log2(hz / 440), 1.0, 1.5)
    sustain = Sine().render(note, timbre).audio[0, 4000:20000]
    spectrum = torch.fft.rfft(sustain.double()).abs() * 2 / 16000
    wanted = (0.5 * timbre).tolist()
    assert spectrum[[500, 1000, 1500, 2000]].tolist() == pytest.approx(wanted, abs=2e-3)


def test_harmonics_above_nyquist_are_silent() -> None:
    """At 3 kHz the third harmonic would be at 9 kHz, above 8, and come back at 7."""
    note = Notes.of(69 + 12 * math.log2(3000 / 440), 1.0, 1.5)
    sustain = Sine().render(note, torch.ones(4)).audio[0, 4000:20000]
    spectrum = torch.fft.rfft(sustain.double()).abs() * 2 / 16000
    assert spectrum[[3000, 6000]].tolist() == pytest.approx([0.5, 0.5], abs=1e-2)
    assert float(spectrum[6500:].max()) < 1e-2


def test_a_bend_moves_the_pitch_while_it_lasts() -> None:
    """An octave up after half a second: twice as many turns in the second half."""
    bend = torch.zeros(1, 52)
    bend[0, 51:] = 12.0
    one = [torch.tensor([x]) for x in (69.0, 1.0, 1.0)]
    audio = Sine().render(Notes(*one, bend), FIRST).audio[0]
    crossings = (audio[1:] * audio[:-1] < 0).nonzero()[:, 0]
    early, late = (crossings < 8000).sum(), (crossings[crossings < 16000] >= 8000).sum()
    assert int(early) == pytest.approx(440, abs=2)
    assert int(late) == pytest.approx(880 - 9, abs=5)


@pytest.mark.parametrize("pitch", [40.0, 60.0, 72.3])
def test_what_is_heard_is_what_was_played(pitch: float) -> None:
    timbre = torch.tensor([1.0, 0.4, 0.0, 0.7])
    audio = Sine().render(Notes.of(pitch, 0.3, 2.0), timbre).audio[0]
    torch.testing.assert_close(Sine().encode(audio, pitch=pitch), timbre, atol=0.02, rtol=0)


def test_silence_has_no_timbre() -> None:
    with pytest.raises(BadAudio, match="the sound is silent"):
        Sine().encode(torch.zeros(16000), pitch=60.0)


def test_a_sound_without_the_pitch_it_is_said_to_have_has_no_timbre() -> None:
    """Whole periods of 440 Hz hold nothing of 661 Hz."""
    whole = 440.0 * torch.arange(16000, dtype=torch.float64) / 16000
    other = 12 * math.log2(661 / 440) + 69
    with pytest.raises(BadAudio, match="found: give the sound's own"):
        Sine().encode((2 * math.pi * whole).sin().float(), pitch=other)


@pytest.mark.parametrize(
    "table",
    [{"sample_rate": 0}, {"attack_s": 0.0}, {"release_s": -1.0}, {"level": 2.0}],
    ids=lambda table: next(iter(table)),
)
def test_settings_that_would_divide_by_zero_or_clip_are_refused(table: dict) -> None:
    (name,) = table
    with pytest.raises(BadConfig, match=rf"settings: {name} = .*: Input should be "):
        make_settings(SineSettings, table)
