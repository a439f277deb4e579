import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from timbrel.dsp.limiter import Limiter, soft_limit
from timbrel.errors import BadInput

RATE = 44100


def noise(channels, time, seed=0, level=1.0):
    return torch.randn(channels, time, generator=torch.Generator().manual_seed(seed)) * level


def naive_gain(peak, threshold, ceiling, delay, release):
    """The definition, written out sample by sample with full windows."""
    room = ceiling - threshold
    needed = np.ones(len(peak) + delay)
    for n, p in enumerate(peak):
        if p > threshold:
            needed[n] = (threshold + room * np.tanh((p - threshold) / room)) / p
    padded = np.concatenate([np.ones(delay), needed])
    lowest = np.array([padded[n : n + delay + 1].min() for n in range(len(needed))])
    released, value = [], 1.0
    for low in lowest:
        value = min(low, value + release * (1 - value))
        released.append(value)
    released = np.concatenate([np.ones(delay), released])
    mean = np.array([released[n : n + delay + 1].mean() for n in range(len(needed))])
    return mean[delay:]


def test_it_is_the_definition():
    audio = noise(2, 3000, level=0.8)
    limiter = Limiter(2, RATE)
    gain = naive_gain(
        audio.abs().amax(0).double().numpy(), limiter.threshold, limiter.ceiling,
        limiter.delay, 1 - np.exp(-1 / (0.1 * RATE)),
    )  # fmt: skip
    assert torch.allclose(
        soft_limit(audio, RATE), audio * torch.from_numpy(gain).float(), atol=1e-6
    )


@pytest.mark.parametrize("block", [1, 64, 65, 512, 513])
def test_blocks_joined_equal_one_shot(block):
    audio = noise(2, 4000, level=0.9)
    limiter = Limiter(2, RATE)
    parts = [limiter.process(part) for part in audio.split(block, dim=1)]
    joined = torch.cat([*parts, limiter.flush()], dim=1)[:, limiter.delay :]
    assert (joined - soft_limit(audio, RATE)).abs().max() <= 1e-6


@settings(max_examples=30)
@given(st.integers(0, 1000), st.floats(0.1, 1000.0), st.floats(-20, 0))
def test_no_peak_passes_the_ceiling(seed, level, ceiling_db):
    audio = noise(2, 2000, seed, level)
    limited = soft_limit(audio, RATE, ceiling_db=ceiling_db)
    assert limited.abs().max() <= np.float32(10 ** (ceiling_db / 20))


def test_quiet_sound_is_untouched_to_the_bit():
    audio = noise(2, 20000, level=0.1)
    assert torch.equal(soft_limit(audio, RATE), audio)


def test_it_is_transparent_again_after_a_peak():
    audio = noise(1, 3 * RATE, level=0.1)
    audio[0, 1000] = 5.0
    limited = soft_limit(audio, RATE)
    assert limited[0, 1000] < 1
    assert torch.equal(limited[0, :800], audio[0, :800])
    assert torch.allclose(limited[0, 2 * RATE :], audio[0, 2 * RATE :], atol=1e-6)


def test_channels_share_one_gain():
    audio = noise(2, 5000, level=0.1)
    audio[0, 2000:2100] += 3.0
    limited = soft_limit(audio, RATE)
    ratio = limited / audio
    assert torch.allclose(ratio[0], ratio[1], atol=1e-5)


def test_the_gain_moves_without_clicks():
    audio = torch.full((1, RATE), 0.5)
    audio[0, 20000:20010] = 4.0
    limited = soft_limit(audio, RATE)
    quiet = torch.cat([limited[0, :20000], limited[0, 20010:]])
    assert quiet.diff().abs().max() < 0.02


def test_mono_stays_mono():
    audio = noise(1, 1000)[0]
    assert soft_limit(audio, RATE).shape == (1000,)
    assert soft_limit(audio[:0], RATE).shape == (0,)


def test_samples_that_are_not_finite_become_silence():
    audio = noise(1, 1000)
    audio[0, 10], audio[0, 20] = float("nan"), float("inf")
    limited = soft_limit(audio, RATE)
    assert limited.isfinite().all()


def test_a_block_of_other_channels_is_refused():
    with pytest.raises(BadInput, match=r"limiter: a block of shape \(1, 10\), wanted \[2 time\]"):
        Limiter(2, RATE).process(torch.zeros(1, 10))


def test_without_look_ahead_nothing_is_late_and_the_ceiling_holds():
    audio = noise(1, 3000, level=3.0)
    limiter = Limiter(1, RATE, look_ahead_s=0.0)
    limited = torch.cat([limiter.process(part) for part in audio.split(256, dim=1)], dim=1)
    assert limiter.delay == 0
    assert float(limited.abs().max()) <= limiter.ceiling
    assert torch.equal(limited.sign(), audio.sign())
    quiet = noise(1, 300, level=0.1)
    assert torch.equal(Limiter(1, RATE, look_ahead_s=0.0).process(quiet), quiet)
