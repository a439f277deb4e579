import pytest
import torch

from timbrel.dsp.pitch import note_pitch, track_pitch
from timbrel.errors import BadAudio, BadInput, MissingExtra
from timbrel.units import hz_to_midi, midi_to_hz


def note(pitch, sample_rate=16000, seconds=1.0, levels=(1.0, 0.5, 0.33, 0.25, 0.2)):
    time = torch.arange(int(seconds * sample_rate), dtype=torch.float64) / sample_rate
    f0_hz = midi_to_hz(pitch)
    return sum(
        level * torch.sin(2 * torch.pi * k * f0_hz * time)
        for k, level in enumerate(levels, 1)
        if k * f0_hz < sample_rate / 2
    ).float()


@pytest.mark.parametrize("method", ["swift", "pyin"])
def test_trackers_follow_a_glide(method):
    time = torch.arange(16000) / 16000
    f0_hz = 220 * 2**time
    phase = 2 * torch.pi * torch.cumsum(f0_hz / 16000, 0)
    audio = sum(torch.sin(k * phase) / k for k in range(1, 6))
    track = track_pitch(audio, 16000, method=method, minimum_hz=100.0, maximum_hz=1000.0)
    assert track.frame_rate == 62.5
    assert len(track.f0_hz) == len(track.confidence) == 63
    middle = slice(8, 55)
    expected = 220 * 2 ** (torch.arange(63) / 62.5)
    off = (hz_to_midi(track.f0_hz) - hz_to_midi(expected))[middle].abs()
    assert off.median() < 0.2
    assert track.confidence[middle].median() > 0.5


@pytest.mark.needs("crepe")
def test_crepe_hears_a_tone():
    track = track_pitch(note(57.0, seconds=0.3), 16000, method="crepe")
    assert hz_to_midi(track.f0_hz[9]).item() == pytest.approx(57, abs=0.3)


def test_crepe_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torchcrepe", None)
    with pytest.raises(
        MissingExtra, match=r"CREPE is not installed: pip install 'timbrel\[crepe\]'"
    ):
        track_pitch(note(60.0), 16000, method="crepe")


@pytest.mark.parametrize("pitch", [24.0, 100.0])
def test_swift_is_helped_out_beyond_its_range(pitch):
    track = track_pitch(note(pitch), 16000, minimum_hz=25.0, maximum_hz=4000.0)
    assert hz_to_midi(track.f0_hz[20:40].median()).item() == pytest.approx(pitch, abs=0.4)
    assert track.confidence[20:40].min() > 0.5


def test_noise_and_silence_are_not_voiced():
    noise = torch.randn(16000)
    assert (track_pitch(noise, 16000).confidence > 0.5).float().mean() < 0.1
    assert (track_pitch(torch.zeros(16000), 16000).confidence > 0.5).sum() == 0


@pytest.mark.parametrize("pitch", [23.0, 33.4, 45.0, 60.0, 71.7, 88.0, 97.0, 103.0])
@pytest.mark.parametrize("sample_rate", [16000, 44100])
def test_the_pitch_of_a_note(pitch, sample_rate):
    assert note_pitch(note(pitch, sample_rate), sample_rate) == pytest.approx(pitch, abs=0.2)


@pytest.mark.parametrize("levels", [(0.05, 1.0, 0.05, 0.5), (0.0, 1.0, 0.8, 0.7, 0.5), (1.0,)])
def test_a_weak_or_missing_fundamental_is_no_octave_error(levels):
    assert note_pitch(note(57.0, levels=levels), 16000) == pytest.approx(57, abs=0.15)


def test_a_decaying_note_in_silence():
    audio = note(64.0) * torch.exp(-torch.arange(16000) / 2000)
    audio = torch.cat([torch.zeros(8000), audio, torch.zeros(16000)])
    audio += 1e-4 * torch.randn(len(audio))
    assert note_pitch(audio, 16000) == pytest.approx(64, abs=0.15)


def test_a_very_short_note():
    assert note_pitch(note(69.0, seconds=0.06), 16000) == pytest.approx(69, abs=0.5)


@pytest.mark.parametrize(
    ("audio", "message"),
    [
        (torch.zeros(16000), "the sound is silent: there is no pitch to find"),
        (torch.randn(16000), "no pitch can be heard in this sound: say which note it plays"),
        (torch.full((100,), float("nan")), "the audio holds NaN or infinity"),
        (torch.zeros(0), r"pitch needs mono audio, got shape \(0,\)"),
    ],
)
def test_what_has_no_pitch_is_refused_in_one_line(audio, message):
    with pytest.raises(BadAudio, match=message):
        note_pitch(audio, 16000)


def test_bad_requests_are_refused():
    with pytest.raises(BadInput, match="pitch range 500 to 100 Hz"):
        track_pitch(note(60.0), 16000, minimum_hz=500.0, maximum_hz=100.0)
