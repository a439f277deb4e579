"""The listener: physics, other trackers, and blocks of any size."""

import numpy as np
import pytest
import torch

from timbrel.dsp.listening import FRAME_RATE, Listener, follow
from timbrel.dsp.loudness import a_weighted_db
from timbrel.errors import BadAudio


def tone(f0_hz: float, sample_rate: int, seconds: float = 0.5, n_partials: int = 5) -> torch.Tensor:
    time_s = torch.arange(round(seconds * sample_rate), dtype=torch.float64) / sample_rate
    order = [k for k in range(1, n_partials + 1) if k * f0_hz < 0.45 * sample_rate]
    return sum((2 * torch.pi * k * f0_hz * time_s + k).sin() / k for k in order).float() / 4


@pytest.mark.parametrize("sample_rate", [16000, 22050, 44100, 48000, 96000])
@pytest.mark.parametrize("f0_hz", [62.0, 110.0, 440.0, 1234.5, 1900.0])
def test_tones_have_their_pitch(sample_rate, f0_hz):
    heard = follow(tone(f0_hz, sample_rate), sample_rate)
    cents = 1200 * (heard.f0_hz[10:-10] / f0_hz).log2()
    assert cents.abs().max() < 5
    assert heard.confidence[10:-10].min() > 0.95


@pytest.mark.parametrize("partials", [(2, 3, 4, 5), (1, 3, 5), (4, 5, 6, 7, 8)])
def test_a_missing_or_weak_fundamental_is_still_the_pitch(partials):
    time_s = torch.arange(8000) / 16000
    sound = sum((2 * torch.pi * k * 150 * time_s).sin() for k in partials)
    heard = follow(0.1 * sound, 16000)
    assert ((heard.f0_hz[10:-10] / 150).log2() * 1200).abs().max() < 10


def test_frames_stand_where_the_sound_is():
    """A glide of two octaves a second is 12 cents a frame: half a frame late would show."""
    time_s = torch.arange(16000, dtype=torch.float64) / 16000
    cycles = 200 * (2 ** (2 * time_s) - 1) / (2 * np.log(2))
    heard = follow((2 * torch.pi * cycles).sin().float(), 16000)
    wanted = 200 * 2 ** (2 * torch.arange(len(heard.f0_hz)) / FRAME_RATE)
    assert (1200 * (heard.f0_hz / wanted).log2())[10:-10].abs().max() < 6


def test_loudness_is_that_of_the_a_curve():
    sound = tone(300.0, 16000, 1.0) * torch.linspace(0.01, 1, 16000)
    heard = follow(sound, 16000).loudness_db
    other = a_weighted_db(sound, 16000, hop_length=80, win_length=480)
    assert (heard - other)[5:-5].abs().max() < 0.3


def test_silence_and_noise_have_no_pitch():
    silent = follow(torch.zeros(8000), 16000)
    assert (silent.f0_hz.max(), silent.confidence.max(), silent.loudness_db.max()) == (0, 0, -120)
    noise = follow(0.1 * torch.randn(16000, generator=torch.Generator().manual_seed(0)), 16000)
    assert noise.confidence.median() < 0.5


def test_a_leap_of_an_octave_is_followed_at_once():
    sound = torch.cat([tone(220.0, 16000, 0.3), tone(440.0, 16000, 0.3), tone(220.0, 16000, 0.3)])
    f0_hz = follow(sound, 16000).f0_hz
    for at_s, wanted in ((0.15, 220), (0.33, 440), (0.45, 440), (0.63, 220), (0.75, 220)):
        assert f0_hz[round(at_s * FRAME_RATE)] == pytest.approx(wanted, rel=0.005)


@pytest.mark.parametrize("sample_rate", [16000, 44100, 48000])
@pytest.mark.parametrize("block", [1, 64, 65, 512, 513, 5000])
def test_live_it_hears_what_it_hears_in_a_file(sample_rate, block):
    sound = tone(330.0, sample_rate, 0.3) * torch.linspace(0, 1, round(0.3 * sample_rate))
    listener, frames, late = Listener(sample_rate), [], 3
    for samples in sound.split(block):
        if listener.process(samples.numpy()) == 1:
            frames.append((listener.f0_hz, listener.confidence, listener.loudness_db))
    whole = follow(sound, sample_rate)
    if block <= 65:  # a longer block makes several frames, of which the last is kept
        f0_hz, confidence, loudness_db = torch.tensor(frames).T[:, late - 1 :]
        count = len(f0_hz)
        torch.testing.assert_close(f0_hz, whole.f0_hz[:count])
        torch.testing.assert_close(confidence, whole.confidence[:count])
        torch.testing.assert_close(loudness_db, whole.loudness_db[:count])
    assert (listener.f0_hz, listener.loudness_db) == pytest.approx(_last(sound, sample_rate))


def _last(sound: torch.Tensor, sample_rate: int) -> tuple[float, float]:
    listener = Listener(sample_rate)
    listener.process(sound.numpy())
    return listener.f0_hz, listener.loudness_db


@pytest.mark.parametrize(
    ("audio", "message"),
    [
        (torch.zeros(0), r"mono audio, got shape \(0,\)"),
        (torch.full((99,), torch.nan), "NaN or infinity"),
    ],
)
def test_what_is_no_melody_is_refused(audio, message):
    with pytest.raises(BadAudio, match=message):
        follow(audio, 16000)


def test_one_sample_is_enough_to_be_asked():
    assert follow(torch.zeros(1), 48000).f0_hz.tolist() == [0.0]
