import librosa
import numpy as np
import pytest
import torch

from timbrel.dsp.yin import cumulative_mean_normalised, difference_function, yin
from timbrel.units import cents_between

RATE = 16000


def harmonic(f0_hz, sample_rate=RATE):
    phase = 2 * torch.pi * torch.cumsum(f0_hz.double() / sample_rate, 0)
    return sum(torch.sin(k * phase) / k for k in range(1, 7)).float()


def steady(f0_hz, seconds=0.5):
    return harmonic(torch.full((int(seconds * RATE),), f0_hz))


@pytest.mark.parametrize("time", [64, 100])
def test_the_difference_function_is_its_definition(time):
    frame, longest = torch.randn(time, dtype=torch.float64), 20
    window = time - longest
    direct = [(frame[:window] - frame[k : k + window]).square().sum() for k in range(longest + 1)]
    torch.testing.assert_close(difference_function(frame, longest), torch.stack(direct))


def test_the_normalised_function_is_its_definition():
    difference = torch.rand(30, dtype=torch.float64)
    difference[0] = 0
    direct = [1.0] + [
        float(difference[k] / difference[1 : k + 1].mean()) for k in range(1, len(difference))
    ]
    expected = torch.tensor(direct, dtype=torch.float64)
    torch.testing.assert_close(cumulative_mean_normalised(difference), expected)
    assert bool((cumulative_mean_normalised(torch.zeros(5)) == 1).all())


@pytest.mark.parametrize(
    ("f0_hz", "cents"), [(27.5, 0.5), (82.4, 0.5), (220.0, 0.5), (440.3, 1), (987.8, 4), (1760, 9)]
)
def test_a_steady_tone_is_exact_where_its_period_is_many_samples(f0_hz, cents):
    track = yin(steady(f0_hz), RATE, minimum_hz=25.0, maximum_hz=4500.0)
    assert len(track) == 1 + RATE // 2 // 256
    middle = track[6:-6].double()
    assert cents_between(middle, torch.full_like(middle, f0_hz)).abs().max() < cents


def test_a_glide_agrees_with_librosas():
    audio = harmonic(110 * 2 ** (torch.arange(2 * RATE) / RATE))
    ours = yin(audio, RATE, minimum_hz=60.0, maximum_hz=1000.0).double().numpy()
    theirs = librosa.yin(
        audio.numpy(), fmin=60.0, fmax=1000.0, sr=RATE, frame_length=2048, hop_length=256
    )
    assert len(ours) == len(theirs)
    off_cents = np.abs(cents_between(ours, theirs))[6:-6]
    assert np.median(off_cents) < 20
    assert off_cents.max() < 60


def test_a_batch_is_its_sounds_and_long_sounds_are_not_cut():
    sounds = torch.stack([steady(110.0, 9.0), steady(300.0, 9.0)])
    together = yin(sounds, RATE, minimum_hz=60.0, maximum_hz=1000.0)
    assert together.shape == (2, 1 + 9 * RATE // 256)
    for one, track in zip(sounds, together, strict=True):
        assert torch.equal(yin(one, RATE, minimum_hz=60.0, maximum_hz=1000.0), track)
    assert together[:, 540].tolist() == pytest.approx([110.0, 300.0], rel=1e-3)


def test_silence_noise_and_single_samples_give_finite_frequencies():
    for audio in (torch.zeros(4000), torch.ones(4000), torch.randn(4000), torch.ones(1)):
        track = yin(audio, RATE, minimum_hz=25.0, maximum_hz=4500.0)
        assert len(track) == 1 + len(audio) // 256
        assert bool(((track > 24) & (track < 8000)).all())
