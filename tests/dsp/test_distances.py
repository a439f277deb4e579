import librosa
import numpy as np
import pytest
import torch

from timbrel.dsp.distances import (
    level_error_db,
    log_mel_l1_db,
    mss_between,
    mss_db,
    mss_mels,
    pitch_accuracy,
    rms_cosine,
    sot_hz,
    spectral_convergence_db,
    wmfcc,
)
from timbrel.units import midi_to_hz

RATE = 16000


def tone(frequency_hz, seconds=1.0, harmonics=8):
    time = torch.arange(int(seconds * RATE)) / RATE
    return sum(
        torch.sin(2 * torch.pi * k * frequency_hz * time) / k
        for k in range(1, harmonics + 1)
        if k * frequency_hz < RATE / 2
    )


def librosa_mss(audio, target):
    distances = []
    for window_s, hop_s, n_mels in ((0.010, 0.005, 32), (0.025, 0.010, 64), (0.100, 0.050, 128)):
        window = round(window_s * RATE)
        n_fft = 2 ** int(np.ceil(np.log2(4 * window)))
        levels = []
        for sound in (audio, target):
            mel = librosa.feature.melspectrogram(
                y=sound.numpy(), sr=RATE, n_fft=n_fft, win_length=window,
                hop_length=round(hop_s * RATE), n_mels=n_mels, pad_mode="constant",
            )  # fmt: skip
            levels.append(librosa.power_to_db(mel, ref=np.max, amin=1e-30, top_db=80))
        distances.append(np.abs(levels[0] - levels[1]).mean())
    return np.mean(distances)


def test_mss_agrees_with_librosa():
    audio, target = tone(220.0), torch.randn(RATE)
    assert mss_db(audio, target, RATE).item() == pytest.approx(librosa_mss(audio, target), abs=0.02)


def test_many_sounds_are_compared_with_one_that_is_heard_once():
    sounds, target = torch.randn(2, 3, 8000), tone(220.0, 0.5)
    mels = mss_mels(target, RATE)
    together = mss_between(mss_mels(sounds, RATE), mels)
    assert together.shape == (2, 3)
    assert torch.equal(together[1, 2], mss_db(sounds[1, 2], target, RATE))


@pytest.mark.parametrize("distance", [lambda a, b: mss_db(a, b, RATE), log_mel_l1_db])
def test_spectral_distances_ignore_level(distance):
    audio = tone(330.0)
    assert distance(audio, audio * 0.03).item() == pytest.approx(0, abs=2e-3)
    assert distance(audio, tone(311.0)).item() > 3


def test_log_mel_l1_agrees_with_librosa():
    sounds = tone(440.0), torch.randn(RATE)
    levels = [
        librosa.power_to_db(
            librosa.feature.melspectrogram(
                y=s.numpy(), sr=RATE, n_fft=1024, hop_length=256, n_mels=80,
                fmin=40, fmax=7600, pad_mode="constant",
            ),
            ref=np.max, amin=1e-30, top_db=80,
        )
        for s in sounds
    ]  # fmt: skip
    expected = np.abs(levels[0] - levels[1]).mean()
    assert log_mel_l1_db(*sounds).item() == pytest.approx(expected, abs=0.01)


def test_level_is_judged_apart():
    audio = torch.randn(3, RATE)
    assert level_error_db(audio * 2, audio) == pytest.approx([6.0206] * 3, abs=1e-3)


def test_a_batch_equals_singles():
    audio, target = torch.randn(2, 3, 8000), torch.randn(2, 3, 9000)
    for distance in (
        lambda a, b: mss_db(a, b, RATE), log_mel_l1_db, level_error_db, rms_cosine,
        lambda a, b: sot_hz(a, b, RATE), spectral_convergence_db,
    ):  # fmt: skip
        together = distance(audio, target)
        assert together.shape == (2, 3)
        assert together[1, 2].item() == pytest.approx(
            distance(audio[1, 2], target[1, 2]).item(), rel=1e-4, abs=1e-4
        )


def test_transport_moves_a_tone_by_its_distance_in_hz():
    time = torch.arange(RATE) / RATE
    low, high = (torch.sin(2 * torch.pi * f * time) for f in (1000.0, 3000.0))
    assert sot_hz(low, high, RATE).item() == pytest.approx(2000, rel=0.05)
    assert sot_hz(low, low * 0.1, RATE).item() == pytest.approx(0, abs=0.1)


def test_rms_cosine_sees_the_course_of_the_level():
    time = torch.arange(RATE) / RATE
    rising, falling = time * tone(440.0), (1 - time) * tone(440.0)
    assert rms_cosine(rising, rising * 3).item() == pytest.approx(1, abs=1e-5)
    # cos = integral of t (1 - t) / integral of t^2 = 1/2
    assert rms_cosine(rising, falling).item() == pytest.approx(0.5, abs=0.02)


def test_wmfcc_forgives_timing_but_not_timbre():
    audio = tone(220.0)
    late = torch.cat([torch.zeros(4000), audio[:-4000]])
    assert wmfcc(audio, audio, RATE) == pytest.approx(0, abs=1e-3)
    assert wmfcc(audio, audio * 0.1, RATE) == pytest.approx(0, abs=1e-2)
    assert wmfcc(audio, late, RATE) < wmfcc(audio, tone(220.0, harmonics=1), RATE)


def test_convergence_is_the_relative_error_in_db():
    audio = torch.randn(RATE)
    assert spectral_convergence_db(audio * 1.01, audio).item() == pytest.approx(-40, abs=0.01)


@pytest.mark.parametrize("pitch", [33.0, 60.0, 90.0])
def test_pitch_accuracy_hears_the_right_pitch_and_the_wrong(pitch):
    audio = tone(midi_to_hz(pitch), 0.8)
    assert pitch_accuracy(audio, RATE, pitch) >= 0.95
    assert pitch_accuracy(audio, RATE, pitch + 1) <= 0.05


def test_silence_has_no_pitch():
    assert pitch_accuracy(torch.zeros(RATE), RATE, 60.0) == 0


@pytest.mark.parametrize("pitch", [45, 60, 67, 72, 79, 84, 91, 96])
def test_pitch_accuracy_hears_bright_notes_whose_period_is_no_whole_number_of_samples(pitch):
    f0_hz = midi_to_hz(float(pitch))
    order = torch.arange(1, int(0.49 * RATE / f0_hz) + 1)
    time_s = torch.arange(RATE) / RATE
    starts = torch.rand(len(order), generator=torch.Generator().manual_seed(0))
    audio = (2 * torch.pi * (f0_hz * order[:, None] * time_s + starts[:, None])).sin().sum(0)
    assert pitch_accuracy(audio, RATE, pitch) >= 0.95
    assert pitch_accuracy(audio, RATE, pitch + 1) <= 0.05
