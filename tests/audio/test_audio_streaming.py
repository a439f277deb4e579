"""Files block by block: what `read_audio` reads, whatever the rate, in little memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import soundfile

from timbrel.audio import AudioBlocks, read_audio
from timbrel.errors import BadAudio


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, (100_000, 2)).astype(np.float32)


@pytest.mark.parametrize("sample_rate", [8000, 16000, 22050, 44100, 48000, 96000])
@pytest.mark.parametrize("ending", ["wav", "flac", "ogg"])
def test_the_blocks_joined_are_the_whole(tmp_path, noise, sample_rate, ending) -> None:
    path = tmp_path / f"noise.{ending}"
    soundfile.write(path, noise, 44100)
    blocks = AudioBlocks(path, sample_rate)
    whole = read_audio(path, sample_rate).numpy()
    for _ in range(2):
        joined = np.concatenate(list(blocks))
        assert len(joined) == len(whole) == blocks.length
        np.testing.assert_allclose(joined, whole, atol=1e-5)


def test_channels_that_cancel_are_heard_as_the_louder(tmp_path, noise) -> None:
    soundfile.write(tmp_path / "a.wav", np.stack([noise[:, 0], -noise[:, 0]], 1), 16000, "FLOAT")
    joined = np.concatenate(list(AudioBlocks(tmp_path / "a.wav")))
    np.testing.assert_array_equal(joined, noise[:, 0])


def test_ten_minutes_take_the_memory_of_a_block(tmp_path) -> None:
    path, minute = tmp_path / "long.wav", np.full(60 * 16000, 0.1, np.float32)
    with soundfile.SoundFile(path, "w", 16000, 1) as file:
        for _ in range(10):
            file.write(minute)
    del minute
    tracemalloc.start()
    total = sum(len(block) for block in AudioBlocks(path, 48000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 600 * 48000
    assert peak < 4e6  # the whole is 115 MB


@pytest.mark.parametrize(
    ("samples", "line"),
    [
        (np.zeros(16000), r"a\.wav is silent \(digital silence\): give a recording"),
        (np.full(16000, 1e-4), r"a\.wav is silent \(its peak is -80 dB\)"),
        (np.ones(1) * 0.5, r"a\.wav has 1 samples \(0\.1 ms\), at least 20 ms are needed"),
        (np.append(np.ones(40000), np.nan), r"NaN or infinity \(first at 2\.500 s\)"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_heard(tmp_path, samples, line) -> None:
    soundfile.write(tmp_path / "a.wav", samples, 16000, "FLOAT")
    with pytest.raises(BadAudio, match=line):
        AudioBlocks(tmp_path / "a.wav", 48000)
