import math

import numpy as np
import pyloudnorm
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from timbrel.dsp.loudness import a_weighted_db, lufs
from timbrel.errors import BadAudio


def tone(frequency_hz, sample_rate, seconds=1.0):
    return torch.sin(
        torch.arange(int(seconds * sample_rate)) * (2 * torch.pi * frequency_hz / sample_rate)
    )


# IEC 61672-1, table 3
A_CURVE_DB = {
    31.5: -39.4, 63.0: -26.2, 125.0: -16.1, 250.0: -8.6, 500.0: -3.2, 1000.0: 0.0,
    2000.0: 1.2, 4000.0: 1.0, 6300.0: -0.1,
}  # fmt: skip


@pytest.mark.parametrize("sample_rate", [16000, 22050, 44100, 48000])
def test_the_a_curve_is_the_standards(sample_rate):
    for frequency_hz, gain_db in A_CURVE_DB.items():
        level_db = a_weighted_db(tone(frequency_hz, sample_rate), sample_rate, win_length=4096)
        middle_db = level_db[len(level_db) // 2].item()
        assert middle_db == pytest.approx(gain_db - 3.01, abs=0.6), frequency_hz


def test_the_level_follows_the_sound_frame_by_frame():
    audio = tone(1000.0, 16000, 2.0)
    audio[16000:] *= 0.1
    level_db = a_weighted_db(audio, 16000)
    assert len(level_db) == 126
    assert level_db[30].item() == pytest.approx(-3.01, abs=0.1)
    assert level_db[95].item() == pytest.approx(-23.01, abs=0.1)


def test_a_batch_equals_singles():
    audio = torch.randn(2, 3, 4000)
    together = a_weighted_db(audio, 16000)
    assert torch.allclose(together[1, 2], a_weighted_db(audio[1, 2], 16000), atol=1e-4)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 100), st.sampled_from([16000, 44100, 48000]), st.integers(1, 2))
def test_lufs_agrees_with_pyloudnorm(seed, sample_rate, channels):
    random = np.random.default_rng(seed)
    level = np.repeat(10 ** random.uniform(-4, 0, 8), sample_rate // 4)
    audio = random.standard_normal((len(level), channels)) * level[:, None]
    expected = pyloudnorm.Meter(sample_rate, filter_class="DeMan").integrated_loudness(audio)
    got = lufs(torch.from_numpy(audio.T.copy()).float(), sample_rate)
    assert got == pytest.approx(expected, abs=0.05)


def test_a_full_scale_stereo_sine_has_0_lufs():
    both = tone(997.0, 48000, 3.0).expand(2, -1)
    assert lufs(both, 48000) == pytest.approx(0.0, abs=0.02)


def test_pauses_are_gated_out():
    audio = torch.cat([tone(997.0, 48000, 3.0), torch.zeros(48000 * 10)])
    assert lufs(audio, 48000) == pytest.approx(-3.01, abs=0.3)


def test_silence_and_scraps():
    assert lufs(torch.zeros(48000), 48000) == -math.inf
    with pytest.raises(BadAudio, match=r"loudness needs 0.4 s of audio, got 0.10 s"):
        lufs(torch.zeros(4800), 48000)


def test_more_than_five_channels_count_like_the_first():
    one = tone(997.0, 48000, 1.0)
    eight = torch.zeros(8, 48000)
    eight[7] = one
    assert lufs(eight, 48000) == pytest.approx(lufs(one, 48000))
